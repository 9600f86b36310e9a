"""The wire table. Push instances and the vendor's test of itself are not served."""

from adapters.chat21 import conversations, files, groups, login, messages, service
from adapters.contract import Evidence, Route

_GROUPS = "/api/{app}/groups"
_CONVERSATIONS = "/api/{app}/{user}/conversations"
_ARCHIVED = "/api/{app}/{user}/archived_conversations"


def routes() -> tuple[Route, ...]:
    """All rows."""
    return (
        Route("GET", "/", service.greeting, "information", Evidence.RECORDED, authentication=False),
        Route("GET", "/verify", service.verify, "tokens.verify", Evidence.RECORDED),
        Route("POST", login.PATH, login.log_in, "tokens.issue", Evidence.CLIENT, authentication=False),
        Route("GET", "/api/{app}/getInfo", service.information, "information", Evidence.RECORDED),
        Route("POST", "/api/{app}/messages", messages.send, "messages.send", Evidence.SEED),
        Route("POST", "/api/{app}/messages/sync", messages.send_and_show, "messages.send", Evidence.RECORDED),
        Route("GET", _CONVERSATIONS, conversations.list_active, "conversations.list", Evidence.RECORDED),
        Route(
            "GET", _CONVERSATIONS + "/archived", conversations.list_archived, "conversations.list", Evidence.RECORDED
        ),
        Route("GET", _ARCHIVED, conversations.list_archived, "conversations.list", Evidence.RECORDED),
        Route("GET", _CONVERSATIONS + "/{with}", conversations.detail, "conversations.get", Evidence.RECORDED),
        Route("GET", _ARCHIVED + "/{with}", conversations.archived_detail, "conversations.get", Evidence.RECORDED),
        Route("GET", _CONVERSATIONS + "/{with}/messages", messages.history, "messages.list", Evidence.RECORDED),
        Route(
            "DELETE",
            "/api/{app}/conversations/{recipient}",
            conversations.archive,
            "conversations.archive",
            Evidence.SEED,
        ),
        Route(
            "DELETE",
            "/api/{app}/{group}/conversations/timelines",
            conversations.remove_rows,
            "conversations.delete",
            Evidence.RECORDED,
        ),
        Route(
            "DELETE",
            "/api/{app}/{group}/messages/timelines",
            conversations.remove_messages,
            "conversations.clear_for_all",
            Evidence.RECORDED,
        ),
        Route("GET", files.PATH, files.download, "files.download", Evidence.GUESS, authentication=False),
        Route("POST", _GROUPS, groups.create, "groups.create", Evidence.SEED),
        Route("GET", _GROUPS + "/{group}", groups.get, "groups.get", Evidence.RECORDED),
        Route("PUT", _GROUPS + "/{group}", groups.rename, "groups.update", Evidence.RECORDED),
        Route("PUT", _GROUPS + "/{group}/attributes", groups.set_attributes, "groups.update", Evidence.RECORDED),
        Route("POST", _GROUPS + "/{group}/members", groups.join, "groups.members.add", Evidence.SEED),
        Route("PUT", _GROUPS + "/{group}/members", groups.set_members, "groups.members.set", Evidence.SEED),
        Route("DELETE", _GROUPS + "/{group}/members/{member}", groups.leave, "groups.members.remove", Evidence.SEED),
    )
