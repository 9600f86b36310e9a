"""What tests of the core share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from core.clock import Clock, ManualClock
from core.core import Core
from core.model import Message, Text
from core.store.store import Store

START = 1_700_000_000_000
"""The time at which the tests' clocks stand."""


def new_name() -> str:
    """A tenant's name that no other test uses."""
    return f"test {uuid4()}"


def text(sender: str, words: str = "hello") -> Message:
    return Message(sender, Text(words), "plain")


@asynccontextmanager
async def opened(url: str, clock: Clock | None = None) -> AsyncIterator[Core]:
    """A core over a store of its own, as one worker has it."""
    store = await Store.open(url)
    core = Core(store, clock or ManualClock(START))
    try:
        yield core
    finally:
        await core.close()
        await store.close()
