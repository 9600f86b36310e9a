"""The vendor's rates, where they are enforced."""

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.easemob import create
from adapters.easemob.limits import CALLS, MESSAGES
from tests.adapters.easemob.conftest import settle
from tests.adapters.easemob.sending import direct
from tests.adapters.easemob.shapes import AUTHORIZED, error
from tests.harness import NOON, House, Row, open_house
from tests.servers import Engine

TO_BOB = {"from": "ann", "to": ["bob"], "type": "txt", "body": {"msg": "hi"}}
CLASSIC = {"target_type": "users", "target": ["bob"], "msg": {"type": "txt", "msg": "hi"}}
REACHED = "This request has reached api limit"
WEB = "javax.ws.rs.WebApplicationException"
TOO_MANY_CALLS = error("reach_limit", WEB, REACHED)
TOO_MANY_MESSAGES = error("message_send_error", "MessageSendException", "message send reach limit")


@pytest.fixture
def options() -> dict[str, Any]:
    return {"rate_limits": True, "broadcast": True}


@pytest.fixture
async def house(embedded_engine: Engine, options: dict[str, Any]) -> AsyncIterator[House]:
    async with open_house(embedded_engine.url, [create(options)]) as house:
        await settle(house)
        yield house


async def statuses(house: House, row: Row, times: int) -> list[int]:
    return [(await row.send(house)).status_code for _ in range(times)]


def post(path: str, json: Any, status: int = 200, body: Any = ...) -> Row:
    return Row(path, "POST", "{base}" + path, status, body, json, headers=AUTHORIZED)


def test_every_row_is_of_a_route() -> None:
    routes = {f"{route.method} {route.path.removeprefix('/{org}/{app}')}" for route in create({}).routes}
    assert (CALLS.keys() | MESSAGES.keys()) - routes == set()


async def test_calls_of_the_classic_endpoint(house: House) -> None:
    assert await statuses(house, post("/messages", CLASSIC), 101) == [200] * 100 + [429]
    await post("/messages", CLASSIC, 429, TOO_MANY_CALLS).check(house)
    assert len(await direct(house, "admin", "bob")) == 100
    house.manual_clock.move(50)
    assert await statuses(house, post("/messages", CLASSIC), 6) == [200] * 5 + [429]


async def test_the_rate_is_looked_at_before_the_body_and_after_the_token(house: House) -> None:
    await statuses(house, post("/messages", CLASSIC), 100)
    await post("/messages", [], 429, TOO_MANY_CALLS).check(house)
    await Row("no token", "POST", "{base}/messages", 401, json=CLASSIC).check(house)


async def test_endpoints_and_tenants_have_rates_of_their_own(house: House) -> None:
    await statuses(house, post("/messages", CLASSIC), 101)
    await post("/messages/users", TO_BOB).check(house)
    foreign = Row(
        "foreign",
        "POST",
        "/chat-demo/{other_app}/messages",
        200,
        json=CLASSIC,
        headers={"Authorization": "Bearer {foreign}"},
    )
    await foreign.check(house)


async def test_messages_of_a_minute(house: House) -> None:
    many = {**TO_BOB, "to": [str(number) for number in range(600)]}
    assert await statuses(house, post("/messages/users", many), 9) == [200] * 9
    await post("/messages/users", {**TO_BOB, "to": ["bob"] * 599}).check(house)
    await post("/messages/users", TO_BOB).check(house)
    await post("/messages/users", TO_BOB, 403, TOO_MANY_MESSAGES).check(house)
    house.manual_clock.move(1_000)
    assert await statuses(house, post("/messages/users", {**TO_BOB, "to": ["bob"] * 100}), 2) == [200, 403]


async def test_messages_to_groups_and_calls_for_them(house: House) -> None:
    row = post("/messages/chatgroups", {**TO_BOB, "to": ["g1", "g2", "g3"]})
    assert await statuses(house, row, 7) == [200] * 6 + [403]
    assert await statuses(house, post("/messages/chatgroups", []), 14) == [400] * 13 + [429]


async def test_broadcasts(house: House) -> None:
    row = post("/messages/chatrooms/broadcast", {"msg": {"type": "txt", "msg": "hi"}})
    assert await statuses(house, row, 2) == [200, 429]
    house.manual_clock.move(1_000)
    assert await statuses(house, row, 1) == [200]
    for _ in range(98):
        house.manual_clock.move(6_000)
        await row.check(house)
    house.manual_clock.move(60_000)
    refused = error("forbidden_op", "EasemobForbiddenOpException", "chatroom broadcast limit exceeded")
    await post(row.label, row.json, 403, refused).check(house)


async def test_histories(house: House) -> None:
    row = Row("history", "GET", "{base}/chatmessages/2025010100", 400, headers=AUTHORIZED)
    assert await statuses(house, row, 11) == [400] * 10 + [429]


async def test_deletions_of_conversations_are_counted_by_user(house: House) -> None:
    def deletion(user: str) -> Row:
        body = {"channel": "cy", "type": "chat", "delete_roam": True}
        return Row("delete", "DELETE", f"{{base}}/users/{user}/user_channel", 200, json=body, headers=AUTHORIZED)

    assert await statuses(house, deletion("ann"), 6) == [200] * 5 + [429]
    assert await statuses(house, deletion("Ann"), 1) == [429]
    assert await statuses(house, deletion("bob"), 1) == [200]


@pytest.mark.parametrize(
    "row",
    [
        Row("rooms", "GET", "{base}/chatrooms", 200, headers=AUTHORIZED),
        Row("groups of a user", "GET", "{base}/users/ann/joined_chatgroups", 200, headers=AUTHORIZED),
        Row("rooms of a user", "GET", "{base}/users/ann/joined_chatrooms", 200, headers=AUTHORIZED),
        post("/chatrooms", {}, 400),
    ],
    ids=str,
)
async def test_lists_of_rooms_and_of_what_is_joined(house: House, row: Row) -> None:
    assert await statuses(house, row, 51) == [row.status] * 50 + [429]


async def test_nobody_uses_up_what_another_user_has(house: House) -> None:
    body = {"channel": "cy", "type": "chat", "delete_roam": True}
    of_bob = Row("delete", "DELETE", "{base}/users/bob/user_channel", 200, json=body, headers=AUTHORIZED)
    as_ann = dataclasses.replace(of_bob, headers={"Authorization": "Bearer {ann_token}"})
    assert await statuses(house, as_ann, 6) == [401] * 5 + [429]
    await of_bob.check(house)


async def test_tokens_are_counted_before_there_is_one(house: House) -> None:
    body = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
    row = Row("token", "POST", "{base}/token", 400, json=body)
    assert await statuses(house, row, 301) == [400] * 300 + [429]
    await Row("nobody's", "POST", "/chat-demo/nobody/token", 404, json=body).check(house)


class TestOverload:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"rate_limits": True, "rate_limit_status": 503}

    async def test_old_clusters_answer_503(self, house: House) -> None:
        assert await statuses(house, post("/messages", CLASSIC), 101) == [200] * 100 + [503]
        body = error("service_unavailable", WEB, REACHED)
        await post("/messages", CLASSIC, 503, body).check(house)


class TestOff:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {}

    async def test_nothing_is_counted(self, house: House) -> None:
        assert await statuses(house, post("/messages", CLASSIC), 150) == [200] * 150
        many = {**TO_BOB, "to": ["bob"] * 600}
        assert await statuses(house, post("/messages/users", many), 11) == [200] * 11
        assert house.clock.now() == NOON + 2_000
