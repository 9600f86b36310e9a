"""The wire table of the chat clients' API: its calls are at any path, and only `srv`, `api` and `action` tell them."""

from functools import partial

from adapters.contract import Evidence, Handler, Route
from adapters.ozeki import adding, conversations, downloads, friends, login, notifications, reports
from adapters.ozeki.options import Options

NOTIFICATION = "srv=chatserver&api=chatnotification&action=download"
"""The one call with a station and no user."""
_PATH = "/"
_SEED, _DOCUMENTED, _GUESS = Evidence.SEED, Evidence.DOCUMENTATION, Evidence.GUESS


def client_routes(options: Options) -> tuple[Route, ...]:
    """All rows."""
    available, report = partial(friends.available, options), partial(reports.report, options)
    return (
        _row("chatlogin", "login", partial(login.log_in, options), "sessions.create", authentication=False),
        _row("chatavailability", "useravailable", available, "presence.set"),
        _row("chatavailability", "userunavailable", available, "presence.set", _GUESS),
        _row("chatavailability", "useroffline", available, "presence.set", _GUESS),
        _row("chatavailability", "useraway", available, "presence.set", _GUESS),
        _row("chatavailability", "userbusy", available, "presence.set", _GUESS),
        _row("chatfriends", "list", friends.list_friends, "contacts.list"),
        _row("chatreports", "viewed", report, "receipts.read"),
        _row("chatreports", "delivered", report, "receipts.delivered", _GUESS),
        _row("chatnotification", "download", partial(notifications.download, options), "notifications.take"),
        _row("chatconversation", "list", conversations.list_all, "conversations.list"),
        _row("chatconversation", "downloadpartial", partial(downloads.download_partial, options), "messages.list"),
        _row("chatconversation", "add", partial(adding.add, options), "messages.send"),
        _row("chatconversation", "clear", conversations.clear, "conversations.clear_for_all"),
        _row("chatconversation", "favorite", conversations.favourite, "conversations.favourite"),
        _row("chatconversation", "unfavorite", conversations.unfavourite, "conversations.unfavourite"),
        _row("chatconversation", "setlistitembackgroundcolor", conversations.colour, "conversations.colour"),
        _row("chatconversation", "download", partial(downloads.download, options), "messages.list", _SEED),
        _row("chatconversation", "mute", conversations.mute, "conversations.mute"),
        _row("chatconversation", "unmute", conversations.unmute, "conversations.unmute"),
        _row("chatconversation", "hide", conversations.hide, "conversations.hide"),
        _row("chatconversation", "unhide", conversations.unhide, "conversations.unhide"),
        _row("chatblocklist", "blocklist", friends.blocklist, "blocks.list"),
        Route(
            "POST",
            _PATH,
            partial(login.register_workspace, options),
            "workspaces.register",
            _DOCUMENTED,
            authentication=False,
            call="srv=chatowner&api=workspace&action=workspaceregister",
        ),
    )


def _row(
    api: str,
    action: str,
    handler: Handler,
    operation: str,
    evidence: Evidence = _DOCUMENTED,
    *,
    authentication: bool = True,
) -> Route:
    call = f"srv=chatserver&api={api}&action={action}"
    return Route("POST", _PATH, handler, operation, evidence, authentication, call)
