"""What tests of the core share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from core.clock import Clock, ManualClock
from core.core import Core
from core.imports import Import
from core.messages import Page
from core.model import Message, Text, UserKey
from core.objects import Objects
from core.store.store import Store

START = 1_700_000_000_000
"""The time at which the tests' clocks stand."""


def new_name() -> str:
    """A tenant's name that no other test uses."""
    return f"test {uuid4()}"


def text(sender: str, words: str = "hello") -> Message:
    return Message(sender, Text(words), "plain")


def old(name: str, time: int, sender: UserKey, words: str = "") -> Import:
    """History: a message of an external id."""
    return Import(name, time, sender, text(sender.id, words or name))


def words(page: Page) -> list[str]:
    """The texts of a page."""
    return [one.message.content.text for one in page.messages if isinstance(one.message.content, Text)]


@asynccontextmanager
async def opened(url: str, clock: Clock | None = None, objects: Objects | None = None) -> AsyncIterator[Core]:
    """A core over a store of its own, as one worker has it."""
    store = await Store.open(url)
    core = Core(store, clock or ManualClock(START), objects)
    try:
        yield core
    finally:
        await core.close()
        await store.close()
