"""The wire table."""

from collections.abc import Awaitable, Callable
from functools import partial

from adapters.contract import Call, Evidence, Handler, Reply, Route
from adapters.easemob import (
    accounts,
    attributes,
    conversations,
    files,
    group_routes,
    history,
    imports,
    messages,
    newer_messages,
    presence,
    recall,
    receipts,
    registration,
    relations,
    rewrite,
    tokens,
    users,
)
from adapters.easemob.limits import limited
from adapters.easemob.options import Options

_APP = "/{org}/{app}"
_FILE = _APP + "/chatmessages/files/{name}"
_ACKS = _APP + "/chatgroups/{group}/acks/{message}"
_USER = _APP + "/users/{user}"
_METADATA = _APP + "/metadata/user/{user}"


_FILES = (
    Route("POST", _APP + "/chatfiles", files.upload, "files.upload", Evidence.DOCUMENTATION),
    Route(
        "GET",
        _APP + "/chatfiles/{file}",
        files.download,
        "files.download",
        Evidence.DOCUMENTATION,
        authentication=False,
    ),
)
_TOKENS = (
    Route("POST", _APP + "/token", tokens.issue, "tokens.issue", Evidence.DOCUMENTATION, authentication=False),
    Route("POST", _APP + "/token/user/{user}/invalid", tokens.revoke, "tokens.revoke", Evidence.DOCUMENTATION),
)
_USERS = (
    Route("GET", _APP + "/users", users.page, "users.list", Evidence.RECORDED),
    Route("DELETE", _APP + "/users", users.delete_many, "users.delete_many", Evidence.RECORDED),
    Route("GET", _USER, users.get, "users.get", Evidence.RECORDED),
    Route("DELETE", _USER, users.delete, "users.delete", Evidence.RECORDED),
    Route("PUT", _USER, accounts.update, "users.update", Evidence.RECORDED),
    Route("PUT", _USER + "/password", accounts.set_password, "users.set_password", Evidence.RECORDED),
    Route("POST", _USER + "/password", accounts.set_password, "users.set_password", Evidence.DOCUMENTATION),
    Route("PUT", _APP + "/push/nickname", accounts.set_nicknames, "users.set_nicknames", Evidence.DOCUMENTATION),
    Route("POST", _USER + "/deactivate", accounts.deactivate, "users.deactivate", Evidence.RECORDED),
    Route("POST", _USER + "/activate", accounts.activate, "users.activate", Evidence.RECORDED),
    Route("GET", _USER + "/status", presence.status, "presence.get", Evidence.RECORDED),
    Route("POST", _APP + "/users/batch/status", presence.statuses, "presence.get_many", Evidence.RECORDED),
    Route("GET", _USER + "/resources", presence.stations, "presence.stations", Evidence.CLIENT),
    Route("GET", _USER + "/disconnect", presence.disconnect, "presence.clear", Evidence.RECORDED),
    Route("GET", _USER + "/disconnect/{resource}", presence.disconnect, "presence.clear", Evidence.RECORDED),
    Route("GET", _USER + "/offline_msg_count", presence.offline_count, "messages.unread", Evidence.RECORDED),
    Route(
        "GET",
        _USER + "/offline_msg_status/{message}",
        presence.offline_status,
        "messages.delivered",
        Evidence.DOCUMENTATION,
    ),
)
# The newer client writes `users` where the documents say `user`, and has blocks of its own under `sdk`.
_RELATIONS = (
    Route("POST", _USER + "/contacts/users/{friend}", relations.add, "contacts.add", Evidence.RECORDED),
    Route("DELETE", _USER + "/contacts/users/{friend}", relations.remove, "contacts.remove", Evidence.RECORDED),
    Route("GET", _USER + "/contacts/users", relations.contacts, "contacts.list", Evidence.RECORDED),
    Route("GET", _APP + "/user/{user}/contacts", relations.contacts_page, "contacts.page", Evidence.DOCUMENTATION),
    Route("GET", _USER + "/contacts", relations.contacts_page, "contacts.page", Evidence.CLIENT),
    Route(
        "PUT",
        _APP + "/user/{user}/contacts/users/{friend}",
        relations.remark,
        "contacts.remark",
        Evidence.DOCUMENTATION,
    ),
    Route("PUT", _USER + "/contacts/users/{friend}", relations.remark, "contacts.remark", Evidence.CLIENT),
    Route("POST", _USER + "/contacts/apply", relations.apply, "contacts.request", Evidence.RECORDED),
    Route("POST", _USER + "/contacts/accept/users/{friend}", relations.accept, "contacts.accept", Evidence.RECORDED),
    Route("POST", _USER + "/contacts/decline/users/{friend}", relations.decline, "contacts.decline", Evidence.RECORDED),
    Route("POST", _USER + "/blocks/users", relations.block, "blocks.add", Evidence.RECORDED),
    Route("GET", _USER + "/blocks/users", relations.blocks, "blocks.list", Evidence.RECORDED),
    Route("DELETE", _USER + "/blocks/users/{blocked}", relations.unblock, "blocks.remove", Evidence.RECORDED),
    Route("POST", _APP + "/sdk/user/{user}/blocks", relations.block, "blocks.add", Evidence.CLIENT),
    Route("DELETE", _APP + "/sdk/user/{user}/blocks", relations.unblock_many, "blocks.remove_many", Evidence.CLIENT),
)
_ATTRIBUTES = (
    Route("PUT", _METADATA, attributes.change, "users.set_attributes", Evidence.RECORDED),
    Route("GET", _METADATA, attributes.get, "users.attributes", Evidence.RECORDED),
    Route("DELETE", _METADATA, attributes.delete, "users.delete_attributes", Evidence.RECORDED),
    Route("POST", _APP + "/metadata/user/get", attributes.get_many, "users.attributes_of_many", Evidence.RECORDED),
    Route("GET", _APP + "/metadata/user/capacity", attributes.capacity, "users.attributes_size", Evidence.RECORDED),
)


def routes(options: Options) -> tuple[Route, ...]:
    """All rows. `POST /users` looks at the token itself: whether it matters is a setting of the application."""
    register = partial(registration.register, options)
    rows = (
        *_of_messages(options),
        *_of_conversations(),
        Route("POST", _APP + "/users", register, "users.register", Evidence.RECORDED, authentication=False),
        *_TOKENS,
        *_USERS,
        *_RELATIONS,
        *_ATTRIBUTES,
        *_FILES,
        *group_routes.ROUTES,
    )
    return tuple(limited(options, route) for route in rows)


def _of_messages(options: Options) -> tuple[Route, ...]:
    """Sending, and what is done with messages afterwards."""
    documented, client = Evidence.DOCUMENTATION, Evidence.CLIENT
    sent = tuple(
        Route("POST", _APP + each.path, partial(newer_messages.send, options, each), "messages.send", documented)
        for each in newer_messages.ENDPOINTS
    )

    def given(handler: Callable[[Options, Call], Awaitable[Reply]]) -> Handler:
        return partial(handler, options)

    return (
        Route("POST", _APP + "/messages", given(messages.send), "messages.send", Evidence.SEED),
        *sent,
        Route(
            "POST",
            _APP + "/messages/chatrooms/broadcast",
            given(newer_messages.broadcast),
            "messages.broadcast",
            documented,
        ),
        Route("POST", _APP + "/messages/msg_recall", given(recall.recall), "messages.recall", documented),
        Route("POST", _APP + "/messages/recall", given(recall.recall_list), "messages.recall", client),
        Route("PUT", _APP + "/messages/rewrite/{message}", given(rewrite.rewrite), "messages.edit", documented),
        Route("POST", _APP + "/messages/users/import", given(imports.to_user), "messages.import", documented),
        Route("POST", _APP + "/messages/chatgroups/import", given(imports.to_group), "messages.import", documented),
        Route("GET", _APP + "/chatmessages/{time}", given(history.hour), "history.export", documented),
        Route("GET", _FILE, given(history.file), "history.file", documented, authentication=False),
        Route("GET", _APP + "/chatmessages", history.query, "history.query", documented),
        Route("GET", _ACKS, receipts.group_acks, "receipts.list", Evidence.RECORDED),
    )


def _of_conversations() -> tuple[Route, ...]:
    """A user's conversations. The vendor's documents, tables and clients have them under several paths."""
    rows = []
    for users_path, evidence in (("/users", Evidence.DOCUMENTATION), ("/user", Evidence.CLIENT)):
        base = _APP + users_path + "/{user}/user_channel"
        rows += [
            Route("GET", base + "s", conversations.list_all, "conversations.list", Evidence.CLIENT),
            Route("DELETE", base, conversations.delete, "conversations.delete", evidence),
        ]
    paged = _APP + "/sdk/user/{user}/user_channels/list"
    rows.append(Route("GET", paged, conversations.page, "conversations.list", Evidence.CLIENT))
    for prefix, evidence in (("/rest", Evidence.DOCUMENTATION), ("/sdk", Evidence.CLIENT)):
        base = _APP + prefix + "/message/roaming"
        direct, group = base + "/chat/user/{user}", base + "/group/user/{user}"
        rows += [
            Route("DELETE", direct, conversations.delete_direct_messages, "messages.hide", evidence),
            Route("DELETE", group, conversations.delete_group_messages, "messages.hide", evidence),
            Route("DELETE", direct + "/time", conversations.clear_direct, "conversations.clear", evidence),
            Route("DELETE", group + "/time", conversations.clear_group, "conversations.clear", evidence),
            Route("POST", base + "/user/{user}/delete/all", conversations.clear_all, "conversations.clear", evidence),
        ]
    return tuple(rows)
