"""How failures look at each path: the vendor answers bare objects and plain words at some, envelopes at the others."""

import orjson
import pytest

from adapters.applozic.errors import not_allowed, render_failure
from adapters.applozic.options import Options
from adapters.applozic.routes import routes
from adapters.contract import Request
from tests.adapters.applozic.conftest import failed
from tests.harness import NOON, match

WORDS = """
POST message/send
POST message/sendall
POST message/dispatch
GET message/v2/list
GET message/list
GET message/sync
GET message/detail
GET message/read
GET message/read/conversation
GET message/delivered
GET message/delete
GET message/delete/conversation
GET message/delete/all
GET register/version/update
POST plugin/update/sw/id
GET user/detail
POST user/detail
GET user/info
GET user/filter
GET user/chat/status
GET user/ol/list
GET user/chat/mute/list
POST user/create
GET aws/file/url
POST upload/image
POST upload/file
GET file/url
POST aws/file/delete
"""
LOGINS = ("POST /rest/ws/register/client", "POST /rest/ws/register/update", "POST /v2/tab/initialize.page")
WORDED = {line.replace(" ", " /rest/ws/") for line in WORDS.split("\n") if line}
ROUTES = {f"{route.method} {route.path}" for route in routes(Options())}


def test_every_path_that_is_named_here_is_served() -> None:
    assert WORDED | {*LOGINS} <= ROUTES


@pytest.mark.parametrize("way", sorted(ROUTES - {*LOGINS}))
def test_what_is_not_allowed(way: str) -> None:
    method, _, path = way.partition(" ")
    segments = tuple(path.strip("/").split("/"))
    request = Request(id="", method=method, path=path, segments=segments, query_string="", headers={}, scheme="http", host="x", client="")  # fmt: skip
    reply = render_failure(request, not_allowed(), NOON)
    assert reply.status == 200
    if way in WORDED or segments[0] == "files":
        assert (reply.body, dict(reply.headers)[b"content-type"]) == (b"error", b"text/plain")
    else:
        match(failed("AL-UN-01", "unauthorized user"), orjson.loads(reply.body))
