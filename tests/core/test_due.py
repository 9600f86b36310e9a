import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest

from core import due as due_module
from core.clock import ManualClock
from core.core import Core
from core.due import LEASE_MS, TRIES, Scheduled
from core.errors import Failure, Kind
from core.membership import Check
from core.messages import Query
from core.model import Audience, Receipt, Tenant, Text, UserKey
from core.store import due as due_store
from core.store.keys import PARTITIONS, partition_of, system_key
from tests.core.store.rows import everything, of_tenant
from tests.core.support import START, opened, text
from tests.servers import Engine

Two = list[UserKey]
SECOND = 1000
AT = START + 60 * SECOND


@pytest.fixture(autouse=True)
def _nothing_due(engine: Engine) -> None:
    """What other tests left due would be done here."""
    engine.flush()


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> Two:
    return await core.users.keys(tenant, ["ada", "bob"])


@pytest.fixture
async def other(engine: Engine, clock: ManualClock, core: Core) -> AsyncIterator[Core]:
    """Another worker."""
    async with opened(engine.url, clock) as found:
        yield found


async def rounds(*workers: Core) -> None:
    """Let workers do all that is due, at once."""

    async def work(worker: Core) -> None:
        for _ in range(1000):
            if not await worker.due.round():
                return
        raise AssertionError("there is always more")

    await asyncio.gather(*map(work, workers))


async def words(core: Core, tenant: Tenant) -> list[str]:
    """What ada and bob said to each other."""
    page = await core.messages.direct_page(tenant, "ada", "bob", Query(1000, newest_first=False))
    return [one.message.content.text for one in page.messages if isinstance(one.message.content, Text)]


async def all_rows(
    core: Core, tenant: Tenant, owner: UserKey | None = None, *, failed: bool = False
) -> list[Scheduled]:
    found, cursor = [], ""
    for _ in range(1000):
        rows, cursor = await core.due.list(tenant, owner, limit=7, cursor=cursor, failed=failed)
        found += rows
        if not cursor:
            return found
    raise AssertionError("the list never ends")


class Crash(BaseException):
    """The worker ends here."""


async def test_a_message_is_sent_when_its_time_has_come(
    core: Core, tenant: Tenant, users: Two, clock: ManualClock
) -> None:
    ada, bob = users
    row = await core.due.send_direct(tenant, ada, [bob], text("ada", "later"), "client:1", AT)
    expected = Scheduled(row, AT, ada, (bob,), (), text("ada", "later"), Audience(), 0, "")
    assert await core.due.find(tenant, row) == expected
    clock.move(60 * SECOND - 1)
    assert await core.due.round() is False
    assert await words(core, tenant) == []
    clock.move(5)
    assert await core.due.round() is True
    page = await core.messages.direct_page(tenant, "ada", "bob", Query(10))
    assert [(one.message, one.time) for one in page.messages] == [(text("ada", "later"), AT + 4)]
    assert await core.due.round() is False
    assert await core.due.find(tenant, row) is None
    assert await all_rows(core, tenant) == []
    assert (await core.conversations.list(tenant, bob, 10))[0].peer == "ada"


async def test_a_message_to_many_is_sent_to_each(core: Core, tenant: Tenant, clock: ManualClock) -> None:
    ada, *others = await core.users.keys(tenant, ["ada", *(f"user {number}" for number in range(60))])
    groups = [
        await core.groups.create(tenant, name=str(number), owner=ada, members=[ada, *others], dialect="plain")
        for number in range(2)
    ]
    numbers = [group.number for group in groups]
    await core.due.send_direct(tenant, ada, others, text("ada"), "client:1", START - 1)
    row = await core.due.send_group(tenant, ada, numbers, text("ada"), "client:2", 0, Audience(to=(others[0],)))
    found = await core.due.find(tenant, row)
    assert found is not None
    assert (found.groups, found.recipients, found.audience) == (tuple(numbers), (), Audience(to=(others[0],)))
    await rounds(core)
    for user in others:
        assert len((await core.messages.direct_page(tenant, user.id, "ada", Query(10))).messages) == 1
    for number in numbers:
        seen = [len((await core.messages.group_page(tenant, user, number, Query(10))).messages) for user in others[:2]]
        assert seen == [1, 0]


async def test_messages_of_one_conversation_keep_their_order(
    core: Core, tenant: Tenant, users: Two, clock: ManualClock
) -> None:
    ada, bob = users
    for number in (3, 1, 4, 0, 2):
        await core.due.send_direct(tenant, ada, [bob], text("ada", str(number)), f"client:{number}", START + number)
    clock.move(10)
    await rounds(core)
    assert await words(core, tenant) == ["0", "1", "2", "3", "4"]


async def test_the_same_reference_is_the_same_row(core: Core, tenant: Tenant, users: Two, clock: ManualClock) -> None:
    ada, bob = users
    first = await core.due.send_direct(tenant, ada, [bob], text("ada", "first"), "client:1", AT)
    assert await core.due.send_direct(tenant, ada, [bob], text("ada", "second"), "client:1", AT + 1) == first
    assert await core.due.send_direct(tenant, bob, [ada], text("bob", "third"), "client:1", AT) != first
    clock.move(61 * SECOND)
    await rounds(core)
    # Done, and still known.
    assert await core.due.send_direct(tenant, ada, [bob], text("ada", "fourth"), "client:1", AT) == first
    await rounds(core)
    assert sorted(await words(core, tenant)) == ["first", "third"]


async def test_what_is_cancelled_is_not_sent(core: Core, tenant: Tenant, users: Two, clock: ManualClock) -> None:
    ada, bob = users
    row, kept = [
        await core.due.send_direct(tenant, ada, [bob], text("ada", str(number)), f"client:{number}", AT)
        for number in range(2)
    ]
    assert await core.due.cancel(tenant, row) is True
    assert await core.due.cancel(tenant, row) is False
    # A repeat of the request that came late does not bring it back.
    assert await core.due.send_direct(tenant, ada, [bob], text("ada", "0"), "client:0", AT) == row
    clock.move(61 * SECOND)
    await rounds(core)
    assert await words(core, tenant) == ["1"]
    assert await core.due.cancel(tenant, kept) is False


@pytest.mark.parametrize("row", ["", ":", "x", "x:y", "1", "9" * 5000, "²:a", "-1:a"])
async def test_an_id_of_nothing_finds_nothing(core: Core, tenant: Tenant, row: str) -> None:
    assert await core.due.find(tenant, row) is None
    assert await core.due.cancel(tenant, row) is False
    assert await core.due.retry(tenant, row) is False


async def test_a_row_whose_worker_died_after_the_effect_is_done_again_with_one_effect(
    core: Core, other: Core, tenant: Tenant, users: Two, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = users
    row = await core.due.send_direct(tenant, ada, [bob], text("ada", "once"), "client:1", AT)
    clock.move(60 * SECOND)
    sent: list[list[Receipt]] = []
    monkeypatch.setattr(core.due, "_messages", Dying(core, sent, after=True))
    with pytest.raises(Crash):
        await core.due.round()
    assert await words(core, tenant) == ["once"]
    assert await core.due.cancel(tenant, "1:none") is False
    # Nobody else has it while the lease lasts.
    clock.move(LEASE_MS - 1)
    assert await other.due.round() is False
    clock.move(1)
    monkeypatch.setattr(other.due, "_messages", Dying(other, sent, after=False))
    assert await other.due.round() is True
    assert [[one.repeated for one in receipts] for receipts in sent] == [[False], [True]]
    assert await words(core, tenant) == ["once"]
    assert await core.due.find(tenant, row) is None


class Dying:
    """Sends what it is told to; a worker that dies right after it, if wanted."""

    def __init__(self, core: Core, sent: list[list[Receipt]], *, after: bool) -> None:
        self.messages, self.sent, self.after = core.messages, sent, after

    async def send_direct(
        self,
        tenant: Tenant,
        sender: UserKey,
        recipients: Sequence[UserKey],
        message: object,
        reference: str,
        audience: Audience,
        *,
        check: Check,
    ) -> list[Receipt]:
        receipts = await self.messages.send_direct(
            tenant,
            sender,
            recipients,
            message,  # type: ignore[arg-type]
            reference,
            audience,
            check=check,
        )
        self.sent.append(receipts)
        if self.after:
            raise Crash
        return self.sent[-1]


async def test_a_row_whose_worker_died_before_the_effect_is_done(
    core: Core, tenant: Tenant, users: Two, clock: ManualClock
) -> None:
    ada, bob = users
    row = await core.due.send_direct(tenant, ada, [bob], text("ada"), "client:1", START)
    store = due_store.DueStore(core.store)
    claimed = await store.claim(tenant, partition_of(ada.number), START, lease_ms=LEASE_MS, limit=10, tries=TRIES)
    assert [one.id for one in claimed] == [row]
    assert await core.due.cancel(tenant, "x") is False
    clock.move(LEASE_MS)
    await rounds(core)
    assert await words(core, tenant) == ["hello"]


async def test_who_cancels_too_late_is_told_so(core: Core, tenant: Tenant, users: Two, clock: ManualClock) -> None:
    ada, bob = users
    row = await core.due.send_direct(tenant, ada, [bob], text("ada"), "client:1", START)
    store = due_store.DueStore(core.store)
    await store.claim(tenant, partition_of(ada.number), START, lease_ms=LEASE_MS, limit=10, tries=TRIES)
    assert await core.due.cancel(tenant, row) is False
    assert await core.due.find(tenant, row) is None
    clock.move(LEASE_MS)
    assert await core.due.round() is False


async def test_several_workers_do_each_row_once(
    core: Core, other: Core, tenant: Tenant, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = await core.users.keys(tenant, [f"user {number}" for number in range(100)])
    peers = list(zip(users, users[1:] + users[:1], strict=True))
    for turn in range(5):
        await asyncio.gather(
            *(core.due.send_direct(tenant, one, [two], text(one.id), f"client:{turn}", START) for one, two in peers)
        )
    sent: dict[str, list[list[Receipt]]] = {"core": [], "other": []}
    monkeypatch.setattr(core.due, "_messages", Dying(core, sent["core"], after=False))
    monkeypatch.setattr(other.due, "_messages", Dying(other, sent["other"], after=False))
    await rounds(core, other)
    receipts = [receipt for one in sent.values() for row in one for receipt in row]
    assert len(receipts) == len({receipt.id for receipt in receipts}) == 500
    assert not any(receipt.repeated for receipt in receipts)
    assert all(sent.values()), "one worker did it all"


async def test_a_row_that_fails_is_tried_again_and_at_last_given_up(
    core: Core,
    tenant: Tenant,
    users: Two,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ada, bob = users
    failing = await core.due.send_direct(tenant, ada, [bob], text("ada", "fails"), "client:1", START)
    await core.due.send_direct(tenant, ada, [bob], text("ada", "goes"), "client:2", START)
    tried: list[int] = []

    class Refusing:
        async def send_direct(self, *arguments: object, check: Check) -> list[Receipt]:
            if arguments[3] == text("ada", "fails"):
                tried.append(clock.now())
                raise ValueError("fails")
            return await core.messages.send_direct(*arguments, check=check)  # type: ignore[arg-type]

    monkeypatch.setattr(core.due, "_messages", Refusing())
    with caplog.at_level(logging.WARNING):
        for _ in range(3 * 60 * 4):
            await core.due.round()
            clock.move(15 * SECOND)
    assert await words(core, tenant) == ["goes"]
    waits = [(later - earlier) // LEASE_MS for earlier, later in pairwise(tried)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    assert len(tried) == TRIES
    assert [record.getMessage() for record in caplog.records] == [
        f"due row {failing} of tenant {tenant.number} failed (try {number}): ValueError"
        for number in range(1, TRIES + 1)
    ]
    assert await all_rows(core, tenant) == []
    given_up = await all_rows(core, tenant, ada, failed=True)
    assert [(row.id, row.at, row.tries, row.failed) for row in given_up] == [(failing, START, TRIES, "ValueError")]
    assert await all_rows(core, tenant, failed=True) == given_up

    monkeypatch.undo()
    assert await core.due.retry(tenant, failing) is True
    assert await core.due.retry(tenant, failing) is False
    assert await core.due.round() is True
    assert await words(core, tenant) == ["goes", "fails"]
    assert await all_rows(core, tenant, failed=True) == []


async def test_what_cannot_succeed_is_given_up_at_once(
    core: Core, tenant: Tenant, users: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = users
    row = await core.due.send_direct(tenant, ada, [bob], text("ada"), "client:1", START)

    class Refusing:
        async def send_direct(self, *_: object, check: Check) -> list[Receipt]:
            raise Failure(Kind.FORBIDDEN, "no")

    monkeypatch.setattr(core.due, "_messages", Refusing())
    await core.due.round()
    assert [(one.id, one.failed) for one in await all_rows(core, tenant, failed=True)] == [(row, "forbidden")]
    assert await core.due.cancel(tenant, row) is False
    assert await core.due.find(tenant, row) is None


async def test_what_is_checked_of_who_sends_is_checked_at_the_time(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    row = await core.due.send_direct(tenant, ada, [bob], text("ada", "user"), "client:1", START, check=Check.USER)
    await core.due.send_direct(tenant, ada, [bob], text("ada", "server"), "client:2", START)
    await core.relations.block(tenant, bob, [ada])
    await core.due.round()
    assert await words(core, tenant) == ["server"]
    assert [(one.id, one.failed) for one in await all_rows(core, tenant, failed=True)] == [(row, "forbidden")]


async def test_a_row_that_kills_every_worker_is_given_up(
    core: Core, tenant: Tenant, users: Two, clock: ManualClock
) -> None:
    ada, bob = users
    row = await core.due.send_direct(tenant, ada, [bob], text("ada"), "client:1", START)
    store, claims = due_store.DueStore(core.store), 0
    for _ in range(TRIES + 1):
        claims += len(
            await store.claim(tenant, partition_of(ada.number), clock.now(), lease_ms=LEASE_MS, limit=10, tries=TRIES)
        )
        clock.move(LEASE_MS * 64)
    assert claims == TRIES
    assert [(one.id, one.failed) for one in await all_rows(core, tenant, failed=True)] == [(row, "tries")]
    assert await core.due.round() is False


async def test_rows_of_a_reset_or_removed_tenant_are_dropped(
    core: Core, other: Core, users: Two, tenant: Tenant, clock: ManualClock, engine: Engine
) -> None:
    ada, bob = users
    for at in (START, AT):
        await core.due.send_direct(tenant, ada, [bob], text("ada"), f"client:{at}", at)
    fresh = await other.tenants.reset(tenant.name)
    assert await core.due.round() is False
    assert await words(core, fresh) == []
    assert _due_keys(engine, tenant) == set()

    ada, bob = await core.users.keys(fresh, ["ada", "bob"])
    await core.due.send_direct(fresh, ada, [bob], text("ada", "new"), "client:1", START)
    await rounds(core)
    assert await words(core, fresh) == ["new"]
    await core.due.send_direct(fresh, ada, [bob], text("ada", "never"), "client:2", START)
    assert await other.tenants.remove(tenant.name)
    assert await core.due.round() is False
    assert _due_keys(engine, tenant) == set()


def _due_keys(engine: Engine, tenant: Tenant) -> set[bytes]:
    """Everything that belongs to due rows."""
    rows = {key for key in of_tenant(engine, tenant.number) if key.rpartition(b":")[2] in (b"due", b"duef", b"dueb")}
    return rows | set(everything(engine.servers, "cg{*}:due"))


async def test_a_worker_that_does_not_know_of_a_reset_yet_sends_nothing(
    core: Core, other: Core, users: Two, tenant: Tenant, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = users
    await core.due.send_direct(tenant, ada, [bob], text("ada"), "client:1", START)
    # The registry as it was read a moment ago, before the reset.
    before = {tenant.number: tenant}
    fresh = await other.tenants.reset(tenant.name)

    async def numbered(_: object) -> dict[int, Tenant]:
        return before

    monkeypatch.setattr(core.due._tenants, "numbered", numbered)
    assert await core.due.round() is False
    monkeypatch.undo()
    assert await core.due.round() is False
    assert await words(core, fresh) == []


async def test_lists_are_by_sender_and_by_time(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    rows: dict[int, list[str]] = {ada.number: [], bob.number: []}
    for number in range(40):
        sender, peer = (ada, bob) if number % 2 else (bob, ada)
        # Some of the same time.
        at = AT + number // 8 * 10
        row = await core.due.send_direct(tenant, sender, [peer], text(sender.id), f"client:{number}", at)
        rows[sender.number].append(row)
    for user in users:
        found = await all_rows(core, tenant, user)
        assert [row.at for row in found] == sorted(row.at for row in found)
        assert sorted(row.id for row in found) == sorted(rows[user.number])
        assert {row.sender for row in found} == {user}
    everything_waiting = [row.id for row in await all_rows(core, tenant)]
    assert sorted(everything_waiting) == sorted(rows[ada.number] + rows[bob.number])
    assert await all_rows(core, tenant, await core.users.key(tenant, "eve")) == []


async def test_a_page_goes_on_when_the_row_before_it_has_gone(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    for number in range(10):
        await core.due.send_direct(tenant, ada, [bob], text("ada"), f"client:{number}", AT + number // 2)
    first, cursor = await core.due.list(tenant, ada, limit=4)
    await core.due.cancel(tenant, first[-1].id)
    rest, cursor = await core.due.list(tenant, ada, limit=10, cursor=cursor)
    assert cursor == ""
    ids = {row.id for row in first + rest}
    assert len(ids) == 10
    assert [row.at for row in rest] == [AT + 1] + [AT + number // 2 for number in range(4, 10)]


@pytest.mark.parametrize("cursor", ["x", "99:1:2", "-1::", "1:x:y"])
async def test_a_cursor_of_nobody_is_refused(core: Core, tenant: Tenant, cursor: str) -> None:
    with pytest.raises(Failure) as caught:
        await core.due.list(tenant, cursor=cursor)
    assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "cursor")


async def test_what_cannot_be_kept_is_refused(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    for at in (-1, 1 << 48):
        with pytest.raises(Failure) as caught:
            await core.due.send_direct(tenant, ada, [bob], text("ada"), "client:1", at)
        assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "time")
    with pytest.raises(Failure) as caught:
        await core.due.send_direct(tenant, ada, [bob], text("ada", "x" * (1 << 20)), "client:1", AT)
    assert caught.value.kind is Kind.TOO_LARGE
    last = await core.due.send_direct(tenant, ada, [bob], text("ada"), "client:1", (1 << 48) - 1)
    found = await core.due.find(tenant, last)
    assert found is not None
    assert found.at == (1 << 48) - 1
    assert await core.due.round() is False


async def test_rows_are_bounded(
    core: Core, tenant: Tenant, users: Two, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = users
    monkeypatch.setattr(due_store, "BOUND", 10)
    monkeypatch.setattr(due_store, "FAILED_BOUND", 5)
    sends = [
        core.due.send_direct(tenant, ada, [bob], text("ada"), f"client:{number}", START + number)
        for number in range(100)
    ]
    failures = [one for one in await asyncio.gather(*sends, return_exceptions=True) if isinstance(one, BaseException)]
    reasons = {(one.kind, one.reason) for one in failures if isinstance(one, Failure)}
    assert (len(failures), reasons) == (90, {(Kind.STORE_UNAVAILABLE, "full")})
    kept = await all_rows(core, tenant)
    assert [row.at for row in kept] == [START + number for number in range(10)]

    class Refusing:
        async def send_direct(self, *_: object, check: Check) -> list[Receipt]:
            raise Failure(Kind.NOT_FOUND, "gone")

    monkeypatch.setattr(core.due, "_messages", Refusing())
    for _ in range(10):
        await core.due.round()
        clock.move(1)
    assert await all_rows(core, tenant) == []
    assert [row.id for row in await all_rows(core, tenant, failed=True)] == [row.id for row in kept[5:]]


async def test_a_round_is_bounded(core: Core, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    users = await core.users.keys(tenant, [f"user {number}" for number in range(50)])
    monkeypatch.setattr(due_module, "_ROWS_A_ROUND", 30)
    for turn in range(30):
        await asyncio.gather(
            *(core.due.send_direct(tenant, user, [user], text(user.id), f"client:{turn}", START) for user in users)
        )
    counts, left = [], len(await all_rows(core, tenant))
    assert left == 1500
    for _ in range(1000):
        if not await core.due.round():
            break
        now = len(await all_rows(core, tenant))
        counts.append(left - now)
        left = now
    assert left == 0
    assert max(counts) < 30 + 20
    for user in users:
        page = await core.messages.direct_page(tenant, user.id, user.id, Query(100))
        assert len(page.messages) == 30


async def test_large_rows_are_claimed_a_few_at_a_time(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    for number in range(12):
        await core.due.send_direct(tenant, ada, [bob], text("ada", "x" * 400_000), f"client:{number}", START)
    store = due_store.DueStore(core.store)
    claimed = await store.claim(tenant, partition_of(ada.number), START, lease_ms=1, limit=20, tries=TRIES)
    assert len(claimed) == 3
    rows, cursor = await core.due.list(tenant, ada, limit=20)
    assert (len(rows), bool(cursor)) == (3, True)
    assert len(await all_rows(core, tenant)) == 12


async def test_tenants_with_nothing_due_yet_are_not_asked(
    core: Core, tenant: Tenant, users: Two, engine: Engine, clock: ManualClock
) -> None:
    ada, bob = users
    index = {}

    async def earliest() -> dict[int, int]:
        found = {}
        for partition in range(PARTITIONS):
            for _, time in _pairs(
                await core.store.command(partition, "ZRANGE", system_key("due", partition), 0, -1, "WITHSCORES")
            ):
                found[partition] = int(time)
        return found

    for sender, peer, at in ((ada, bob, AT), (bob, ada, AT + 5), (ada, bob, AT - 5)):
        row = await core.due.send_direct(tenant, sender, [peer], text(sender.id), f"client:{at}", at)
        index[at] = row
    expected = {partition_of(ada.number): AT - 5, partition_of(bob.number): AT + 5}
    if partition_of(ada.number) == partition_of(bob.number):
        expected = {partition_of(ada.number): AT - 5}
    assert await earliest() == expected
    await core.due.cancel(tenant, index[AT - 5])
    assert (await earliest())[partition_of(ada.number)] == AT
    clock.move(61 * SECOND)
    await rounds(core)
    assert await earliest() == {}


def _pairs(flat: list[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(flat[0::2], flat[1::2], strict=True))
