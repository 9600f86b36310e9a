"""A backup holds what users see, whatever goes on while it is made, and goes into any empty store or into none."""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from redis import Redis

from core.clock import ManualClock
from core.conversations import Target
from core.core import Core
from core.errors import Failure, Kind
from core.messages import Query
from core.model import EVERYBODY, Audience, Credential, Receipt, Tenant, UserKey
from core.store import backup_file, conversation_reader, restoring, store
from core.store.embedded import server_binary
from core.store.generation_reader import GenerationReader
from core.store.keys import SCHEMA_VERSION
from core.store.scripts import Script
from tests import servers
from tests.core.filled import fill
from tests.core.lives import Life
from tests.core.store.rows import values_of_tenant
from tests.core.support import new_name, opened, text
from tests.servers import Engine, ServerProcess

HEAD = 600
"""Messages of a conversation that is read in several pieces."""


@pytest.fixture
def target(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty engine of another kind."""
    if engine.name == "embedded":
        other: Engine = request.getfixturevalue("cluster_engine")
        other.flush()
        yield other
        other.flush()
        return
    binary = (engine.name == "cluster" and servers.redis_binary()) or server_binary()
    with ServerProcess(binary) as server:
        yield Engine(server.url, server.url, (server,))


@pytest.fixture
def empty() -> Iterator[Engine]:
    with ServerProcess(server_binary()) as server:
        yield Engine("empty", server.url, (server,))


@pytest.fixture(autouse=True)
def _alone(engine: Engine, target: Engine) -> None:
    """What other tests left would be in the backups."""
    engine.flush()


@pytest.fixture(params=[False, True], ids=["at once", "in pieces"])
def _in_pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What users have of conversations is taken together with them, and as if there were very many users."""
    if request.param:
        for name, value in (("PEOPLE_AT_ONCE", 0), ("_USERS_AT_ONCE", 3), ("_AGAIN_AT_ONCE", 4)):
            monkeypatch.setattr(conversation_reader, name, value)


async def written(core: Core) -> io.BytesIO:
    file = io.BytesIO()
    await core.backup.write(file)
    return file


@asynccontextmanager
async def restored(file: io.BytesIO, engine: Engine, clock: ManualClock) -> AsyncIterator[Core]:
    async with opened(engine.url, clock) as core:
        await core.backup.restore(file)
        yield core


def lasting(engine: Engine, tenant: Tenant) -> dict[bytes, object]:
    """What is to be the same afterwards: all but versions, walks, and references of our own and hints of changes, which soon end,
    and feeds, which are made anew from what they lead to."""
    found = values_of_tenant(engine, tenant.number)
    return {
        key: value
        for key, value in found.items()
        if key.count(b":") > 1 and not key.split(b":")[2].startswith((b"ro", b"wk", b"xc", b"H"))
    }


def hours_of(engine: Engine, tenant: Tenant) -> set[int]:
    """The newest hours in which something was sent, and some long ago."""
    keys = [key for key in values_of_tenant(engine, tenant.number) if key.count(b":") == 3 and b":H:" in key]
    hours = sorted({int(key.rpartition(b":")[2]) for key in keys})
    return {*hours[-3:], *hours[::20]}


async def feeds(core: Core, tenant: Tenant, hours: set[int]) -> set[tuple[int, int]]:
    """Which conversations something was sent to in which hour."""
    return {(hour, portion.conversation) for hour in hours async for portion in core.feeds.hour(tenant, hour)}


def read_groups(engine: Engine, life: Life) -> None:
    """Take heads, and when each member joined and left, from the store."""
    for server in engine.servers:
        with Redis.from_url(server.url) as client:
            for key in client.scan_iter(match=f"cg{{*}}{life.tenant.number}:*:c:*", count=1000):
                identity, head = client.hmget(key, "i", "h")
                if not identity.startswith(b"g"):
                    continue
                life.heads[int(identity[1:])] = int(head or 0)
                members = client.hgetall(key.replace(b":c:", b":m:"))
                assert isinstance(members, dict)
                for user, row in members.items():
                    _, last, first = msgspec.msgpack.decode(row)[3][-1]
                    life.spans[int(identity[1:]), int(user)] = (first, last)


async def look_into(core: Core, engine: Engine, life: Life) -> Life:
    """The same users in another store."""
    other = Life(core, await find(core, life.tenant.name), life.clock, 1)
    other.users, other.gone, other.groups, other.count = life.users, life.gone, life.groups, life.count + 1_000_000
    for parties, topic in life.topics.items():
        if await core.topics.find(other.tenant, topic) is not None:
            other.topics[parties] = topic
    read_groups(engine, other)
    return other


def check_logs(engine: Engine, tenant: Tenant) -> int:
    """Every conversation's log is dense from where it was dropped to its head; how many messages there are."""
    found = 0
    for server in engine.servers:
        with Redis.from_url(server.url) as client:
            for key in client.scan_iter(match=f"cg{{*}}{tenant.number}:{tenant.generation}:c:*", count=1000):
                head, dropped = (int(each or 0) for each in client.hmget(key, "h", "d"))
                sequences = set()
                for chunk in client.scan_iter(match=key.decode().replace(":c:", ":l:").replace("{", "[{]") + ":*"):
                    sequences |= {int(each) for each in client.hkeys(chunk)}
                assert sequences == set(range(dropped + 1, head + 1))
                found += len(sequences)
    return found


@pytest.mark.usefixtures("_in_pieces")
async def test_everything_is_the_same_in_another_store(
    engine: Engine, target: Engine, core: Core, tenant: Tenant, clock: ManualClock
) -> None:
    await core.tenants.add_credential(tenant.name, "plain", "shop", Credential("secret", "", "canary"))
    tenant = await core.tenants.set_outbox(tenant.name, True)
    life = Life(core, tenant, clock, 3)
    await life.begin()
    await life.live(200, pause_ms=60_000)
    other = await core.tenants.add(new_name(), 30)
    await fill(core, other)
    token = core.tokens.mint(tenant, "plain", "shop", 3600, await core.users.claim(tenant, "ada"))
    receipts = life.receipts[-20:]
    seen = [await core.messages.get(tenant, receipt.id) for receipt in receipts]
    events = await core.outbox.counts()
    file = await written(core)
    async with restored(file, target, clock) as copy:
        for each in (tenant, other):
            assert await copy.tenants.find(each.name) == await core.tenants.find(each.name)
            assert lasting(target, each) == lasting(engine, each)
            hours = hours_of(engine, each)
            assert await feeds(copy, each, hours) == await feeds(core, each, hours) != set()
        assert [owner.name for owner in await copy.tenants.owners("plain", "shop")] == [tenant.name]
        assert copy.tokens.verify(tenant, token).user == "ada"
        assert await copy.users.check_password(other, "with password", "secret") is not None
        assert [await copy.messages.get(tenant, receipt.id) for receipt in receipts] == seen
        assert (await copy.outbox.counts()).entries == events.entries > 0
        again = await look_into(copy, target, life)
        await again.check()
        # And it lives on: no number is given twice.
        await again.live(100, pause_ms=60_000)
        await again.check()
        assert (await copy.tenants.add(new_name())).number > other.number


@pytest.mark.usefixtures("_in_pieces")
async def test_what_is_written_meanwhile_is_there_whole_or_not_at_all(
    engine: Engine, target: Engine, core: Core, tenant: Tenant, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "DEADLINE", 30)  # the backup shares this process with the writers
    life = Life(core, await core.tenants.set_retention(tenant.name, 1), clock, 4)
    await life.begin()
    ada = life.users[0]
    for number in range(HEAD):
        clock.move(1)
        await core.messages.send_group(life.tenant, ada, life.groups, text("ada"), f"request {number}")
    life.heads = dict.fromkeys(life.groups, HEAD)
    ended = asyncio.Event()

    async def work() -> None:
        while not ended.is_set():
            await life.live(1, pause_ms=60_000)
            if life.rng.random() < 0.05:
                await core.tenants.set_outbox(tenant.name, False)
                life.tenant = await find(core, tenant.name)

    async with opened(engine.url, clock) as other:
        working = asyncio.create_task(work())
        files = [await written(other) for _ in range(4)]
        ended.set()
        await working
    for file in files:
        target.flush()
        async with restored(file, target, clock) as copy:
            again = await look_into(copy, target, life)
            assert check_logs(target, again.tenant) >= HEAD * 2
            await again.check()
            await again.live(30, pause_ms=60_000)
            await again.check()


async def find(core: Core, name: str) -> Tenant:
    found = await core.tenants.find(name)
    assert found is not None
    return found


@pytest.mark.usefixtures("_in_pieces")
async def test_what_is_taken_back_meanwhile_is_taken_back(
    engine: Engine, target: Engine, core: Core, tenant: Tenant, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first piece of its log was written, one conversation is cleared for all, and of another messages that were
    written are recalled: some for everybody, and some for one user."""
    life = Life(core, tenant, clock, 6)
    await life.begin()
    ada, bob = life.users[:2]
    sent: dict[int, list[int]] = {}
    for number in range(HEAD * 3):
        clock.move(1)
        audience = Audience(to=(bob,)) if number % 10 == 0 else EVERYBODY
        for receipt in await core.messages.send_group(
            tenant, ada, life.groups, text("ada"), f"request {number}", audience
        ):
            sent.setdefault(receipt.conversation, []).append(receipt.id)
    life.heads = dict.fromkeys(life.groups, HEAD * 3)
    cleared, recalled = sent
    tasks: dict[int, asyncio.Task[object]] = {}
    put = backup_file.Writer.write

    async def recall() -> None:
        await asyncio.gather(*(core.messages.recall(tenant, number) for number in sent[recalled][: HEAD // 2 : 5]))

    def write(self: backup_file.Writer, frame: backup_file.Frame) -> None:
        put(self, frame)
        place = frame.name.split(b":")[2:4] if isinstance(frame, backup_file.Part) else []
        if place == [b"l", b"%d" % cleared] and cleared not in tasks:
            clearing = core.conversations.clear_for_all(tenant, bob, life.groups[0])
            tasks[cleared] = asyncio.create_task(clearing)
        if place == [b"l", b"%d" % recalled] and recalled not in tasks:
            tasks[recalled] = asyncio.create_task(recall())

    monkeypatch.setattr(backup_file.Writer, "write", write)
    file = await written(core)
    assert len(tasks) == 2
    await asyncio.gather(*tasks.values())
    async with restored(file, target, clock) as copy:
        again = await look_into(copy, target, life)
        assert await again.page(bob, life.groups[0]) == []
        assert len(await again.page(bob, life.groups[1])) < HEAD * 3
        check_logs(target, again.tenant)
        await again.check()


class Busy(Life):
    """Life goes on in groups alone while somebody has something to say in between."""

    left = 0

    def targets(self, user: UserKey) -> list[Target]:
        return list(self.groups) if self.left else super().targets(user)

    async def go_on(self) -> None:
        self.left -= 1
        acts = [self.send, self.send, self.send, self.recall, self.hide, self.read, self.put]
        rare = [self.join_or_leave, self.clear, self.mute, self.transfer, self.clear_for_all]
        for _ in range(3):
            self.clock.move(self.rng.randrange(10_000))
            await self.rng.choice(acts if self.rng.random() < 0.95 else rare)()

    async def mute(self) -> None:
        group = self.rng.choice(self.groups)
        if self.spans.get((group, self.users[1].number), (0, 0))[1] == -1:
            await self.core.members.mute(self.tenant, group, [self.users[1]], -1)
            await self.core.members.unmute(self.tenant, group, [self.users[1]])

    async def transfer(self) -> None:
        await self.core.groups.update(self.tenant, self.rng.choice(self.groups), owner=self.pick())

    async def clear_for_all(self) -> None:
        await self.core.conversations.clear_for_all(self.tenant, self.pick(), self.rng.choice(self.groups))


@pytest.mark.usefixtures("_in_pieces")
@pytest.mark.parametrize("seed", [1, 2])
async def test_what_users_have_goes_with_the_messages_that_are_there(
    engine: Engine,
    target: Engine,
    core: Core,
    tenant: Tenant,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    """Something happens in groups before each step of reading them, for a while."""
    life = Busy(core, tenant, clock, seed)
    await life.begin()
    ada = life.users[0]
    for number in range(HEAD):
        clock.move(1)
        sent = await core.messages.send_group(tenant, ada, life.groups, text("ada"), f"request {number}")
    life.heads = dict.fromkeys(life.groups, HEAD)
    await life.live(100, pause_ms=1_000)
    conversations = {receipt.conversation for receipt in sent}
    call = GenerationReader.call
    steps: Counter[str] = Counter()

    async def interrupted(self: GenerationReader, script: Script, partition: int, *arguments: Any) -> Any:
        if script.name.startswith("export_") and arguments[0] in conversations and life.left:
            steps[script.name] += 1
            await life.go_on()
        return await call(self, script, partition, *arguments)

    monkeypatch.setattr(GenerationReader, "call", interrupted)
    life.left = 60
    file = await written(core)
    life.left = 0
    assert steps["export_conversation"] > 2
    assert steps["export_people"] > 10 or conversation_reader.PEOPLE_AT_ONCE
    async with restored(file, target, clock) as copy:
        again = await look_into(copy, target, life)
        check_logs(target, again.tenant)
        await again.check()
        await again.live(30, pause_ms=60_000)
        await again.check()


@pytest.mark.parametrize("count", [1, 30, 520])
async def test_whom_later_messages_concern_is_read_again(
    engine: Engine,
    empty: Engine,
    core: Core,
    tenant: Tenant,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
) -> None:
    """After its people were read much happens in a large group and a small one, and then nothing more."""
    users = await core.users.keys(tenant, [f"user {number}" for number in range(150)])
    groups = [
        (await core.groups.create(tenant, name="", owner=users[0], members=members, dialect="plain")).number
        for members in (users, users[:3])
    ]
    numbers = iter(range(10_000))

    async def send(sender: UserKey, group: int, audience: Audience = EVERYBODY) -> Receipt:
        clock.move(1)
        reference = f"request {next(numbers)}"
        return (await core.messages.send_group(tenant, sender, [group], text(sender.id), reference, audience))[0]

    old = [await send(users[0], group, Audience(to=(users[1], users[149]))) for group in groups]
    hidden = [await send(users[0], group) for group in groups]
    for user in users[::10]:
        await core.messages.hide(tenant, user, [receipt.id for receipt in hidden])
    monkeypatch.setattr(conversation_reader, "PEOPLE_AT_ONCE", 0)
    call = GenerationReader.call
    waiting = {receipt.conversation: group for receipt, group in zip(old, groups, strict=True)}
    begun: set[Any] = set()

    async def interrupted(self: GenerationReader, script: Script, partition: int, *arguments: Any) -> Any:
        if script.name == "export_people":
            begun.add(arguments[0])
        if script.name == "export_conversation" and arguments[0] in begun & waiting.keys():
            group = waiting.pop(arguments[0])
            for number in range(count):
                audience = (Audience(to=(users[2], users[140])), Audience(without=(users[1],)), EVERYBODY)[number % 3]
                await send(users[number % 150] if group == groups[0] else users[0], group, audience)
            for receipt in (*old, *hidden):
                if receipt.conversation == arguments[0]:
                    await core.messages.recall(tenant, receipt.id)
        return await call(self, script, partition, *arguments)

    monkeypatch.setattr(GenerationReader, "call", interrupted)
    file = await written(core)
    assert not waiting
    async with restored(file, empty, clock):
        assert lasting(empty, tenant) == lasting(engine, tenant)


async def test_very_many_are_recalled_meanwhile(
    engine: Engine, empty: Engine, core: Core, tenant: Tenant, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    sent = []
    for number in range(HEAD + 100):
        clock.move(1)
        sent += await core.messages.send_direct(tenant, ada, [bob], text("ada"), f"request {number}")
    call = GenerationReader.call
    read = 0

    async def interrupted(self: GenerationReader, script: Script, partition: int, *arguments: Any) -> Any:
        nonlocal read
        reply = await call(self, script, partition, *arguments)
        if script.name == "export_log":
            read += 1
            if read == 1:
                for receipt in sent[:HEAD]:
                    assert await core.messages.recall(tenant, receipt.id)
        return reply

    monkeypatch.setattr(GenerationReader, "call", interrupted)
    file = await written(core)
    assert read == 4  # twice
    async with restored(file, empty, clock) as copy:
        assert lasting(empty, tenant) == lasting(engine, tenant)
        assert await copy.conversations.unread(tenant, bob) == 100


async def test_a_reset_begins_a_tenant_anew_and_a_removed_one_is_left_out(
    engine: Engine, empty: Engine, core: Core, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants = [await core.tenants.add(f"{new_name()}") for _ in range(3)]
    for tenant in tenants:
        await fill(core, tenant)
    put = backup_file.Writer.write
    done: set[int] = set()
    tasks = []

    def write(self: backup_file.Writer, frame: backup_file.Frame) -> None:
        put(self, frame)
        for index, tenant in enumerate(tenants[:2]):
            begins = isinstance(frame, backup_file.Part) and frame.name.startswith(b"%d:1:c:" % tenant.number)
            if begins and index not in done:
                done.add(index)
                tasks.append(asyncio.create_task(change(index)))

    async def change(index: int) -> None:
        await (core.tenants.reset if index == 0 else core.tenants.remove)(tenants[index].name)

    monkeypatch.setattr(backup_file.Writer, "write", write)
    file = await written(core)
    await asyncio.gather(*tasks)
    assert len(tasks) == 2
    async with restored(file, empty, clock) as copy:
        assert await copy.tenants.list() == await core.tenants.list()
        assert len(await copy.tenants.list()) == 2
        assert lasting(empty, tenants[2]) == lasting(engine, tenants[2])
        while await copy.reclaim.round():
            pass
        for tenant in tenants[:2]:
            assert lasting(empty, tenant) == {}


async def test_an_erasure_under_way_is_finished_in_the_copy(
    engine: Engine, empty: Engine, core: Core, tenant: Tenant, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(core, tenant, clock, 7)
    await life.begin()
    await life.live(200, pause_ms=60_000)
    put = backup_file.Writer.write
    count = 0
    tasks = []

    async def erase() -> None:
        assert await core.erase.user(tenant, "bob")
        assert not await core.erase.round()  # not while a backup is being made

    def write(self: backup_file.Writer, frame: backup_file.Frame) -> None:
        nonlocal count
        put(self, frame)
        count += 1
        if count == 50:
            tasks.append(asyncio.create_task(erase()))

    monkeypatch.setattr(backup_file.Writer, "write", write)
    file = await written(core)
    await asyncio.gather(*tasks)
    bob = life.users[1]
    life.users.remove(bob)
    life.gone.append(bob)
    async with restored(file, empty, clock) as copy:
        again = await look_into(copy, empty, life)
        while await copy.erase.round():
            pass
        again.spans = {place: span for place, span in again.spans.items() if place[1] != bob.number}
        await again.check()
        for user in again.users:
            for target in again.targets(user):
                assert "bob" not in {one.message.sender for one in await again.page(user, target)}
        assert await copy.users.known_key(again.tenant, "bob") is None


async def refusal(file: io.BytesIO, engine: Engine) -> Failure:
    async with opened(engine.url) as core:
        with pytest.raises(Failure) as caught:
            await core.backup.restore(file)
        if caught.value.reason == "backup":
            assert await core.store.count_keys() == 1
        assert await core.tenants.list() == []
    return caught.value


async def test_what_is_no_whole_backup_is_refused(core: Core, empty: Engine, tenant: Tenant) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1")
    whole = (await written(core)).getvalue()
    damaged = [whole[:length] for length in (0, 5, 21, 30, len(whole) // 2, len(whole) - 33, len(whole) - 1)]
    damaged += [whole + b"x", b"PK" + whole, whole[:50] + bytes([whole[50] ^ 1]) + whole[51:]]
    damaged += [whole[:-1] + bytes([whole[-1] ^ 1])]
    for data in damaged:
        failure = await refusal(io.BytesIO(data), empty)
        assert (failure.kind, failure.reason) == (Kind.BAD_REQUEST, "backup")
        assert len(failure.text.splitlines()) == 1


async def test_another_schema_is_refused(
    core: Core, empty: Engine, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("core.backup.SCHEMA_VERSION", SCHEMA_VERSION + 1)
        file = await written(core)
    failure = await refusal(file, empty)
    assert failure.text.startswith(f"The backup has schema version {SCHEMA_VERSION + 1} ")


async def test_only_an_empty_store_is_restored_into(core: Core, empty: Engine, tenant: Tenant) -> None:
    file = await written(core)
    with empty.servers[0].client() as client:
        client.set("somebody's", "1")
    failure = await refusal(file, empty)
    assert (failure.kind, failure.reason) == (Kind.CONFLICT, "store")
    failure = await refusal_of_full(core, file)
    assert failure.reason == "store"


async def refusal_of_full(core: Core, file: io.BytesIO) -> Failure:
    before = await core.tenants.list()
    with pytest.raises(Failure) as caught:
        await core.backup.restore(file)
    assert await core.tenants.list() == before
    return caught.value


async def test_nothing_of_a_restore_that_was_stopped_is_served(
    core: Core, empty: Engine, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(core, tenant)
    file = await written(core)
    put = restoring.Restoring._put
    parts = 0

    async def die(self: restoring.Restoring, part: backup_file.Part) -> None:
        nonlocal parts
        parts += 1
        if parts > 200:
            raise ConnectionError
        await put(self, part)

    async with opened(empty.url) as copy:
        with monkeypatch.context() as patch:
            patch.setattr(restoring.Restoring, "_put", die)
            with pytest.raises(ConnectionError):
                await copy.backup.restore(file)
        assert await copy.tenants.list() == []
        assert await copy.store.count_keys() > 1
    assert (await refusal(file, empty)).reason == "store"


async def test_an_empty_store_is_a_backup_too(core: Core, empty: Engine, clock: ManualClock) -> None:
    file = await written(core)
    async with restored(file, empty, clock) as copy:
        assert await copy.tenants.list() == []
        tenant = await copy.tenants.add(new_name())
        assert (await copy.messages.direct_page(tenant, "a", "b", Query(1))).messages == []
