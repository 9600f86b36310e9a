"""Users are the same in every dialect: what Easemob makes of one, Chat21 sees."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.adapters_list import load_adapters
from tests.harness import House, open_house
from tests.servers import Engine


class Both:
    """An app that speaks Easemob, and users who speak Chat21."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.applications = {name: house.application(name).name for name in ("easemob", "chat21")}

    async def token(self, dialect: str, user: str | None = None) -> str:
        house = self.house
        return await house.adapters[dialect].mint(
            house.core, house.tenant, self.applications[dialect], user, user is None, 60
        )

    async def easemob(self, method: str, path: str, body: Any = None) -> Any:
        response = await self.house.client.request(
            method,
            "/" + self.applications["easemob"].replace("#", "/") + path,
            json=body,
            headers={"Authorization": f"Bearer {await self.token('easemob')}"},
        )
        assert response.status_code == 200, response.text
        return response.json()

    async def send(self, sender: str, receiver: str, text: str) -> int:
        """The status of Chat21's send."""
        body = {"sender_fullname": sender, "recipient_id": receiver, "recipient_fullname": receiver, "text": text}
        url = f"/api/{self.applications['chat21']}/messages"
        headers = {"Authorization": await self.token("chat21", sender)}
        return (await self.house.client.post(url, json=body, headers=headers)).status_code

    async def texts(self, user: str, other: str) -> list[str]:
        """What a user reads in Chat21, newest first."""
        url = f"/api/{self.applications['chat21']}/{user}/conversations/{other}/messages"
        response = await self.house.client.get(url, headers={"Authorization": await self.token("chat21", user)})
        return [row["text"] for row in response.json()["result"]]


@pytest.fixture
async def both(embedded_engine: Engine) -> AsyncIterator[Both]:
    async with open_house(embedded_engine.url, load_adapters({})) as house:
        both = Both(house)
        await both.easemob("POST", "/users", [{"username": "ann", "password": "a"}, {"username": "bob"}])
        yield both


async def test_a_user_of_one_dialect_logs_in_to_the_other(both: Both) -> None:
    async def log_in(password: str) -> int:
        url = f"/chat21/native/auth/createCustomToken?app_id={both.applications['chat21']}"
        return (await both.house.client.post(url, auth=("ann", password))).status_code

    assert await log_in("a") == 200
    await both.easemob("PUT", "/users/ann/password", {"newpassword": "b"})
    assert (await log_in("a"), await log_in("b")) == (401, 200)


async def test_a_block_stops_what_the_blocked_user_sends_but_not_what_the_app_sends(both: Both) -> None:
    assert await both.send("ann", "bob", "one") == 200
    await both.easemob("POST", "/users/bob/blocks/users", {"usernames": ["ann"]})
    assert await both.send("ann", "bob", "two") == 403
    message = {"target_type": "users", "target": ["bob"], "from": "ann", "msg": {"type": "txt", "msg": "three"}}
    await both.easemob("POST", "/messages", message)
    assert await both.send("bob", "ann", "four") == 200
    await both.easemob("DELETE", "/users/bob/blocks/users/ann")
    assert await both.send("ann", "bob", "five") == 200
    assert await both.texts("bob", "ann") == ["five", "four", "three", "one"]


async def test_a_deleted_users_messages_go(both: Both) -> None:
    assert await both.send("ann", "bob", "ann's") == 200
    assert await both.send("bob", "ann", "bob's") == 200
    await both.easemob("DELETE", "/users/ann")
    for _ in range(10_000):
        if not await both.house.core.erase.round():
            break
    (tenant,) = await both.house.core.tenants.owners("chat21", both.applications["chat21"])
    both.house.tenant = tenant
    assert await both.texts("bob", "ann") == ["bob's"]
    assert await both.texts("ann", "bob") == []  # whoever takes the name inherits nothing
