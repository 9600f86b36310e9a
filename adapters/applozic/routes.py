"""The wire table: logins and users here, messages and groups beside it.

Where the vendor's own clients and documents disagree on the method, both are served.
"""

from functools import partial

from adapters.applozic import contacts, group_routes, login, message_routes, users
from adapters.applozic.lines import WS, Line, rows
from adapters.applozic.options import Options
from adapters.contract import Evidence, Route

_DOCUMENTED, _RECORDED, _CLIENT = Evidence.DOCUMENTATION, Evidence.RECORDED, Evidence.CLIENT


def _logins(options: Options) -> tuple[Route, ...]:
    register = partial(login.register_client, options)
    initialize = partial(login.initialize_page, options)
    return (
        Route("POST", WS + "register/client", register, "sessions.create", _DOCUMENTED, authentication=False),
        Route(
            "POST",
            "/v2/tab/initialize.page",
            initialize,
            "sessions.create",
            _CLIENT,
            authentication=False,
        ),
        Route(
            "POST",
            WS + "register/refresh/token",
            login.refresh_token,
            "sessions.refresh",
            _CLIENT,
            authentication=False,
        ),
        Route("POST", WS + "register/update", login.register_update, "sessions.update", _CLIENT),
        Route("GET", WS + "register/version/update", login.version_update, "sessions.version", _CLIENT),
        Route("POST", WS + "device/logout", login.logout, "sessions.end", _CLIENT),
        Route("POST", WS + "plugin/update/sw/id", login.web_push, "sessions.push", _CLIENT),
        Route("GET", WS + "application/pricing/package", login.pricing_package, "information", _CLIENT),
    )


_USERS: tuple[Line, ...] = (
    ("POST", "user/v2/detail", users.detail_enveloped, "users.get", _RECORDED),
    ("GET POST", "user/detail", users.detail, "users.get", _CLIENT),
    ("GET", "user/info", users.info, "users.get", _CLIENT),
    ("GET", "user/exist", users.exist, "users.get", _CLIENT),
    ("GET", "user/filter", users.page, "users.list", _DOCUMENTED),
    ("GET", "user/v3/filter", users.page_enveloped, "users.list", _CLIENT),
    ("GET", "user/search/contact", users.search, "users.search", _CLIENT),
    ("POST", "user/update", users.update, "users.update", _DOCUMENTED),
    ("GET", "user/name", users.set_name, "users.update", _CLIENT),
    ("GET POST", "user/update/password", users.change_password, "users.set_password", _CLIENT),
    ("GET POST", "user/set/password", users.set_password, "users.set_password", _DOCUMENTED),
    ("POST", "user/v2/create", users.create_enveloped, "users.register", _DOCUMENTED),
    ("POST", "user/create", users.create, "users.register", _DOCUMENTED),
    ("POST", "user/delete", users.delete, "users.delete", _DOCUMENTED),
)
_CONTACTS: tuple[Line, ...] = (
    ("GET POST", "user/block", contacts.block, "blocks.add", _CLIENT),
    ("GET POST", "user/unblock", contacts.unblock, "blocks.remove", _CLIENT),
    ("GET", "user/blocked/sync", contacts.blocked, "blocks.list", _CLIENT),
    ("POST", "user/chat/mute", contacts.mute, "conversations.mute", _CLIENT),
    ("GET", "user/chat/mute/list", contacts.muted, "conversations.muted", _CLIENT),
    ("GET", "user/chat/status", contacts.chat_status, "presence.get_many", _CLIENT),
    ("GET", "user/ol/list", contacts.online, "presence.get_many", _CLIENT),
    ("GET", "user/status", contacts.status, "presence.get_many", _CLIENT),
    ("GET", "user/read", contacts.read_all, "conversations.read", _CLIENT),
)


def routes(options: Options) -> tuple[Route, ...]:
    """All rows."""
    return (
        *_logins(options),
        *rows((*_USERS, *_CONTACTS)),
        *message_routes.routes(options),
        *group_routes.routes(),
    )
