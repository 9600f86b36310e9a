"""How much memory the server needs for stored messages, in several shapes, on each engine."""

import asyncio

import msgspec
import uvloop

from core.clock import ManualClock
from core.core import Core
from core.model import Message, Text
from core.store.store import Store
from tests.bench.http_figures import text_of
from tests.bench.report import Goal, Section
from tests.bench.rounds import spread
from tests.servers import Engine, ServerProcess, wait_until

START = 1_800_000_000_000
PACKED_BYTES = 300


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
    """A message's share: of the memory that the server uses more than before, and of what was packed."""

    used: float
    packed: float

    @property
    def ratio(self) -> float:
        """Memory in packed sizes."""
        return self.used / self.packed


def memory_figures(engines: list[Engine], scale: int) -> list[Section]:
    """All shapes on all engines, each on an empty server; `scale` divides how much is stored."""
    rows = [["engine", "conversations", "messages each", "text B", "packed B", "memory B a message", "/ packed"]]
    goals = []
    for engine in engines:
        for whole in SHAPES:
            shape = whole.scaled(scale)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                memory = runner.run(_store(engine, shape))
            size = str(shape.text_bytes or "filled up")
            found = (f"{memory.packed:.0f}", f"{memory.used:.0f}", f"{memory.ratio:.2f}")
            rows.append([engine.name, f"{shape.conversations:,}", f"{shape.messages:,}", size, *found])
            if whole is NAMED:
                name = (
                    f"memory / packed size, {shape.conversations:,} × {shape.messages} messages of {PACKED_BYTES} bytes"
                )
                goals.append(Goal(f"{name}, {engine.name}", spread([memory.ratio]), 1.5, at_least=False))
    text = (
        "What `used_memory` grows by when direct conversations are stored, their rows in both users' lists included, divided "
        "by the packed messages alone (without the record's header of 13 bytes). The users had their places before; the "
        "rows that recognise repeated sends are taken away, as they expire within two minutes."
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
        senders = await core.users.keys(tenant, [f"sender{number}" for number in range(conversations)])
        recipients = await core.users.keys(tenant, [f"recipient{number}" for number in range(conversations)])
        before, packed = _used(server), 0
        for turn in range(messages):
            clock.move(1)
            for start in range(0, conversations, 1000):
                sends = []
                for sender, recipient in zip(
                    senders[start : start + 1000], recipients[start : start + 1000], strict=True
                ):
                    message = _message(sender.id, shape.text_bytes)
                    packed += len(msgspec.msgpack.encode(message))
                    sends.append(
                        core.messages.send_direct(tenant, sender, [recipient], message, f"request:{turn}-{sender.id}")
                    )
                await asyncio.gather(*sends)
        _expire_references(server)
        count = conversations * messages
        return Memory((_used(server) - before) / count, packed / count)
    finally:
        await store.close()


def _message(sender: str, text_bytes: int) -> Message:
    if not text_bytes:
        empty = len(msgspec.msgpack.encode(Message(sender, Text("x" * 256), "bench"))) - 256
        text_bytes = PACKED_BYTES - empty
    return Message(sender, Text(text_of(text_bytes)), "bench")


def _expire_references(server: ServerProcess) -> None:
    with server.client() as client:
        for key in client.scan_iter("cg{*}*:ro*", count=1000):
            client.delete(key)


def _used(server: ServerProcess) -> int:
    """What is in use once everything that was deleted is freed: servers do that in the background."""
    with server.client() as client:
        wait_until(lambda: client.info("memory")["lazyfree_pending_objects"] == 0)
        return int(client.info("memory")["used_memory"])
