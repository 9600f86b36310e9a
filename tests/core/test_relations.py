"""Contacts, requests and blocks: what decides and the lists that follow it."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.membership import Check
from core.messages import Query
from core.model import Related, Relation, Relationship, RelationState, Tenant, UserKey
from core.store import relations
from core.store.relations import Act
from tests.core.store.rows import stands_in, values_of_tenant
from tests.core.support import START, opened, text
from tests.servers import Engine

EVERY_STATE = tuple(RelationState)
PRESENT, REQUESTED, RECEIVED, ENDED = RelationState
Two = list[UserKey]


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> Two:
    return await core.users.keys(tenant, ["ada", "bob", "cy"])


async def rows(
    core: Core, tenant: Tenant, user: UserKey, relation: Relation, states: Sequence[RelationState] = EVERY_STATE
) -> list[Related]:
    found, after = await core.relations.page(tenant, user, relation, 1_000, states=states)
    assert after == 0
    return found


async def states(core: Core, tenant: Tenant, user: UserKey, relation: Relation = Relation.CONTACT) -> dict[str, str]:
    return {row.user.id: row.state.name.lower() for row in await rows(core, tenant, user, relation)}


async def send(core: Core, tenant: Tenant, sender: UserKey, *others: UserKey, check: Check = Check.USER) -> str | None:
    """Whose block holds it up."""
    core_clock = core.clock
    assert isinstance(core_clock, ManualClock)
    core_clock.move(1)
    try:
        await core.messages.send_direct(
            tenant, sender, others, text(sender.id), f"request:{sender.id}:{core_clock.now()}", check=check
        )
    except Failure as failure:
        if (failure.kind, failure.reason) != (Kind.FORBIDDEN, "blocked"):
            raise
        return failure.subject
    return None


async def test_mutual_contacts_stand_in_both_lists(core: Core, tenant: Tenant, users: Two, clock: ManualClock) -> None:
    ada, bob, cy = users
    await core.relations.add(tenant, bob, [ada, cy])
    assert await rows(core, tenant, bob, Relation.CONTACT) == [
        Related(one, PRESENT, START, START) for one in sorted((ada, cy), key=lambda one: one.number)
    ]
    for one in (ada, cy):
        assert await rows(core, tenant, one, Relation.CONTACT) == [Related(bob, PRESENT, START, START)]
    clock.move(5)
    # Once more is nothing new.
    await core.relations.add(tenant, ada, [bob])
    await core.relations.add(tenant, ada, [bob], mutual=False)
    assert await rows(core, tenant, ada, Relation.CONTACT) == [Related(bob, PRESENT, START, START)]
    await core.relations.remove(tenant, cy, [bob], mutual=False)
    assert await rows(core, tenant, cy, Relation.CONTACT) == [Related(bob, ENDED, START, START + 5)]
    assert await states(core, tenant, bob) == {"ada": "present", "cy": "present"}
    await core.relations.remove(tenant, cy, [bob])
    assert await states(core, tenant, bob) == {"ada": "present", "cy": "ended"}
    clock.move(5)
    await core.relations.add(tenant, cy, [bob], mutual=False)
    assert await rows(core, tenant, cy, Relation.CONTACT) == [Related(bob, PRESENT, START + 10, START + 10)]
    assert await states(core, tenant, bob) == {"ada": "present", "cy": "ended"}
    # A conversation in which nothing was said is in nobody's list.
    for one in users:
        assert await core.conversations.list(tenant, one, 10) == []
    assert (await core.messages.direct_page(tenant, "ada", "bob", Query(10), ada)).messages == []


async def test_a_contact_of_one_alone(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob, _ = users
    await core.relations.add(tenant, ada, [bob], mutual=False)
    assert (await states(core, tenant, ada), await states(core, tenant, bob)) == ({"bob": "present"}, {})
    # Who is listed already needs not be asked.
    await core.relations.request(tenant, bob, ada)
    assert (await states(core, tenant, ada), await states(core, tenant, bob)) == (
        {"bob": "present"},
        {"ada": "present"},
    )


async def test_requests_are_accepted_and_declined(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob, cy = users
    for other in (ada, cy):
        await core.relations.request(tenant, bob, other)
        await core.relations.request(tenant, bob, other)
    assert await states(core, tenant, bob) == {"ada": "requested", "cy": "requested"}
    assert await states(core, tenant, ada) == {"bob": "received"}
    # Nobody accepts for the other.
    assert not await core.relations.accept(tenant, bob, ada)
    assert not await core.relations.decline(tenant, bob, ada)
    assert not await core.relations.accept(tenant, ada, cy)
    assert await rows(core, tenant, ada, Relation.CONTACT, [PRESENT]) == []
    assert await core.relations.accept(tenant, ada, bob)
    assert await core.relations.accept(tenant, ada, bob)
    assert await core.relations.decline(tenant, cy, bob)
    assert not await core.relations.decline(tenant, cy, bob)
    assert await states(core, tenant, bob) == {"ada": "present", "cy": "ended"}
    assert (await states(core, tenant, ada), await states(core, tenant, cy)) == ({"bob": "present"}, {"bob": "ended"})
    assert not await core.relations.decline(tenant, ada, bob)
    # Both asked.
    await core.relations.request(tenant, ada, cy)
    await core.relations.request(tenant, cy, ada)
    assert (await states(core, tenant, cy))["ada"] == "present"
    # Taken back.
    await core.relations.request(tenant, cy, bob)
    await core.relations.remove(tenant, cy, [bob], mutual=False)
    assert not await core.relations.accept(tenant, bob, cy)
    assert (await states(core, tenant, bob))["cy"] == "ended"


async def test_a_remark_is_the_users_own(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob, cy = users
    assert not await core.relations.remark(tenant, ada, bob, "nobody yet")
    await core.relations.add(tenant, ada, [bob])
    assert await core.relations.remark(tenant, ada, bob, "Bob 名前")
    await core.relations.add(tenant, ada, [bob, cy])
    found = {row.user.id: row.remark for row in await rows(core, tenant, ada, Relation.CONTACT)}
    assert found == {"bob": "Bob 名前", "cy": None}
    assert [row.remark for row in await rows(core, tenant, bob, Relation.CONTACT)] == [None]
    assert await core.relations.remark(tenant, ada, bob, None)
    assert [row.remark for row in await rows(core, tenant, ada, Relation.CONTACT)] == [None, None]
    await core.relations.remark(tenant, ada, bob, "gone with the contact")
    await core.relations.remove(tenant, ada, [bob])
    await core.relations.add(tenant, ada, [bob])
    assert {row.remark for row in await rows(core, tenant, ada, Relation.CONTACT)} == {None}
    with pytest.raises(Failure) as caught:
        await core.relations.remark(tenant, ada, bob, "名" * 400)
    assert caught.value.kind is Kind.TOO_LARGE


async def test_who_is_blocked_sends_nothing(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob, cy = users
    assert await send(core, tenant, ada, bob) is None
    await core.relations.block(tenant, bob, [ada, cy])
    assert await states(core, tenant, bob, Relation.BLOCK) == {"ada": "present", "cy": "present"}
    for one in (ada, cy):
        assert await states(core, tenant, one, Relation.BLOCKED_BY) == {"bob": "present"}
        assert await states(core, tenant, one, Relation.BLOCK) == {}
        # Those who never talked, too.
        assert await send(core, tenant, one, bob) == "bob"
        assert await send(core, tenant, one, bob, check=Check.MEMBER) == "bob"
        # The app's server sends whatever it likes, and who blocks may write.
        assert await send(core, tenant, one, bob, check=Check.NONE) is None
        assert await send(core, tenant, bob, one) is None
        # But not where nobody writes to whom he has blocked.
        assert await send(core, tenant, bob, one, check=Check.EITHER) == one.id
        assert await send(core, tenant, one, bob, check=Check.EITHER) == "bob"
    assert await send(core, tenant, ada, cy) is None
    assert await send(core, tenant, ada, cy, check=Check.EITHER) is None
    # The others of many get it.
    before = len((await core.messages.direct_page(tenant, "ada", "cy", Query(10))).messages)
    assert await send(core, tenant, ada, bob, cy) == "bob"
    assert len((await core.messages.direct_page(tenant, "ada", "cy", Query(10))).messages) == before + 1
    await core.relations.block(tenant, ada, [bob])
    assert (await send(core, tenant, ada, bob), await send(core, tenant, bob, ada)) == ("bob", "ada")
    await core.relations.unblock(tenant, bob, [ada, cy])
    assert (await send(core, tenant, ada, bob), await send(core, tenant, bob, ada)) == (None, "ada")
    assert await states(core, tenant, bob, Relation.BLOCK) == {"ada": "ended", "cy": "ended"}
    assert await states(core, tenant, cy, Relation.BLOCKED_BY) == {"bob": "ended"}
    assert await send(core, tenant, cy, bob) is None


async def test_what_was_sent_before_the_block_is_given_again(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob, _ = users
    sent = await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1", check=Check.USER)
    await core.relations.block(tenant, bob, [ada])
    again = await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1", check=Check.USER)
    assert (again[0].id, again[0].repeated) == (sent[0].id, True)


async def test_contacts_and_blocks_leave_each_other_alone(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob, cy = users
    await core.relations.add(tenant, ada, [bob])
    await core.relations.block(tenant, ada, [bob])
    await core.relations.request(tenant, cy, ada)
    contact, block = Related(bob, PRESENT, START, START), Related(bob, PRESENT, START, START)
    asked = Related(cy, RECEIVED, START, START)
    nobody = await core.users.key(tenant, "nobody")
    looked = await core.relations.look(tenant, ada, [cy, nobody, bob])
    assert looked == [Relationship(asked), Relationship(), Relationship(contact, block)]
    assert (looked[2].blocks, looked[2].is_blocked) == (True, False)
    ((back,),) = [await core.relations.look(tenant, bob, [ada])]
    assert (back.contact is not None, back.blocks, back.is_blocked) == (True, False, True)
    await core.relations.remove(tenant, bob, [ada])
    assert await send(core, tenant, bob, ada) == "ada"
    await core.relations.unblock(tenant, ada, [bob])
    assert not (await core.relations.look(tenant, bob, [ada]))[0].is_blocked
    assert await core.relations.look(tenant, ada, []) == []


async def test_nobody_has_a_relation_with_himself(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob, _ = users
    for act in (core.relations.add(tenant, ada, [bob, ada]), core.relations.block(tenant, ada, [ada])):
        with pytest.raises(Failure) as caught:
            await act
        assert (caught.value.kind, caught.value.reason, caught.value.subject) == (Kind.BAD_REQUEST, "user", "ada")
    assert await states(core, tenant, ada) == {}


async def test_lists_are_paged_and_their_changes_followed(
    core: Core, tenant: Tenant, users: Two, clock: ManualClock
) -> None:
    ada = users[0]
    others = await core.users.keys(tenant, [f"user {number}" for number in range(60)])
    for start in range(0, 60, 3):
        await core.relations.block(tenant, ada, others[start : start + 3])
        clock.move(10)
    found, after, pages = [], 0, 0
    while pages == 0 or after:
        page, after = await core.relations.page(tenant, ada, Relation.BLOCK, 7, after)
        found += page
        pages += 1
        assert len(page) == 9 or not after  # rows of equal time stay on one page
    assert [row.user.id for row in found] == [other.id for other in others]
    assert pages == 7
    # What changed since: an end is a change, too.
    since = clock.now()
    clock.move(1)
    await core.relations.unblock(tenant, ada, [others[30], others[4]])
    await core.relations.block(tenant, ada, [others[5]])  # as it was
    clock.move(1)
    await core.relations.unblock(tenant, ada, [others[31]])
    await core.relations.block(tenant, ada, [others[31]])
    changes, after = await core.relations.page(tenant, ada, Relation.BLOCK, 10, since, states=EVERY_STATE)
    assert after == 0
    assert [(row.user.id, row.state, row.changed - since) for row in changes] == [
        ("user 4", ENDED, 1),
        ("user 30", ENDED, 1),
        ("user 31", PRESENT, 3),  # times of changes of one row differ
    ]
    one, after = await core.relations.page(tenant, ada, Relation.BLOCK, 1, since, states=EVERY_STATE)
    assert ([row.user.id for row in one], after) == (["user 4", "user 30"], since + 1)
    (back,), after = await core.relations.page(tenant, others[30], Relation.BLOCKED_BY, 10, since, states=EVERY_STATE)
    assert (back.user, back.state, after) == (ada, ENDED, 0)


async def test_of_what_has_ended_the_newest_is_kept(
    core: Core, tenant: Tenant, users: Two, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relations, "ENDED_KEPT", 3)
    ada = users[0]
    others = await core.users.keys(tenant, [f"user {number}" for number in range(8)])
    await core.relations.block(tenant, ada, others)
    for other in others[:6]:
        clock.move(1)
        await core.relations.unblock(tenant, ada, [other])
    assert list(await states(core, tenant, ada, Relation.BLOCK)) == ["user 6", "user 7", "user 3", "user 4", "user 5"]
    # It is not begun anew by unblocking once more.
    await core.relations.unblock(tenant, ada, [others[0]])
    assert len(await states(core, tenant, ada, Relation.BLOCK)) == 5
    clock.move(1)
    await core.relations.block(tenant, ada, [others[0]])
    assert (await states(core, tenant, ada, Relation.BLOCK))["user 0"] == "present"
    assert await send(core, tenant, others[0], ada) == "ada"


async def test_repeating_completes_what_a_crash_left_out(
    core: Core, tenant: Tenant, users: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob, cy = users

    async def die(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(core.relations._store, "_list", die)
        for act in (core.relations.block(tenant, ada, [bob]), core.relations.add(tenant, ada, [cy])):
            with pytest.raises(ConnectionError):
                await act
    # What decides holds already.
    assert await send(core, tenant, bob, ada) == "ada"
    assert await states(core, tenant, ada, Relation.BLOCK) == await states(core, tenant, cy) == {}
    await core.relations.block(tenant, ada, [bob])
    await core.relations.add(tenant, ada, [cy])
    assert await states(core, tenant, ada, Relation.BLOCK) == {"bob": "present"}
    assert await states(core, tenant, bob, Relation.BLOCKED_BY) == {"ada": "present"}
    assert await states(core, tenant, cy) == {"ada": "present"}


async def test_a_list_that_is_written_late_does_not_go_back(
    engine: Engine, core: Core, tenant: Tenant, users: Two, clock: ManualClock
) -> None:
    ada, bob, _ = users
    work = relations._relate_work(ada, bob, Act.BLOCK, clock.now())
    (late,) = await core.store.calls(tenant, [work])
    async with opened(engine.url, clock) as other:
        await other.relations.unblock(tenant, ada, [bob])
    await core.relations._store._list(tenant, ada, [bob], [late], True)
    assert await states(core, tenant, ada, Relation.BLOCK) in ({}, {"bob": "ended"})
    assert await send(core, tenant, bob, ada) is None


async def something(core: Core, tenant: Tenant, rng: random.Random, user: UserKey, other: UserKey) -> None:
    mutual, relations = rng.random() < 0.5, core.relations
    match rng.randrange(7):
        case 0:
            await relations.add(tenant, user, [other], mutual=mutual)
        case 1:
            await relations.remove(tenant, user, [other], mutual=mutual)
        case 2:
            await relations.request(tenant, user, other)
        case 3:
            await relations.accept(tenant, user, other)
        case 4:
            await relations.decline(tenant, user, other)
        case 5:
            await relations.block(tenant, user, [other])
        case _:
            await relations.unblock(tenant, user, [other])


async def test_lists_agree_with_what_decides_whatever_happens_at_once(
    engine: Engine, core: Core, tenant: Tenant, clock: ManualClock
) -> None:
    """Two workers, one of whose clocks is behind."""
    rng = random.Random(7)  # noqa: S311
    users = await core.users.keys(tenant, ["ada", "Bob", "cy"])
    async with opened(engine.url, ManualClock(clock.now() - 5_000)) as slow:
        for _ in range(60):
            acts = [something(rng.choice((core, slow)), tenant, rng, *rng.sample(users, 2)) for _ in range(4)]
            await asyncio.gather(*acts)
            await check_lists(core, tenant, users)


async def check_lists(core: Core, tenant: Tenant, users: Two) -> None:
    opposite = {PRESENT: {PRESENT, ENDED}, REQUESTED: {RECEIVED}, RECEIVED: {REQUESTED}, ENDED: {PRESENT, ENDED}}
    for user in users:
        for other in users:
            if user == other:
                continue
            ((mine,), (theirs,)) = [
                await core.relations.look(tenant, *pair) for pair in ((user, [other]), (other, [user]))
            ]
            assert mine.blocks == theirs.is_blocked == (await send(core, tenant, other, user) is not None)
            if mine.contact is not None and theirs.contact is not None:
                assert theirs.contact.state in opposite[mine.contact.state]
        for relation in Relation:
            by_state = [await rows(core, tenant, user, relation, [state]) for state in RelationState]
            together = await rows(core, tenant, user, relation)
            assert sorted((row for some in by_state for row in some), key=lambda row: row.user.number) == sorted(
                together, key=lambda row: row.user.number
            )
            looked = await core.relations.look(tenant, user, [row.user for row in together])
            name = {Relation.CONTACT: "contact", Relation.BLOCK: "block", Relation.BLOCKED_BY: "blocked_by"}[relation]
            assert [getattr(one, name) for one in looked] == together


async def test_what_is_written_while_a_user_is_forgotten_goes_too(
    engine: Engine, core: Core, tenant: Tenant, users: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob, cy = users
    count = core.tenants.count_erasure

    async def late(name: str) -> Tenant:
        await core.relations.add(tenant, ada, [bob])
        await core.relations.block(tenant, cy, [ada])
        await core.presence.set(tenant, ada, "phone", 1_000)
        return await count(name)

    with monkeypatch.context() as patch:
        patch.setattr(core.tenants, "count_erasure", late)
        assert await core.erase.user(tenant, "ada")
    for _ in range(1_000):
        if not await core.erase.round():
            break
    for key, value in values_of_tenant(engine, tenant.number).items():
        assert not key.endswith(b":%d" % ada.number), key
        if b":c:" not in key:  # of which two it was
            assert not stands_in(ada.number, value), key
