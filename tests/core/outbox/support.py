"""What tests of the outbox share: handlers, and streams whose entries grow old at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from redis import Redis

from core.core import Core
from core.model import Tenant, Text, UserKey
from core.outbox import Consumer, Dead, Event
from tests.core.support import text
from tests.servers import Engine

DEADLINE = 30
MARGIN_MS = 10_000
"""How slow a machine may be here."""
GROUP = "gateway"


class Handler:
    """Notes what it is given; `act` may raise, or wait."""

    def __init__(self, act: Callable[[Event], Awaitable[None]] | None = None) -> None:
        self.act = act
        self.begun: list[Event] = []
        self.done: list[Event] = []

    async def __call__(self, event: Event) -> None:
        self.begun.append(event)
        if self.act is not None:
            await self.act(event)
        self.done.append(event)


async def never(_: Event) -> None:
    await asyncio.Event().wait()


async def refuse(_: Event) -> None:
    raise ValueError("no")


async def all_rounds(*consumers: Consumer) -> None:
    """Let consumers take and do all that there is, at once."""

    async def work(consumer: Consumer) -> None:
        for _ in range(1000):
            more = await consumer.round()
            await consumer.settled()
            if not more:
                return
        raise AssertionError("there is always more")

    async with asyncio.timeout(DEADLINE):
        await asyncio.gather(*map(work, consumers))


async def send(core: Core, tenant: Tenant, users: list[UserKey], count: int, first: int = 0) -> None:
    """Messages from the first user to each of the others in turn."""
    sender, *others = users
    for number in range(first, first + count):
        peer = others[number % len(others)]
        await core.messages.send_direct(tenant, sender, [peer], text(sender.id, str(number)), f"client:{number}")


def said(events: list[Event]) -> list[str]:
    contents = [one.message.message.content for one in events if one.message]
    return [content.text for content in contents if isinstance(content, Text)]


@contextmanager
def streams(engine: Engine) -> Iterator[list[tuple["Redis", str]]]:
    """Every outbox, with a client of its server."""
    clients = [server.client() for server in engine.servers]
    try:
        yield [(client, key) for client in clients for key in client.scan_iter(match="cg{*}:outbox")]
    finally:
        for client in clients:
            client.close()


def age(engine: Engine, milliseconds: int) -> None:
    """As if nothing had happened to any entry in hand, or waiting, for so long."""
    with streams(engine) as found:
        for client, key in found:
            for row in client.xpending_range(key, GROUP, "-", "+", 10_000):
                client.xclaim(
                    key, GROUP, str(row["consumer"]), 0, [str(row["message_id"])], idle=milliseconds, justid=True
                )


def consumers_of(engine: Engine) -> list[str]:
    with streams(engine) as found:
        return sorted({row["name"] for client, key in found for row in client.xinfo_consumers(key, GROUP)})


def kill(consumer: Consumer) -> None:
    """End it without a chance to leave."""
    for task in consumer._tasks:
        task.cancel()


async def all_dead(core: Core) -> list[Dead]:
    found, cursor = [], ""
    for _ in range(1000):
        rows, cursor = await core.outbox.dead(limit=3, cursor=cursor)
        found += rows
        if not cursor:
            return found
    raise AssertionError("the list never ends")
