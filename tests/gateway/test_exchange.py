import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters.bodies import json_reply
from adapters.contract import Call, Reply
from core.errors import Failure, Kind, StaleTenant, files_unavailable, store_unavailable
from core.objects import Content
from gateway.limits import Limits
from tests.gateway.vendor import OpenVendor, Vendor, echo, row, whoami
from tests.harness import CANARY, NOON, House, Row, open_house, serve
from tests.refusals import LIMITS, Manners, Refusal, refusals
from tests.servers import Engine

KEY = {"Authorization": "Key {key}"}


class Doings:
    """What handlers of the table below did, for tests to look at."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.stale = 0
        self.refreshed = asyncio.Event()

    async def stale_at_first(self, call: Call) -> Reply:
        body = await call.body(1_000)
        self.done.append(f"{call.reference} {body.decode()} {call.principal is not None}")
        if len(self.done) <= self.stale:
            raise StaleTenant(call.tenant.number)
        call.losses.append("colour: dropped")
        return json_reply(200, len(self.done))

    async def broken(self, call: Call) -> Reply:
        raise RuntimeError(f"no idea what to do with {await call.body(1_000)!r} of {call.request.query}")

    async def unavailable(self, call: Call) -> Reply:
        raise store_unavailable()

    async def lossy(self, call: Call) -> Reply:
        call.losses += ["colour: dropped", "größe: rounded\r\nx-evil: 1", "x" * 2_000, *["y"] * 30]
        return json_reply(200, {})

    async def nothing(self, call: Call) -> Reply:
        return Reply(204, b"", [])

    async def unreadable(self, call: Call) -> Reply:
        async def pieces() -> AsyncIterator[bytes]:
            if "begun" in call.request.query:
                yield b"some"
            raise files_unavailable()

        return Reply(200, b"", [(b"content-type", b"text/plain")], Content(50, pieces()))

    async def takes_body(self, call: Call) -> Reply:
        self.done.append((await call.body(10_000_000)).decode())
        return json_reply(200, {})


@pytest.fixture
def doings() -> Doings:
    return Doings()


@pytest.fixture
async def house(embedded_engine: Engine, doings: Doings) -> AsyncIterator[House]:
    routes = [
        row("POST", "/acme/{app}/echo", echo, operation="echo"),
        row("GET", "/acme/{app}/whoami", whoami, operation="whoami"),
        row("GET", "/acme/{app}/public", doings.nothing, operation="public", authentication=False),
        row("POST", "/acme/{app}/stale", doings.stale_at_first, operation="stale"),
        row("POST", "/acme/{app}/broken", doings.broken, operation="broken"),
        row("GET", "/acme/{app}/unavailable", doings.unavailable, operation="unavailable"),
        row("GET", "/acme/{app}/lossy", doings.lossy, operation="lossy"),
        row("POST", "/acme/{app}/body", doings.takes_body, operation="body"),
        row("GET", "/acme/{app}/file", doings.unreadable, operation="file"),
    ]
    async with open_house(embedded_engine.url, [Vendor(routes=routes), OpenVendor("open")], limits=LIMITS) as house:
        application = house.application("acme")
        house.names |= {"app": application.name, "key": application.credentials[0].secret}
        other = house.application("open")
        house.names |= {"open": other.name, "open_key": other.credentials[0].secret}
        yield house


def failure(kind: str, why: str) -> dict[str, Any]:
    return {"acme": kind, "why": why, "now": NOON}


ROWS = [
    Row("handled", "POST", "/acme/{app}/echo", 200, {"said": {"a": 1}, "parameters": {"app": "{app}"}}, {"a": 1}, headers=KEY),
    Row("wrong key", "GET", "/acme/{app}/whoami", 401, failure("unauthenticated", "unknown"), headers={"Authorization": "Key x"}),
    Row("unknown application", "GET", "/acme/nobody/whoami", 404, failure("not_found", "application"), headers=KEY),
    Row("without authentication", "GET", "/acme/{app}/public", 204, ""),
    Row("unknown path", "GET", "/acme/{app}/nothing", 404, failure("not_found", "route"), headers=KEY),
    Row("wrong method", "PUT", "/acme/{app}/echo", 405, failure("unsupported", "method"), headers=KEY),
    Row("illegible path", "GET", "/acme/%FF/whoami", 400, failure("bad_request", "path"), headers=KEY),
    Row("control character", "GET", "/acme/{app}%0a/whoami", 400, failure("bad_request", "path"), headers=KEY),
    Row("implausible host", "GET", "/acme/{app}/whoami", 400, failure("bad_request", "host"), headers={"Host": "a b"}),
    Row("host with a path", "GET", "/acme/{app}/whoami", 400, failure("bad_request", "host"), headers={"Host": "a/b"}),
    *(
        Row(f"host {host}", "GET", "/acme/{app}/whoami", 400, failure("bad_request", "host"), headers={"Host": host})
        for host in ("a:65536", "[:::]", "[1.2.3.4]", "[::1")
    ),
    Row("host as IPv6", "GET", "/acme/{app}/public", 204, headers={"Host": "[::1]:8080"}),
    Row("no dialect", "GET", "/elsewhere", 404, {"error": "not_found", "message": str}),
    Row("malformed", "POST", "/acme/{app}/echo", 400, failure("bad_request", "body"), content=b"{", headers=KEY),
    Row("too large for the dialect", "POST", "/acme/{app}/echo", 413, failure("too_large", "body"), content=b" " * 1_001, headers=KEY),
    Row("too large for all", "POST", "/acme/{app}/body", 413, failure("too_large", "body"), content=b" " * 300_000, headers=KEY),
    Row("largest", "POST", "/acme/{app}/body", 200, {}, content=b" " * LIMITS.body_bytes, headers=KEY),
    Row("empty key", "GET", "/acme/{app}/whoami", 400, failure("bad_request", "idempotency_key"), headers={**KEY, "Idempotency-Key": ""}),
    Row("long key", "GET", "/acme/{app}/whoami", 400, failure("bad_request", "idempotency_key"), headers={**KEY, "Idempotency-Key": "x" * 129}),
    Row("key with a blank", "GET", "/acme/{app}/whoami", 400, failure("bad_request", "idempotency_key"), headers={**KEY, "Idempotency-Key": "a b"}),
    Row("store gone", "GET", "/acme/{app}/unavailable", 503, failure("store_unavailable", ""), headers=KEY),
    Row("broken", "POST", "/acme/{app}/broken", 500, failure("internal", ""), headers=KEY, content=b"x"),
    Row("body before key", "POST", "/open/{open}/echo", 400, failure("bad_request", "body"), content=b"{"),
    Row("key after body", "POST", "/open/{open}/echo", 401, failure("unauthenticated", "unknown"), content=b"{}"),
]  # fmt: skip


@pytest.mark.parametrize("case", ROWS, ids=str)
async def test_requests(house: House, case: Row) -> None:
    response = await case.check(house)
    line = house.log.requests[-1]
    assert line["status"] == response.status_code
    assert line["request"] == response.headers["x-request-id"]
    assert response.status_code == 204 or int(response.headers["content-length"]) == len(response.content)


async def test_one_line_a_request_tells_it_all(house: House) -> None:
    asked = Row("", "POST", "/acme/{app}/stale", 200, content=b"four", query={"token": CANARY}, headers=KEY)
    await asked.check(house)
    assert len(house.log.lines) == 1
    line = house.log.lines[0]
    assert isinstance(line.pop("duration_ms"), float)
    assert line.pop("request")
    assert line.pop("time")
    assert line == {
        "event": "request",
        "level": "info",
        "dialect": "acme",
        "tenant": house.tenant.name,
        "operation": "stale",
        "method": "POST",
        "path": f"/acme/{house.names['app']}/stale",
        "status": 200,
        "bytes_in": 4,
        "bytes_out": 1,
        "client": "127.0.0.1",
        "losses": ["colour: dropped"],
    }


async def test_a_failure_stands_in_the_line(house: House) -> None:
    for path, level, kind in (("whoami", "info", "unauthenticated"), ("unavailable", "warning", "store_unavailable")):
        await Row("", "GET", "/acme/{app}/" + path, 401 if kind == "unauthenticated" else 503, headers=KEY if level == "warning" else {}).check(house)  # fmt: skip
        line = house.log.requests[-1]
        assert (line["level"], line["failure"], line["tenant"]) == (level, kind, house.tenant.name)


async def test_a_stale_tenant_repeats_the_whole_request(house: House, doings: Doings) -> None:
    doings.stale = 4
    asked = Row("", "POST", "/acme/{app}/stale", 200, content=b"body", headers={**KEY, "Idempotency-Key": "k"})
    response = await asked.check(house)
    assert response.json() == 5
    assert doings.done == ["client:k body True"] * 5


async def test_a_tenant_that_stays_stale_is_an_unavailable_store(house: House, doings: Doings) -> None:
    doings.stale = 100
    asked = Row("", "POST", "/acme/{app}/stale", 503, failure("store_unavailable", ""), content=b"body", headers=KEY)
    await asked.check(house)
    assert len(doings.done) == 5
    assert len(set(doings.done)) == 1


async def test_a_removed_application_is_unknown_when_the_request_is_repeated(house: House, doings: Doings) -> None:
    doings.stale = 1
    await Row("", "POST", "/acme/{app}/stale", 200, content=b"", headers=KEY).check(house)
    await house.core.tenants.remove(house.tenant.name)
    doings.stale = 3
    asked = Row("", "POST", "/acme/{app}/stale", 404, failure("not_found", "application"), content=b"", headers=KEY)
    await asked.check(house)


async def test_references_are_the_callers_or_made_each_time(house: House) -> None:
    given = {**KEY, "X-Request-Id": "mine"}
    references = [(await Row("", "GET", "/acme/{app}/whoami", 200, headers=given).check(house)).json()["reference"] for _ in range(3)]  # fmt: skip
    assert all(reference.startswith("request:") for reference in references)
    assert len(set(references)) == 3
    longest = "!~" * 64
    response = await Row("", "GET", "/acme/{app}/whoami", 200, headers={**KEY, "Idempotency-Key": longest}).check(house)
    assert response.json()["reference"] == f"client:{longest}"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("abc-1.2_3~4", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("a;b", False),
        ('a"b', False),
        ("", False),
    ],
)
async def test_a_harmless_request_id_is_taken_over(house: House, given: str, taken: bool) -> None:
    asked = Row("", "GET", "/acme/{app}/public", 204, headers={"X-Request-Id": given})
    found = (await asked.check(house)).headers["x-request-id"]
    assert (found == given) is taken
    assert found


async def test_head_is_get_without_the_body(house: House) -> None:
    full = await Row("", "GET", "/acme/{app}/whoami", 200, headers={**KEY, "Idempotency-Key": "k"}).check(house)
    head = await Row("", "HEAD", "/acme/{app}/whoami", 200, "", headers={**KEY, "Idempotency-Key": "k"}).check(house)
    assert head.headers["content-length"] == str(len(full.content))
    assert house.log.requests[-1]["method"] == "HEAD"
    await Row("", "HEAD", "/acme/{app}/echo", 405, "", headers=KEY).check(house)


async def test_options_is_answered_before_authentication(house: House) -> None:
    own = await Row("", "OPTIONS", "/open/{open}/whoami", 204, "").check(house)
    assert own.headers["access-control-allow-origin"] == "*"
    common = await Row("", "OPTIONS", "/acme/{app}/whoami", 204, "").check(house)
    assert common.headers["allow"] == "GET, HEAD, OPTIONS"
    assert "content-length" not in common.headers
    await Row("", "OPTIONS", "/acme/{app}/nothing", 404, failure("not_found", "route")).check(house)


async def test_a_wrong_method_names_the_right_ones(house: House) -> None:
    response = await Row("", "DELETE", "/acme/{app}/echo", 405, headers=KEY).check(house)
    assert response.headers["allow"] == "OPTIONS, POST"


async def test_losses_are_told_in_a_header_that_stays_one(house: House) -> None:
    response = await Row("", "GET", "/acme/{app}/lossy", 200, headers=KEY).check(house)
    text = response.headers["x-gateway-loss"]
    assert text.startswith("colour: dropped; gr??e: rounded??x-evil: 1; xxx")
    assert len(text) == 1024
    assert "x-evil" not in response.headers


async def test_the_loss_header_can_be_switched_off(embedded_engine: Engine, doings: Doings) -> None:
    vendor = Vendor(routes=[row("GET", "/acme/{app}/lossy", doings.lossy, authentication=False)])
    async with open_house(embedded_engine.url, [vendor], limits=Limits(loss_header=False)) as house:
        response = await Row("", "GET", "/acme/x/lossy", 200).check(house)
        assert "x-gateway-loss" not in response.headers
        logged = house.log.requests[-1]["losses"]
        assert (len(logged), logged[0], logged[2]) == (20, "colour: dropped", "x" * 256)


async def test_a_file_that_cannot_be_read_is_a_failure_like_any_other(house: House) -> None:
    expected = failure("store_unavailable", "files")
    await Row("", "GET", "/acme/{app}/file", 503, expected, headers=KEY).check(house)
    assert house.log.requests[-1]["failure"] == "store_unavailable"


async def test_a_file_that_ends_too_soon_ends_the_connection(house: House) -> None:
    async with serve(house.app, LIMITS) as url, httpx.AsyncClient() as client:
        path = f"{url}/acme/{house.names['app']}/file?begun"
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(path, headers={"Authorization": f"Key {house.names['key']}"})
    assert house.log.requests[-1]["failure"] == "store_unavailable"


async def test_an_unknown_exception_is_logged_without_secrets(house: House) -> None:
    asked = Row(
        "",
        "POST",
        "/acme/{app}/broken",
        500,
        failure("internal", ""),
        json={"password": CANARY, "nested": [{"api_key": f"{CANARY} with 'quotes'"}], "harmless": "seen"},
        query={"access_token": CANARY, "page": "3"},
        headers=KEY,
    )
    await asked.check(house)
    logged, line = house.log.lines
    assert logged["event"] == "unexpected"
    assert logged["request"] == line["request"]
    assert "RuntimeError" in logged["exception"]
    assert "seen" in logged["exception"]
    assert "'page': '3'" in logged["exception"]
    assert CANARY not in house.log.text
    assert house.names["key"] not in house.log.text


async def test_a_query_escaped_into_the_path_is_not_logged(house: House) -> None:
    await Row("", "GET", f"/acme/{{app}}/whoami%3Ftoken={CANARY}", 404, headers=KEY).check(house)
    assert CANARY not in house.log.text
    assert house.log.requests[-1]["path"].startswith("/acme/")


async def test_a_shared_application_belongs_to_who_verifies(house: House) -> None:
    other = await house.core.tenants.add(f"other-{house.tenant.name}")
    application = house.application("acme")
    credential = type(application.credentials[0])("key", "main", "another")
    await house.core.tenants.add_credential(other.name, "acme", application.name, credential)
    for key, owner in (("{key}", house.tenant.name), ("another", other.name)):
        asked = Row("", "GET", "/acme/{app}/whoami", 200, headers={"Authorization": f"Key {key}"})
        assert (await asked.check(house)).json()["tenant"] == owner
        assert house.log.requests[-1]["tenant"] == owner
    await Row("", "GET", "/acme/{app}/whoami", 401, headers={"Authorization": "Key neither"}).check(house)
    assert house.log.requests[-1]["tenant"] == ""


# Bodies that don't come as they should


class Source:
    """A request whose body comes as a script says: pieces, then silence or the end of the connection."""

    def __init__(self, pieces: list[bytes], *, leaves: bool = False, repeats: bool = False) -> None:
        self.pieces = list(pieces)
        self.leaves = leaves
        self.repeats = repeats
        self.sent: list[dict[str, Any]] = []
        self.asked = 0
        self.reading = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        self.reading.set()
        if self.repeats:
            return {"type": "http.request", "body": self.pieces[0], "more_body": True}
        if self.pieces:
            return {"type": "http.request", "body": self.pieces.pop(0), "more_body": True}
        if not self.leaves:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def run(self, house: House, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        path = f"/acme/{house.names['app']}/body".encode()
        scope = {
            "type": "http",
            "method": "POST",
            "scheme": "http",
            "raw_path": path,
            "path": path.decode(),
            "query_string": b"",
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "headers": [(b"authorization", f"Key {house.names['key']}".encode()), *(headers or [])],
        }
        await asyncio.wait_for(house.app(scope, self.receive, self.send), 10)

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None

    @property
    def closes(self) -> bool:
        return (b"connection", b"close") in self.sent[0]["headers"]


async def test_a_client_that_leaves_in_mid_body_changes_nothing(house: House, doings: Doings) -> None:
    source = Source([b"half"], leaves=True)
    await source.run(house)
    assert source.sent == []
    assert doings.done == []
    assert [(line["event"], line["level"], line["status"]) for line in house.log.lines] == [("request", "info", 0)]


async def test_a_declared_oversize_body_is_refused_unread(house: House, doings: Doings) -> None:
    source = Source([], leaves=True)
    await source.run(house, [(b"content-length", b"10000000"), (b"expect", b"100-continue")])
    assert (source.status, source.closes, source.asked, doings.done) == (413, True, 0, [])


async def test_an_undeclared_oversize_body_is_refused_as_soon_as_it_is_one(house: House, doings: Doings) -> None:
    pieces = [b"x" * 100_000] * 50
    source = Source(pieces, leaves=True)
    await source.run(house)
    assert (source.status, source.closes, doings.done) == (413, True, [])
    assert house.log.requests[-1]["bytes_in"] == 300_000


async def test_a_refused_client_may_finish_its_sentence(house: House) -> None:
    """Its reply is complete before what else it sends is taken in, and the connection is closed after that."""
    source = Source([b"x" * 200_000] * 5, leaves=True)
    await source.run(house)
    assert [message["type"] for message in source.sent] == ["http.response.start", *["http.response.body"] * 2]
    assert [message.get("more_body", False) for message in source.sent[1:]] == [True, False]
    assert source.pieces == []


@pytest.mark.parametrize(
    ("pieces", "repeats", "status"),
    [([], False, 408), ([b"x"], False, 408), ([b""], True, 408), ([b"x"], True, 408), ([b"x" * 65_536], True, 413)],
    ids=["silence", "a byte", "empty pieces", "trickle", "flood"],
)
async def test_a_never_ending_body_is_refused_in_time(
    house: House, doings: Doings, pieces: list[bytes], repeats: bool, status: int
) -> None:
    source = Source(pieces, repeats=repeats)
    await source.run(house)
    assert (source.status, source.closes, doings.done) == (status, True, [])


async def test_a_cancelled_request_is_cancelled(house: House) -> None:
    source = Source([])
    task = asyncio.create_task(source.run(house))
    await asyncio.wait_for(source.reading.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.sent == []


# Where the caller says it is


@pytest.mark.parametrize(
    ("proxies", "headers", "origin", "client"),
    [
        ((), {}, "http://gateway.test:8080", "127.0.0.1"),
        ((), {"X-Forwarded-Host": "evil", "X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"}, "http://gateway.test:8080", "127.0.0.1"),
        (("10.0.0.0/8",), {"X-Forwarded-Host": "evil"}, "http://gateway.test:8080", "127.0.0.1"),
        (("127.0.0.0/8",), {"X-Forwarded-Host": "chat.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"}, "https://chat.example", "1.2.3.4"),
        (("127.0.0.1", "10.0.0.0/8"), {"X-Forwarded-For": "6.6.6.6, 1.2.3.4, 10.1.1.1"}, "http://gateway.test:8080", "1.2.3.4"),
        (("127.0.0.1",), {"X-Forwarded-For": "nonsense"}, "http://gateway.test:8080", "127.0.0.1"),
        (("127.0.0.1",), {"X-Forwarded-Proto": "gopher"}, "http://gateway.test:8080", "127.0.0.1"),
        (("127.0.0.1",), {"X-Forwarded-Host": "a.example, b.example"}, "http://a.example", "127.0.0.1"),
    ],
)  # fmt: skip
async def test_forwarded_headers_count_from_listed_proxies_only(
    embedded_engine: Engine, proxies: tuple[str, ...], headers: dict[str, str], origin: str, client: str
) -> None:
    async with open_house(embedded_engine.url, [Vendor()], limits=Limits(trusted_proxies=proxies)) as house:
        application = house.application("acme")
        house.names |= {"app": application.name, "key": application.credentials[0].secret}
        response = await Row("", "GET", "/acme/{app}/whoami", 200, headers={**KEY, **headers}).check(house)
        assert response.json()["origin"] == origin
        assert house.log.requests[-1]["client"] == client


async def test_an_implausible_forwarded_host_is_refused(embedded_engine: Engine) -> None:
    async with open_house(embedded_engine.url, [Vendor()], limits=Limits(trusted_proxies=("127.0.0.1",))) as house:
        asked = Row(
            "", "GET", "/acme/x/whoami", 400, failure("bad_request", "host"), headers={"X-Forwarded-Host": "a b"}
        )
        await asked.check(house)


# What every route must refuse


MANNERS = Manners(
    adapter=Vendor(),
    unknown_application={"app": "nobody"},
    good=KEY,
    bad=({}, {"Authorization": "Key wrong"}, {"Authorization": ""}),
    is_refusal=lambda response: "acme" in response.json(),
)


@pytest.mark.parametrize("refusal", refusals(MANNERS), ids=str)
async def test_every_route_refuses_what_is_wrong(house: House, refusal: Refusal) -> None:
    await refusal.check(house)


class LaxVendor(Vendor):
    """Does all that the refusals are there to find."""

    async def authenticate(self, call: Call) -> Any:
        if call.request.headers.get("authorization", "").startswith("Key"):
            return await super().authenticate(call)
        raise RuntimeError("no key")

    def render_failure(self, request: Any, failure: Failure, duration_ms: int, now: int) -> Reply:
        if failure.kind is Kind.TOO_LARGE:
            raise ValueError("not thought of")
        return super().render_failure(request, failure, duration_ms, now)


async def test_refusals_find_what_they_are_there_to_find(embedded_engine: Engine) -> None:
    async with open_house(embedded_engine.url, [LaxVendor()], limits=LIMITS) as house:
        application = house.application("acme")
        house.names |= {"app": application.name, "key": application.credentials[0].secret}
        found = set()
        for refusal in refusals(MANNERS):
            try:
                await refusal.check(house)
            except AssertionError:
                found.add(refusal.label.partition(": ")[2])
        too_large = {"oversize body", "oversize chunks", "body nested deeply", "body nested deeply in a field"}
        assert found == {"bad credential 0", "bad credential 2", "planted secrets", *too_large}


async def test_a_clock_of_the_core_stamps_replies(house: House) -> None:
    house.manual_clock.move(5)
    response = await Row("", "GET", "/acme/{app}/whoami", 401).check(house)
    assert response.json()["now"] == NOON + 5


def test_a_proxy_that_is_no_address_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Limits(trusted_proxies=("10.0.0.1", "nonsense"))
