"""The wire table of the API of HTTP API users, and that of the chat clients behind it."""

from zoneinfo import ZoneInfo

from adapters.contract import Evidence, Handler, Route
from adapters.ozeki import files
from adapters.ozeki.client_routes import client_routes
from adapters.ozeki.json_api import JsonApi
from adapters.ozeki.options import Options
from adapters.ozeki.xml_api import XmlApi

_PATH = "/api"


def routes(options: Options) -> tuple[Route, ...]:
    """All rows."""
    zone = ZoneInfo(options.zone)
    json, xml = JsonApi(zone), XmlApi(zone)
    return (
        _row("POST", json.send, "messages.send", Evidence.CLIENT, "action=sendmsg"),
        _row("GET", json.receive, "folders.read", Evidence.CLIENT, "action=receivemsg"),
        _row("POST", json.delete, "folders.delete", Evidence.CLIENT, "action=deletemsg"),
        _row("POST", json.mark, "folders.mark", Evidence.CLIENT, "action=markmsg"),
        _row("GET", xml.send, "messages.send", Evidence.DOCUMENTATION, "action=sendmessage"),
        _row("POST", xml.send, "messages.send", Evidence.DOCUMENTATION, "action=sendmessage"),
        _row("GET", xml.receive, "folders.read", Evidence.DOCUMENTATION, "action=receivemessage"),
        _row("POST", xml.receive, "folders.read", Evidence.DOCUMENTATION, "action=receivemessage"),
        _row("GET", xml.send, "messages.send", Evidence.DOCUMENTATION, "command=sendmessage"),
        _row("POST", xml.send, "messages.send", Evidence.DOCUMENTATION, "command=sendmessage"),
        _row("GET", xml.receive, "folders.read", Evidence.DOCUMENTATION, "command=receivemessage"),
        _row("POST", xml.receive, "folders.read", Evidence.DOCUMENTATION, "command=receivemessage"),
        _row("POST", xml.send, "messages.send", Evidence.DOCUMENTATION, "ozml=sendmsg"),
        Route("GET", _PATH, files.download, "files.download", Evidence.GUESS, authentication=False, call=files.CALL),
        *client_routes(options),
    )


def _row(method: str, handler: Handler, operation: str, evidence: Evidence, call: str) -> Route:
    return Route(method, _PATH, handler, operation, evidence, call=call)
