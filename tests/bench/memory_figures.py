"""How much memory the server needs for stored messages, in several shapes, on each engine."""

import asyncio

import msgspec
import uvloop

from core.clock import ManualClock
from core.core import Core
from core.model import Message, Text, UserKey
from core.store.records import HEADER
from core.store.store import Store
from tests.bench.report import Goal, Section
from tests.bench.rounds import spread
from tests.bench.traffics import text_of
from tests.servers import Engine, ServerProcess, wait_until

START = 1_800_000_000_000
PACKED_BYTES = 300
SENDS_AT_ONCE = 1000
NAMES_AT_ONCE = 1000


class Shape(msgspec.Struct, frozen=True):
    """How many conversations of how many messages, and how long a text is: 0 makes the packed message 300 bytes long."""

    conversations: int
    messages: int
    text_bytes: int = 0

    def scaled(self, scale: int) -> "Shape":
        """The same with so many times less stored."""
        if self.conversations < self.messages:
            return Shape(self.conversations, self.messages // scale, self.text_bytes)
        return Shape(self.conversations // scale, self.messages, self.text_bytes)


NAMED = Shape(1_000, 100)
SHAPES = (NAMED, Shape(100_000, 1), Shape(10, 10_000), Shape(1_000, 100, text_bytes=30))


class Memory(msgspec.Struct, frozen=True):
    """A message's share: of the memory that the server uses more than before, the same while references are remembered, and
    of what was packed."""

    used: float
    used_at_first: float
    packed: float

    @property
    def ratio(self) -> float:
        """Memory in packed sizes."""
        return self.used / self.packed


def memory_figures(engines: list[Engine], scale: int) -> list[Section]:
    """All shapes on all engines, each on an empty server; `scale` divides how much is stored."""
    rows = [
        [
            "engine",
            "conversations",
            "messages each",
            "text B",
            "packed B",
            "memory B a message",
            "/ packed",
            "at first B",
        ]
    ]
    goals = []
    for engine in engines:
        for whole in SHAPES:
            shape = whole.scaled(scale)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                memory = runner.run(_store(engine, shape))
            size = str(shape.text_bytes or "filled up")
            found = (f"{memory.packed:.0f}", f"{memory.used:.0f}", f"{memory.ratio:.2f}", f"{memory.used_at_first:.0f}")
            rows.append([engine.name, f"{shape.conversations:,}", f"{shape.messages:,}", size, *found])
            if whole is NAMED:
                name = (
                    f"memory / packed size, {shape.conversations:,} × {shape.messages} messages of {PACKED_BYTES} bytes"
                )
                goals.append(Goal(f"{name}, {engine.name}", spread([memory.ratio]), 1.5, at_least=False))
    text = (
        "What `used_memory` grows by when direct conversations are stored, their rows in both users' lists included, divided "
        f"by the packed messages alone (without the record's header of {HEADER.size} bytes). The users had their places before; the "
        "rows that recognise repeated sends are taken away, as they expire within two minutes; *at first* counts them."
    )
    return [Section("Memory", text, rows, tuple(goals))]


async def _store(engine: Engine, shape: Shape) -> Memory:
    conversations, messages = shape.conversations, shape.messages
    clock = ManualClock(START)
    engine.flush()
    store = await Store.open(engine.url)
    server = engine.servers[0]
    try:
        core = Core(store, clock)
        tenant = await core.tenants.add("memory")
        # Names of one length, so that all messages have one size.
        names = [f"{side}{number:06}" for number in range(conversations) for side in ("from", "to")]
        users: list[UserKey] = []
        for start in range(0, len(names), NAMES_AT_ONCE):
            users += await core.users.keys(tenant, names[start : start + NAMES_AT_ONCE])
        pairs = list(zip(users[0::2], users[1::2], strict=True))
        content = _content(users[0].id, shape.text_bytes)
        packed = len(msgspec.msgpack.encode(Message(users[0].id, content, "bench")))
        before = _used(server)
        for turn in range(messages):
            clock.move(1)
            for start in range(0, conversations, SENDS_AT_ONCE):
                await asyncio.gather(
                    *(
                        core.messages.send_direct(
                            tenant, sender, [recipient], Message(sender.id, content, "bench"), f"request:{turn}"
                        )
                        for sender, recipient in pairs[start : start + SENDS_AT_ONCE]
                    )
                )
        at_first = _used(server) - before
        _expire_references(server)
        count = conversations * messages
        return Memory((_used(server) - before) / count, at_first / count, packed)
    finally:
        await store.close()


def _content(sender: str, text_bytes: int) -> Text:
    """A text of this length, or one that makes the packed message 300 bytes long."""
    empty = len(msgspec.msgpack.encode(Message(sender, Text("x" * 256), "bench"))) - 256
    return Text(text_of(text_bytes or PACKED_BYTES - empty))


def _expire_references(server: ServerProcess) -> None:
    with server.client() as client:
        for key in client.scan_iter("cg{*}*:ro*", count=1000):
            client.delete(key)


def _used(server: ServerProcess) -> int:
    """What is in use once everything that was deleted is freed: servers do that in the background."""
    with server.client() as client:
        wait_until(lambda: client.info("memory")["lazyfree_pending_objects"] == 0)
        return int(client.info("memory")["used_memory"])
