"""What tests of chat clients share: a house, users at their stations, friends."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from adapters import ozeki
from adapters.contract import Adapter
from tests.adapters.ozeki.chat_client import ChatClient
from tests.harness import House, open_house
from tests.servers import Engine


@asynccontextmanager
async def chat_house(engine: Engine, others: Sequence[Adapter] = (), **options: Any) -> AsyncIterator[House]:
    """A house whose chat clients get `plain` what came another way, unless the options say otherwise."""
    async with open_house(engine.url, [ozeki.create({"codec": "plain", **options}), *others]) as house:
        yield house


def api_key(house: House, name: str) -> str:
    """The API key of a user, made of the tenant's secret."""
    credentials = house.application("ozeki").credentials
    return f"{next(each.secret for each in credentials if each.kind == 'apikey')}:{name}"


async def logged_in(house: House, *names: str) -> list[ChatClient]:
    """A station for each of these names."""
    clients = [ChatClient(house.client, api_key(house, name)) for name in names]
    for client in clients:
        await client.log_in()
    return clients


async def befriend(house: House, one: str, other: str) -> None:
    """Make two users contacts of each other."""
    first, second = await house.core.users.keys(house.tenant, [one, other])
    await house.core.relations.add(house.tenant, first, [second])


async def talking(house: House) -> tuple[ChatClient, ChatClient, dict[str, Any]]:
    """Alice and Bob, who are friends, at a station each, and their conversation as Alice sees it."""
    alice, bob = await logged_in(house, "alice", "bob")
    await befriend(house, "alice", "bob")
    return alice, bob, await alice.conversation(bob.user)
