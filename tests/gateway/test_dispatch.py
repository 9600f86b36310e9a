from collections.abc import Sequence

import pytest

from adapters.contract import Claim, ClaimKind, Request, Route
from core.errors import Failure, Kind
from gateway.dispatch import AmbiguousRoutes, Dialect, Dispatcher, claimed_segments, split_path
from tests.gateway.vendor import Vendor, row

QUERY = Claim(ClaimKind.QUERY, names=("srv", "api"))
API_ALONE = Claim(ClaimKind.FIXED, path="/api")
ROOT = Claim(ClaimKind.FIXED, path="/")
API = Claim(ClaimKind.SEGMENT, names=("api",))
REST = Claim(ClaimKind.SEGMENT, names=("rest", "v2", "files"))
REST_OF_ALL = Claim(ClaimKind.FALLBACK)


def vendors() -> list[Vendor]:
    """Four that share a port as the real ones do."""
    return [
        Vendor("everything", [row("GET", "/{org}/{app}/users")], [REST_OF_ALL]),
        Vendor("chat", [row("GET", "/api/{app}/messages")], [API]),
        Vendor("rest", [row("GET", "/rest/ws/{thing}")], [REST]),
        Vendor("station", [row("POST", "/")], [QUERY, API_ALONE, ROOT]),
    ]


def request(target: str) -> Request:
    raw, _, query = target.partition("?")
    path, segments, _ = split_path(raw.encode())
    return Request(
        id="1",
        method="GET",
        path=path,
        segments=segments,
        query_string=query,
        headers={},
        scheme="http",
        host="h",
        client="",
    )


@pytest.mark.parametrize(
    ("raw", "segments", "legible"),
    [
        (b"/", (), True),
        (b"", (), True),
        (b"/a/b", ("a", "b"), True),
        (b"//a///b//", ("a", "b"), True),
        (b"/a%2Fb/c", ("a/b", "c"), True),
        (b"/%2F", ("/",), True),
        (b"/a/%C3%BCml%20x", ("a", "üml x"), True),
        ("/ü".encode(), ("ü",), True),
        (b"/%F0%9F%98%80", ("\N{GRINNING FACE}",), True),
        (b"/%C2%A0", ("\u00a0",), True),  # a blank that Python calls unprintable is no control character
        (b"/a/..", ("a", ".."), True),
        (b"/%252e", ("%2e",), True),
        (b"/a/%FF", ("a", "\ufffd"), False),
        (b"/\xff", ("\ufffd",), False),
        (b"/%ED%A0%80", ("\ufffd\ufffd\ufffd",), False),
        (b"/a%00b", ("a\0b",), False),
        (b"/a%0Ab", ("a\nb",), False),
        (b"/%C2%85", ("\u0085",), False),
        (b"/a%", ("a%",), False),
        (b"/a%4", ("a%4",), False),
        (b"/a%zz", ("a%zz",), False),
    ],
)
def test_paths_are_split_before_they_are_decoded(raw: bytes, segments: tuple[str, ...], legible: bool) -> None:
    assert split_path(raw)[1:] == (segments, legible)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/?srv=1&api=2", "station"),
        ("/org/app/users?api=2&srv=", "station"),
        ("/api/x/messages?srv=1&api=2", "station"),
        ("/org/app/users?srv=1", "everything"),
        ("/org/app/users?xsrv=1&xapi=1", "everything"),
        ("/api", "station"),
        ("/API/", "station"),
        ("//api//", "station"),
        ("/", "station"),
        ("/api/x", "chat"),
        ("/Api/x/messages", "chat"),
        ("/%61pi/x", "chat"),
        ("/rest/ws", "rest"),
        ("/V2/x", "rest"),
        ("/files/x/y", "rest"),
        ("/apix/y", "everything"),
        ("/a%2Fb/y", "everything"),
        ("/rest", None),
        ("/a%2Fb", None),
        ("/unknown", None),
    ],
)
def test_one_port_tells_dialects_apart(target: str, name: str | None) -> None:
    dispatcher = Dispatcher(vendors())
    found = dispatcher.dialect(dispatcher.way(request(target).path.encode()), request(target))
    assert (found.name if found else None) == name


def dialect(*paths: str, folds: bool = False) -> Dialect:
    vendor = Vendor("acme", [row(method, path) for method, path in (line.split() for line in paths)])
    vendor.folds_paths = folds
    return Dialect(vendor)


TABLE = dialect(
    "GET /{org}/{app}/users",
    "POST /{org}/{app}/users",
    "GET /{org}/{app}/users/{user}",
    "DELETE /{org}/{app}/users/{user}",
    "GET /{org}/{app}/users/me",
    "GET /{org}/{app}/{kind}/{id}/parts",
    "GET /{org}/{app}/users/{user}/Contacts",
)


@pytest.mark.parametrize(
    ("method", "path", "route", "parameters"),
    [
        ("GET", "/o/a/users", "/{org}/{app}/users", {"org": "o", "app": "a"}),
        ("POST", "/O/A/users/", "/{org}/{app}/users", {"org": "O", "app": "A"}),
        ("GET", "/o/a/users/x%2Fy", "/{org}/{app}/users/{user}", {"org": "o", "app": "a", "user": "x/y"}),
        ("GET", "/o/a/users/me", "/{org}/{app}/users/me", {"org": "o", "app": "a"}),
        ("DELETE", "/o/a/users/me", "/{org}/{app}/users/{user}", {"org": "o", "app": "a", "user": "me"}),
        (
            "GET",
            "/o/a/users/7/parts",
            "/{org}/{app}/{kind}/{id}/parts",
            {"org": "o", "app": "a", "kind": "users", "id": "7"},
        ),
    ],
)
def test_a_row_is_found_with_its_parameters(method: str, path: str, route: str, parameters: dict[str, str]) -> None:
    segments = split_path(path.encode())[1]
    found = TABLE.find(method, segments)
    assert (found.route.path, found.parameters(segments)) == (route, parameters)


@pytest.mark.parametrize(
    ("method", "path", "kind", "reason"),
    [
        ("PUT", "/o/a/users", Kind.UNSUPPORTED, "method"),
        ("POST", "/o/a/users/me", Kind.UNSUPPORTED, "method"),
        ("GET", "/o/a", Kind.NOT_FOUND, "route"),
        ("GET", "/o/a/Users", Kind.NOT_FOUND, "route"),
        ("GET", "/o/a/users/x/contacts", Kind.NOT_FOUND, "route"),
        ("GET", "/o/a/users/x/parts/y", Kind.NOT_FOUND, "route"),
        ("GET", "/", Kind.NOT_FOUND, "route"),
    ],
)
def test_no_row_is_a_failure_with_its_reason(method: str, path: str, kind: Kind, reason: str) -> None:
    with pytest.raises(Failure) as caught:
        TABLE.find(method, split_path(path.encode())[1])
    assert (caught.value.kind, caught.value.reason) == (kind, reason)


def test_a_path_tells_all_its_methods() -> None:
    assert TABLE.allowed(("o", "a", "users", "me")) == "DELETE, GET, HEAD, OPTIONS"
    assert TABLE.allowed(("o", "a", "nothing")) == ""


def test_literal_parts_fold_where_the_dialect_says_so_and_the_first_always() -> None:
    exact, folding = dialect("GET /api/{app}/Users"), dialect("GET /api/{app}/Users", folds=True)
    assert exact.find("GET", ("API", "MyApp", "Users")).route.path == "/api/{app}/Users"
    with pytest.raises(Failure):
        exact.find("GET", ("api", "MyApp", "users"))
    segments = ("Api", "MyApp", "USERS")
    assert folding.find("GET", segments).parameters(segments) == {"app": "MyApp"}


@pytest.mark.parametrize(
    "routes",
    [
        [row("GET", "/acme/{a}/x"), row("GET", "/acme/{b}/x")],
        [row("GET", "/acme/x"), row("GET", "/acme//x/")],
        [row("GET", "/acme/x"), row("GET", "/ACME/x")],
        [row("get", "/acme/x")],
        [row("HEAD", "/acme/x")],
        [row("OPTIONS", "/acme/x")],
        [row("GET", "/acme/{a}/{a}")],
        [row("GET", "/acme/{a}.json")],
        [row("GET", "/acme/{a")],
        [row("GET", "/elsewhere/x")],
        [row("GET", "/acme")],
    ],
    ids=lambda routes: " ".join(f"{route.method} {route.path}" for route in routes),
)
def test_a_faulty_wire_table_is_refused_at_start(routes: Sequence[Route]) -> None:
    with pytest.raises(AmbiguousRoutes, match="acme: "):
        Dispatcher([Vendor("acme", routes)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (REST_OF_ALL, REST_OF_ALL),
        (API, Claim(ClaimKind.SEGMENT, names=("x", "API"))),
        (API_ALONE, Claim(ClaimKind.FIXED, path="/API/")),
        (ROOT, ROOT),
        (QUERY, QUERY),
        (QUERY, Claim(ClaimKind.QUERY, names=("api",))),
    ],
)
def test_two_dialects_with_one_claim_are_refused_at_start(one: Claim, other: Claim) -> None:
    with pytest.raises(AmbiguousRoutes, match="both claim"):
        Dispatcher([Vendor("one", [], [one]), Vendor("other", [], [other])])


def test_a_row_that_another_dialect_would_get_is_refused_at_start() -> None:
    with pytest.raises(AmbiguousRoutes, match="belongs to chat"):
        Dispatcher([Vendor("everything", [row("GET", "/api/{app}")], [REST_OF_ALL]), Vendor("chat", [], [API])])


def test_two_dialects_with_one_name_are_refused_at_start() -> None:
    with pytest.raises(AmbiguousRoutes, match="named acme"):
        Dispatcher([Vendor("acme", [], []), Vendor("acme", [], [])])


def test_claimed_segments_are_what_no_application_may_begin_with() -> None:
    assert claimed_segments(vendors()) == {"api", "rest", "v2", "files"}


def test_ways_are_remembered_and_bounded() -> None:
    dispatcher = Dispatcher(vendors())
    first = dispatcher.way(b"/acme/one/whoami")
    assert dispatcher.way(b"/acme/one/whoami") is first
    assert dispatcher.way(b"/acme/two/whoami").segments == ("acme", "two", "whoami")
    for number in range(5_000):
        dispatcher.way(b"/acme/%d" % number)
    assert len(dispatcher._ways) == 4096
    assert dispatcher.way(b"/acme/one/whoami") is not first
    dispatcher.way(b"/" + b"x" * 600)
    assert max(map(len, dispatcher._ways)) < 600
    many = b"/a" * 17
    assert dispatcher.way(many) is not dispatcher.way(many)
