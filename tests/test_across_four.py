"""Sent in each dialect, read in each: over real HTTP, on each engine."""

from collections.abc import AsyncIterator

import pytest

from tests.across import Four, Place, Seen, opened
from tests.servers import Engine

DIALECTS = ("easemob", "chat21", "applozic", "ozeki")
EXTENSION = {"order": "17", "from": "app"}


@pytest.fixture
async def four(engine: Engine) -> AsyncIterator[Four]:
    async with opened(engine.url) as four:
        yield four


async def place(four: Four, kind: str) -> Place:
    return "user2" if kind == "direct" else await four.group("user1", "user2", "user3")


@pytest.mark.parametrize("kind", ["direct", "group"])
async def test_what_each_sends_each_reads(four: Four, kind: str) -> None:
    """All sixteen, and both ways: what one dialect shows is what any other sent, in order, with the app's own map."""
    there = await place(four, kind)
    back: Place = "user1" if kind == "direct" else there
    expected = []
    for dialect, speaker in four.speakers.items():
        await speaker.send("user1", there, f"from {dialect}", EXTENSION)
        await speaker.send("user2", back, f"answer in {dialect}")
        expected += [Seen("user1", f"from {dialect}", EXTENSION), Seen("user2", f"answer in {dialect}", {})]
    for dialect, speaker in four.speakers.items():
        for viewer, other in (("user1", there), ("user2", back)):
            assert await speaker.read(viewer, other) == expected, dialect
            assert other in await speaker.listed(viewer), dialect
            assert speaker.losses == "", dialect
    # What a notice of the group says beside its text is no text in Applozic.
    assert set(four.lost()) <= {"metadata.created: became text"}
