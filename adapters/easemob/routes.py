"""The wire table."""

from collections.abc import Awaitable, Callable
from functools import partial

from adapters.contract import Call, Evidence, Handler, Reply, Route
from adapters.easemob import (
    auth,
    conversations,
    groups,
    history,
    imports,
    messages,
    newer_messages,
    recall,
    receipts,
    rewrite,
    users,
)
from adapters.easemob.limits import limited
from adapters.easemob.options import Options

_APP = "/{org}/{app}"
_FILE = _APP + "/chatmessages/files/{name}"
_ACKS = _APP + "/chatgroups/{group}/acks/{message}"


def routes(options: Options) -> tuple[Route, ...]:
    """All rows. `POST /users` looks at the token itself: whether it matters is a setting of the application."""
    register = partial(users.register, options)
    rows = (
        *_of_messages(options),
        *_of_conversations(),
        Route("POST", _APP + "/token", auth.issue_token, "tokens.issue", Evidence.DOCUMENTATION, authentication=False),
        Route("POST", _APP + "/users", register, "users.register", Evidence.RECORDED, authentication=False),
        Route("GET", _APP + "/users/{user}", users.get, "users.get", Evidence.RECORDED),
        Route("POST", _APP + "/chatgroups", groups.create, "groups.create", Evidence.RECORDED),
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
