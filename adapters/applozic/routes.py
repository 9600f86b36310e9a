"""The wire table: logins and users here, messages and groups beside it.

Where the vendor's own clients and documents disagree on the method, both are served.
"""

from functools import partial

from adapters.applozic import contacts, group_routes, login, message_routes, users
from adapters.applozic.options import Options
from adapters.contract import Evidence, Handler, Route

WS = "/rest/ws/"
"""What all paths but those of one login and of one way to upload files begin with."""


def both(path: str, handler: Handler, operation: str, evidence: Evidence) -> tuple[Route, ...]:
    """A path that takes parameters by GET and the same as a body by POST."""
    return (
        Route("GET", WS + path, handler, operation, evidence),
        Route("POST", WS + path, handler, operation, evidence),
    )


def _logins(options: Options) -> tuple[Route, ...]:
    register = partial(login.register_client, options=options)
    initialize = partial(login.initialize_page, options=options)
    return (
        Route(
            "POST", WS + "register/client", register, "sessions.create", Evidence.DOCUMENTATION, authentication=False
        ),
        Route(
            "POST",
            "/v2/tab/initialize.page",
            initialize,
            "sessions.create",
            Evidence.CLIENT,
            authentication=False,
        ),
        Route(
            "POST",
            WS + "register/refresh/token",
            login.refresh_token,
            "sessions.refresh",
            Evidence.CLIENT,
            authentication=False,
        ),
        Route("POST", WS + "register/update", login.register_update, "sessions.update", Evidence.CLIENT),
        Route("GET", WS + "register/version/update", login.version_update, "sessions.version", Evidence.CLIENT),
        Route("POST", WS + "device/logout", login.logout, "sessions.end", Evidence.CLIENT),
        Route("POST", WS + "plugin/update/sw/id", login.web_push, "sessions.push", Evidence.CLIENT),
        Route("GET", WS + "application/pricing/package", login.pricing_package, "information", Evidence.CLIENT),
    )


_USERS = (
    Route("POST", WS + "user/v2/detail", users.detail_enveloped, "users.get", Evidence.RECORDED),
    *both("user/detail", users.detail, "users.get", Evidence.CLIENT),
    Route("GET", WS + "user/info", users.info, "users.get", Evidence.CLIENT),
    Route("GET", WS + "user/exist", users.exist, "users.get", Evidence.CLIENT),
    Route("GET", WS + "user/filter", users.page, "users.list", Evidence.DOCUMENTATION),
    Route("GET", WS + "user/v3/filter", users.page_enveloped, "users.list", Evidence.CLIENT),
    Route("GET", WS + "user/search/contact", users.search, "users.search", Evidence.CLIENT),
    Route("POST", WS + "user/update", users.update, "users.update", Evidence.DOCUMENTATION),
    Route("GET", WS + "user/name", users.set_name, "users.update", Evidence.CLIENT),
    *both("user/update/password", users.change_password, "users.set_password", Evidence.CLIENT),
    *both("user/set/password", users.set_password, "users.set_password", Evidence.DOCUMENTATION),
    Route("POST", WS + "user/v2/create", users.create_enveloped, "users.register", Evidence.DOCUMENTATION),
    Route("POST", WS + "user/create", users.create, "users.register", Evidence.DOCUMENTATION),
    Route("POST", WS + "user/delete", users.delete, "users.delete", Evidence.DOCUMENTATION),
)
_CONTACTS = (
    *both("user/block", contacts.block, "blocks.add", Evidence.CLIENT),
    *both("user/unblock", contacts.unblock, "blocks.remove", Evidence.CLIENT),
    Route("GET", WS + "user/blocked/sync", contacts.blocked, "blocks.list", Evidence.CLIENT),
    Route("POST", WS + "user/chat/mute", contacts.mute, "conversations.mute", Evidence.CLIENT),
    Route("GET", WS + "user/chat/mute/list", contacts.muted, "conversations.muted", Evidence.CLIENT),
    Route("GET", WS + "user/chat/status", contacts.chat_status, "presence.get_many", Evidence.CLIENT),
    Route("GET", WS + "user/ol/list", contacts.online, "presence.get_many", Evidence.CLIENT),
    Route("GET", WS + "user/status", contacts.status, "presence.get_many", Evidence.CLIENT),
    Route("GET", WS + "user/read", contacts.read_all, "conversations.read", Evidence.CLIENT),
)


def routes(options: Options) -> tuple[Route, ...]:
    """All rows."""
    return (*_logins(options), *_USERS, *_CONTACTS, *message_routes.routes(options), *group_routes.routes(options))
