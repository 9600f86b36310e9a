"""An erased user leaves nothing behind but what is the others'; whoever takes the name inherits nothing."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind, StaleTenant
from core.imports import Import
from core.messages import Query
from core.model import Relationship, Tenant, UserKey
from core.store import erasures
from tests.core.lives import Life, Seen
from tests.core.store.rows import of_tenant, stands_in, values_of_tenant
from tests.core.support import new_name, opened, text
from tests.servers import Engine

ROUNDS = 20_000


@pytest.fixture
async def other(engine: Engine, clock: ManualClock) -> AsyncIterator[Core]:
    """Another worker."""
    async with opened(engine.url, clock) as found:
        yield found


@pytest.fixture
async def life(core: Core, tenant: Tenant, clock: ManualClock) -> Life:
    life = Life(core, tenant, clock, 5)
    await life.begin()
    return life


async def finish(*workers: Core) -> int:
    """Rounds until there is nothing to do; how many there were."""
    for count in range(ROUNDS):
        if not any([await worker.erase.round() for worker in workers]):
            return count
    raise AssertionError("erasing has no end")


async def begin(life: Life, user: UserKey) -> None:
    """Erase a user, who takes part no more."""
    assert await life.core.erase.user(life.tenant, user.id)
    found = await life.core.tenants.find(life.tenant.name)
    assert found is not None
    life.tenant = found
    life.users.remove(user)
    life.gone.append(user)
    life.spans = {place: span for place, span in life.spans.items() if place[1] != user.number}


def without(before: Seen, erased: str) -> Seen:
    return {place: [row for row in rows if row[2] != erased] for place, rows in before.items() if place[0] != erased}


@pytest.mark.parametrize("name", ["ada", "cy", "stranger"])
async def test_the_others_keep_what_is_theirs(engine: Engine, core: Core, life: Life, name: str) -> None:
    await life.live(300, pause_ms=60_000)
    user = next(one for one in life.users if one.id == name)
    before = await life.seen()
    await begin(life, user)
    await finish(core)
    assert await life.seen() == without(before, name)
    await life.check()
    for group in life.groups:
        found = await core.groups.detail(life.tenant, group)
        assert found is not None
        assert name not in {member.id for member in found[1]}
        assert found[0].owner == ("" if name == "ada" else "ada")
    # And it goes on: the name is another user's.
    await life.live(100, pause_ms=60_000)
    await life.check()


async def test_nothing_of_the_user_is_left(engine: Engine, core: Core, life: Life) -> None:
    ada, bob = life.users[:2]
    await core.users.register(life.tenant, "Ada Lovelace")
    await core.users.register(life.tenant, ada.id, password="secret", display_name="canary-name")
    await life.live(200, pause_ms=60_000)
    sent = await core.messages.send_direct(life.tenant, ada, [bob], text("ada", "canary-text"), "client:a")
    sent += await core.messages.send_group(life.tenant, ada, life.groups, text("ada", "canary-text"), "client:a")
    sent += await core.messages.send_group(
        life.tenant, ada, life.groups[:1], text("ada"), "client:b", external_id="canary-own"
    )
    imports = [Import("canary-external", life.clock.now(), ada, text("ada", "canary-import"))]
    sent += await core.imports.group(life.tenant, life.groups[0], imports)
    await core.messages.send_direct(life.tenant, bob, [ada], text("bob"), "client:a")
    await core.conversations.read(life.tenant, ada, "bob")
    for number, receipt in enumerate(sent):
        await core.foreign.link(life.tenant, "plain", f"canary-id {number}", receipt.id)
    await core.due.send_direct(life.tenant, ada, [bob], text("ada", "canary-due"), "client:b", life.clock.now() + 1)
    assert "canary-due" in repr(values_of_tenant(engine, life.tenant.number))
    await begin(life, ada)
    await finish(core)
    for receipt in sent:
        assert await core.messages.get(life.tenant, receipt.id) is None
    for key, value in values_of_tenant(engine, life.tenant.number).items():
        kind = key.split(b":")[2]
        if kind[:2] in (b"rc", b"ro"):
            continue  # these end by themselves
        assert "canary" not in value, key
        assert not key.endswith(b":%d" % ada.number), key
        if kind not in (b"j", b"l", b"c"):  # whom others addressed; who sent a tombstone; of which two it was
            assert not stands_in(ada.number, value), key
    assert not await core.erase.user(life.tenant, ada.id)


async def test_the_name_is_another_users_at_once(core: Core, other: Core, life: Life) -> None:
    await life.live(200, pause_ms=60_000)
    old = life.tenant
    ada, bob = life.users[:2]
    assert await other.users.key(old, "ada") == ada
    await begin(life, ada)
    with pytest.raises(StaleTenant):
        await other.messages.send_direct(old, bob, [ada], text("bob"), "client:old")
    for _ in range(2):
        new = await other.users.key(life.tenant, "ada")
        assert new.number > ada.number
        if await core.users.find(life.tenant, "ada") is None:
            await core.users.register(life.tenant, "ada")
        for target in life.groups:
            assert await life.page(new, target) == []
            assert await life.row(new, target) is None
        for peer in ("bob", "cy", "dee"):
            assert await life.page(new, peer) == []
        assert [row for rows in (await life.lists(new)).values() for row in rows] == []
        await finish(core)  # and so it is when all is done
    await core.messages.send_direct(life.tenant, bob, [new], text("bob", "welcome"), "client:welcome")
    (row,) = await core.conversations.list(life.tenant, new, 10)
    assert (row.peer, row.unread) == ("bob", 1)
    assert [one.message.content for one in await life.page(new, "bob")] == [text("", "welcome").content]
    # The other one keeps what was there before.
    kept = await life.page(bob, "ada")
    assert len(kept) > 1
    assert {one.message.sender for one in kept} == {"bob"}


async def test_it_goes_on_wherever_it_was_stopped(core: Core, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls and a worker is gone, and several work at the same time."""
    await life.live(200, pause_ms=60_000)
    monkeypatch.setattr(erasures, "MESSAGES_AT_ONCE", 1)
    monkeypatch.setattr("core.erase._CALLS_A_ROUND", 2)
    before = await life.seen()
    await begin(life, life.users[2])
    await finish(*(Core(core.store, life.clock) for _ in range(3)))
    assert await life.seen() == without(before, "cy")
    await life.check()


async def test_it_is_done_once_it_was_asked_for(core: Core, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was asked died in the middle of it."""
    await life.live(100, pause_ms=60_000)
    before = await life.seen()
    ada = life.users[0]

    async def die(_: str) -> Tenant:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(core.tenants, "count_erasure", die)
        with pytest.raises(ConnectionError):
            await core.erase.user(life.tenant, "ada")
    # The name is free by now, and somebody takes it before the rest is done.
    await Core(core.store, life.clock).users.register(life.tenant, "ada", password="new")
    await finish(core)
    life.users.remove(ada)
    life.gone.append(ada)
    found = await core.tenants.find(life.tenant.name)
    assert found is not None
    life.tenant = found
    assert await life.seen() == without(before, "ada")
    assert (await core.users.key(life.tenant, "ada")).number != ada.number
    assert await core.users.check_password(life.tenant, "ada", "new") is not None


async def test_nothing_is_new_any_more_that_the_user_sent_last(core: Core, tenant: Tenant, clock: ManualClock) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    await core.messages.send_direct(tenant, bob, [ada], text("bob"), "client:1")
    await core.conversations.look(tenant, bob, "ada")
    for number in range(2500):  # a longer way back than one step
        clock.move(1)
        await core.messages.send_direct(tenant, ada, [bob], text("ada"), f"client:{number}")
    await core.erase.user(tenant, "ada")
    await finish(core)
    found = await core.tenants.find(tenant.name)
    assert found is not None
    (row,) = await core.conversations.list(found, bob, 10)
    assert row.last is not None
    assert (row.last.sequence, row.unread, row.is_new) == (1, 0, False)


async def test_several_are_erased_side_by_side(core: Core, other: Core, life: Life) -> None:
    await life.live(200, pause_ms=60_000)
    before = await life.seen()
    for user in life.users[1:4]:
        await begin(life, user)
        before = without(before, user.id)
    await finish(core, other)
    assert await life.seen() == before
    await life.check()


async def test_what_waits_for_an_erased_user_is_not_sent(core: Core, tenant: Tenant, clock: ManualClock) -> None:
    ada, bob, cy = await core.users.keys(tenant, ["ada", "bob", "cy"])
    await core.due.send_direct(tenant, bob, [ada, cy], text("bob"), "client:1", clock.now() + 1000)
    await core.due.send_direct(tenant, ada, [cy], text("ada"), "client:2", clock.now() + 1000)
    await core.erase.user(tenant, "ada")
    found = await core.tenants.find(tenant.name)
    assert found is not None
    new = await core.users.key(found, "ada")
    clock.move(2000)
    while await core.due.round():
        pass
    assert await core.conversations.list(found, new, 10) == []
    assert [row.peer for row in await core.conversations.list(found, cy, 10)] == ["bob"]
    assert [row.peer for row in await core.conversations.list(found, bob, 10)] == ["cy"]


async def test_a_reset_ends_it(engine: Engine, core: Core, life: Life) -> None:
    await life.live(50, pause_ms=60_000)
    await begin(life, life.users[0])
    neighbour = await core.tenants.add(new_name())
    await core.users.register(neighbour, "ada")
    kept = of_tenant(engine, neighbour.number)
    reset = await core.tenants.reset(life.tenant.name)
    await core.users.register(reset, "ada")
    await finish(core)
    assert await core.users.find(reset, "ada") is not None
    assert of_tenant(engine, neighbour.number) == kept


async def test_nobody_is_anything_to_an_erased_user(engine: Engine, core: Core, tenant: Tenant) -> None:
    ada, bob, cy, dee = await core.users.keys(tenant, ["ada", "bob", "cy", "dee"])
    await core.relations.add(tenant, ada, [bob, dee])
    await core.relations.request(tenant, cy, ada)
    await core.relations.block(tenant, ada, [bob])
    await core.relations.block(tenant, dee, [ada])
    await core.erase.user(tenant, "ada")
    found = await core.tenants.find(tenant.name)
    assert found is not None
    new = await core.users.key(found, "ada")
    await core.relations.add(found, bob, [new])
    await finish(core)
    for user in (bob, cy, dee):
        (standing,) = await core.relations.look(found, user, [ada])
        assert standing == Relationship()
    mine, theirs = await core.relations.look(found, bob, [new]), await core.relations.look(found, new, [bob])
    assert (mine[0].contact is not None, mine[0].blocked_by, theirs[0].block) == (True, None, None)
    # Whom the old one blocked, or who blocked the old one, is held up by nothing.
    kept = [value for value in values_of_tenant(engine, tenant.number).values() if "dada\\x00" in value]
    assert len(kept) >= 3
    assert all("b'q'" not in value for value in kept)


async def test_who_can_not_be_erased(core: Core, tenant: Tenant) -> None:
    assert not await core.erase.user(tenant, "nobody")
    with pytest.raises(Failure) as caught:
        await core.erase.user(tenant, "admin")
    assert (caught.value.kind, caught.value.reason) == (Kind.FORBIDDEN, "reserved")
    assert await core.messages.direct_page(tenant, "a", "b", Query(1)) is not None
    assert not await core.erase.round()


async def test_several_are_erased_on_an_old_view_of_the_tenant(core: Core, tenant: Tenant, other: Core) -> None:
    users = [await core.users.register(tenant, name) for name in ("ada", "Bea", "cy")]
    keys = [UserKey(user.id, user.number) for user in users]
    assert await other.erase.user(tenant, "ada")  # every view of the tenant is older than the store's from here on
    await core.erase.users(tenant, keys[:2])
    found = await core.tenants.find(tenant.name)
    assert found is not None
    assert [user.id for user in await core.users.page(found, 0, 10)] == ["cy"]
    await finish(core)
    await core.tenants.reset(tenant.name)
    await core.erase.users(tenant, keys[2:])  # of a generation that has ended
    await finish(core)


@pytest.mark.parametrize("attributes", [{"a": {None: 1}}, {"a": {b"\xff": 1}}, {"a": b"\xff" * 100}])
async def test_what_apps_wrote_on_groups_and_topics_stops_no_erasure(
    core: Core, tenant: Tenant, attributes: dict[str, Any]
) -> None:
    ada, bob, eve = await core.users.keys(tenant, ["ada", "bob", "eve"])
    group = await core.groups.create(tenant, name="", owner=ada, members=[bob], dialect="plain", attributes=attributes)
    topics = [
        await core.topics.create(tenant, parties, creator=ada, dialect="plain", attributes=attributes)
        for parties in (("bob", "eve"), group.number)
    ]
    kept, _ = await core.topics.create(tenant, ("bob", "eve"), creator=eve, dialect="plain", attributes=attributes)
    assert await core.erase.user(tenant, "ada")
    await finish(core)
    tenant = (await core.tenants.numbered([tenant.number]))[tenant.number]
    found = await core.groups.find(tenant, group.number)
    assert found is not None
    assert (found.owner, found.attributes) == ("", attributes)
    for topic, _ in topics:
        left = await core.topics.find(tenant, topic.number)
        assert left is not None
        assert (left.creator, left.attributes) == ("", attributes)
    assert await core.topics.find(tenant, kept.number) == kept
