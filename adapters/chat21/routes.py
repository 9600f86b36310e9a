"""The wire table. Archived lists, push instances and the deletes of whole timelines are not served."""

from adapters.chat21 import conversations, groups, messages, service
from adapters.contract import Evidence, Route

_GROUPS = "/api/{app}/groups"
_CONVERSATIONS = "/api/{app}/{user}/conversations"


def routes() -> tuple[Route, ...]:
    """All rows."""
    return (
        Route("GET", "/", service.greeting, "information", Evidence.RECORDED, authentication=False),
        Route("GET", "/verify", service.verify, "tokens.verify", Evidence.RECORDED),
        Route("GET", "/api/{app}/getInfo", service.information, "information", Evidence.RECORDED),
        Route("POST", "/api/{app}/messages", messages.send, "messages.send", Evidence.SEED),
        Route("GET", _CONVERSATIONS, conversations.list_all, "conversations.list", Evidence.RECORDED),
        Route("GET", _CONVERSATIONS + "/{with}", conversations.detail, "conversations.get", Evidence.RECORDED),
        Route("GET", _CONVERSATIONS + "/{with}/messages", messages.history, "messages.list", Evidence.RECORDED),
        Route("POST", _GROUPS, groups.create, "groups.create", Evidence.SEED),
        Route("GET", _GROUPS + "/{group}", groups.get, "groups.get", Evidence.RECORDED),
        Route("POST", _GROUPS + "/{group}/members", groups.join, "groups.members.add", Evidence.SEED),
        Route("PUT", _GROUPS + "/{group}/members", groups.set_members, "groups.members.set", Evidence.SEED),
        Route("DELETE", _GROUPS + "/{group}/members/{member}", groups.leave, "groups.members.remove", Evidence.SEED),
    )
