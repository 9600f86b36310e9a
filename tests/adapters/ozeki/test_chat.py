"""Two users with chat clients, from login to clearing."""

from collections.abc import AsyncIterator

import pytest

from adapters import ozeki
from tests.adapters.ozeki.chat_client import ChatClient, plain, said
from tests.harness import House, open_house
from tests.servers import Engine


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with open_house(embedded_engine.url, [ozeki.create({"codec": "plain"})]) as house:
        yield house


async def logged_in(house: House, *names: str) -> list[ChatClient]:
    secret = next(each.secret for each in house.application("ozeki").credentials if each.kind == "apikey")
    clients = [ChatClient(house.client, f"{secret}:{name}") for name in names]
    for client in clients:
        await client.log_in()
    return clients


async def befriend(house: House, one: str, other: str) -> None:
    first, second = await house.core.users.keys(house.tenant, [one, other])
    await house.core.relations.add(house.tenant, first, [second])


async def test_two_users_talk(house: House) -> None:
    alice, bob = await logged_in(house, "alice", "bob")
    await befriend(house, "alice", "bob")
    conversation = await alice.conversation(bob.user)
    sent = await alice.add(conversation, plain("hello"))
    got = await bob.download(await bob.conversation(alice.user))
    assert got == {"messages": [sent], "reports": []}
    assert said(got) == ["hello"]
