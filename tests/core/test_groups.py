import asyncio
from typing import Any

import msgspec
import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.groups import Visibility
from core.messages import Query
from core.model import EVERYBODY, Audience, Group, Member, Tenant, UserKey
from tests.core.support import START, text

Three = list[UserKey]


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> Three:
    return await core.users.keys(tenant, ["ada", "bob", "eve"])


async def seen(core: Core, tenant: Tenant, viewer: UserKey | None, group: int) -> list[int]:
    page = await core.messages.group_page(tenant, viewer, group, Query(1000, newest_first=False))
    return [one.sequence for one in page.messages]


async def send(core: Core, tenant: Tenant, sender: UserKey, group: int, count: int = 1) -> None:
    for _ in range(count):
        await core.messages.send_group(tenant, sender, [group], text(sender.id), f"request {next(_numbers)}")


_numbers = iter(range(1_000_000))


async def test_a_group_is_what_it_was_created_as(core: Core, tenant: Tenant, users: Three) -> None:
    ada, bob, _ = users
    group = await core.groups.create(
        tenant,
        name="Friends",
        owner=ada,
        members=[bob, ada, bob],
        dialect="plain",
        description="of Ada",
        public=True,
        maximum_members=200,
        attributes={"a": [1, {"b": None}]},
        leftovers={"approval": False},
    )
    assert group == Group(
        1,
        "Friends",
        "ada",
        START,
        START,
        "of Ada",
        True,
        200,
        {"a": [1, {"b": None}]},
        None,
        {"plain": {"approval": False}},
    )
    members = [Member("bob", bob.number, "member", START), Member("ada", ada.number, "owner", START)]
    assert await core.groups.detail(tenant, 1) == (group, members)


async def test_changes_at_once_are_all_kept(core: Core, tenant: Tenant, users: Three) -> None:
    number = (await core.groups.create(tenant, name="Friends", owner=users[0], members=users, dialect="plain")).number

    def with_one_more(group: Group) -> Group:
        return msgspec.structs.replace(
            group, attributes={**(group.attributes or {}), str(len(group.attributes or {})): 1}
        )

    await asyncio.gather(*(core.groups.update(tenant, number, change=with_one_more) for _ in range(5)))
    group = await core.groups.find(tenant, number)
    assert group is not None
    assert group.attributes == {"0": 1, "1": 1, "2": 1, "3": 1, "4": 1}


async def test_a_profile_has_a_bound(core: Core, tenant: Tenant, users: Three) -> None:
    group = await core.groups.create(tenant, name="Friends", owner=users[0], members=users, dialect="plain")
    many: dict[str, Any] = {"a": "x" * (1 << 16)}
    for act in (
        core.groups.create(tenant, name="Many", owner=users[0], members=users, dialect="plain", attributes=many),
        core.groups.update(tenant, group.number, attributes=many),
    ):
        with pytest.raises(Failure) as caught:
            await act
        assert (caught.value.kind, caught.value.reason) == (Kind.TOO_LARGE, "group")
    assert await core.groups.find(tenant, group.number) == group
    assert await core.groups.find(tenant, 1) == group


async def test_the_owner_is_a_member_only_if_listed(core: Core, tenant: Tenant, users: Three) -> None:
    group = await core.groups.create(tenant, name="", owner=users[0], members=[users[1]], dialect="plain")
    assert group.owner == "ada"
    detail = await core.groups.detail(tenant, group.number)
    assert detail is not None
    assert [member.id for member in detail[1]] == ["bob"]


async def test_a_chosen_id_is_one_group_s_in_one_dialect(core: Core, tenant: Tenant, users: Three) -> None:
    assert await core.groups.alias(tenant, "plain", "lobby") is None
    group = await core.groups.create(tenant, name="Lobby", owner=users[0], members=[], dialect="plain", alias="lobby")
    assert group.aliases == {"plain": "lobby"}
    assert await core.groups.alias(tenant, "plain", "lobby") == group.number
    assert await core.groups.place(tenant, "plain", "lobby") == group.number
    assert await core.groups.alias(tenant, "plain", "Lobby") is None
    assert await core.groups.alias(tenant, "other", "lobby") is None
    with pytest.raises(Failure) as caught:
        await core.groups.create(tenant, name="Mine", owner=users[1], members=users, dialect="plain", alias="lobby")
    assert (caught.value.kind, caught.value.reason, caught.value.subject) == (Kind.CONFLICT, "group", "lobby")
    assert await core.groups.detail(tenant, group.number) == (group, [])
    other = await core.groups.create(tenant, name="Other", owner=users[0], members=[], dialect="other", alias="lobby")
    assert other.number != group.number


@pytest.mark.parametrize("alias", ["", " x", "a\0b", "\ud800", "x" * 256])
async def test_a_chosen_id_that_cannot_be_held_is_refused(core: Core, tenant: Tenant, users: Three, alias: str) -> None:
    for act in (
        core.groups.place(tenant, "plain", alias),
        core.groups.create(tenant, name="", owner=users[0], members=[], dialect="plain", alias=alias),
    ):
        with pytest.raises(Failure) as caught:
            await act
        assert (caught.value.kind, caught.value.reason, caught.value.field) == (Kind.BAD_REQUEST, "name", "group")


async def test_what_is_sent_to_a_reserved_id_waits_for_its_group(core: Core, tenant: Tenant, users: Three) -> None:
    ada, bob, eve = users
    number = await core.groups.place(tenant, "plain", "later")
    await send(core, tenant, ada, number)
    await send(core, tenant, bob, number)
    assert await core.groups.find(tenant, number) is None
    # Each sees only the own; the list says so too.
    assert [await seen(core, tenant, user, number) for user in (ada, bob, eve, None)] == [[1], [2], [], [1, 2]]
    rows = await core.conversations.list(tenant, ada, 10)
    assert [(row.group, row.group_number, row.last and row.last.sequence) for row in rows] == [(None, number, 1)]
    assert await core.conversations.list(tenant, eve, 10) == []
    group = await core.groups.create(
        tenant, name="Later", owner=eve, members=[bob, eve], dialect="plain", alias="later"
    )
    assert group.number == number
    assert [await seen(core, tenant, user, number) for user in (ada, bob, eve)] == [[1], [1, 2], [1, 2]]
    for user, last in ((ada, 1), (bob, 2), (eve, 2)):
        rows = await core.conversations.list(tenant, user, 10)
        assert [(row.group, row.last and row.last.sequence) for row in rows] == [(group, last)]


async def test_a_newcomer_sees_what_was_asked_for(core: Core, clock: ManualClock, tenant: Tenant, users: Three) -> None:
    ada, *_ = users
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada], dialect="plain")).number
    await send(core, tenant, ada, group, 300)
    everything = list(range(1, 301))
    for sees, expected in (
        (Visibility.NOTHING, []),
        (Visibility.LATEST, everything[100:]),
        (Visibility.EVERYTHING, everything),
    ):
        newcomer = await core.users.key(tenant, f"newcomer {sees}")
        assert await core.groups.add(tenant, group, [newcomer], sees=sees) == [True]
        assert await seen(core, tenant, newcomer, group) == expected
        assert len(await core.conversations.list(tenant, newcomer, 10)) == bool(expected)
    clock.move(1)
    await send(core, tenant, ada, group)
    assert await seen(core, tenant, await core.users.key(tenant, "newcomer 0"), group) == [301]


async def test_who_leaves_keeps_what_it_saw(core: Core, clock: ManualClock, tenant: Tenant, users: Three) -> None:
    ada, bob, eve = users
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada, bob], dialect="plain")).number
    await send(core, tenant, ada, group, 2)
    assert await core.groups.remove(tenant, group, [bob, eve, bob]) == [True, False, False]
    clock.move(10)
    await send(core, tenant, ada, group, 2)
    assert await seen(core, tenant, bob, group) == [1, 2]
    row = await core.conversations.group(tenant, bob, group)
    assert row is not None
    assert row.time == START + 1
    # What one sends from outside is not shown to oneself: a former member's view ended.
    await send(core, tenant, bob, group)
    assert await seen(core, tenant, bob, group) == [1, 2]
    assert await core.groups.add(tenant, group, [bob, ada, bob]) == [True, False, False]
    await send(core, tenant, ada, group)
    assert await seen(core, tenant, bob, group) == [1, 2, 6]
    detail = await core.groups.detail(tenant, group)
    assert detail is not None
    assert [(member.id, member.joined) for member in detail[1]] == [("ada", START), ("bob", START + 10)]
    assert await seen(core, tenant, ada, group) == [1, 2, 3, 4, 5, 6]


async def test_who_came_and_went_between_two_messages_saw_none(core: Core, tenant: Tenant, users: Three) -> None:
    ada, bob, _ = users
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada], dialect="plain")).number
    for _ in range(2):
        await core.groups.add(tenant, group, [bob])
        await core.groups.remove(tenant, group, [bob])
        await send(core, tenant, ada, group)
    page = await core.messages.group_page(tenant, bob, group, Query(10))
    assert (page.messages, page.member) == ([], True)
    assert await core.conversations.list(tenant, bob, 10) == []
    assert await core.conversations.group(tenant, bob, group) is None


@pytest.mark.parametrize("topic", [False, True])
async def test_a_guest_reads_what_is_for_everybody(core: Core, tenant: Tenant, users: Three, topic: bool) -> None:
    ada, bob, eve = users
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada, bob], dialect="plain")).number
    label = (await core.topics.create(tenant, group, creator=ada, dialect="plain"))[0].number if topic else 0

    async def say(sender: UserKey, audience: Audience = EVERYBODY) -> int:
        message = msgspec.structs.replace(text(sender.id), topic=label or None)
        (receipt,) = await core.messages.send_group(
            tenant, sender, [group], message, f"request {next(_numbers)}", audience
        )
        return receipt.id

    said = [await say(ada), await say(eve), await say(bob), await say(ada, Audience(to=(bob,)))]
    said.append(await say(bob, Audience(to=(eve,))))

    async def read(viewer: UserKey, **more: Any) -> list[int]:
        query = Query(10, newest_first=False, topic=label, **more)
        page = await core.messages.group_page(tenant, viewer, group, query)
        assert page.member is (viewer is not eve)
        return [said.index(one.id) for one in page.messages]

    assert await read(eve) == [1]
    assert await read(eve, guest=True) == [0, 1, 2, 4]
    assert await read(eve, guest=True, progress=True) == [0, 1, 2, 4]
    assert await read(bob, guest=True) == await read(bob) == [0, 1, 2, 3, 4]
    # What is hidden stays hidden, and who was a member sees what there was for a member.
    await core.messages.hide(tenant, eve, [said[1]])
    assert await read(eve, guest=True) == [0, 2, 4]
    await core.groups.remove(tenant, group, [bob])
    said.append(await say(ada))
    assert await read(bob, guest=True) == [0, 1, 2, 3, 4]


async def test_nobody_is_a_guest_of_two_others(core: Core, tenant: Tenant, users: Three) -> None:
    ada, bob, eve = users
    await core.messages.send_direct(tenant, ada, [bob], text("ada"), "request")
    page = await core.messages.direct_page(tenant, "ada", "bob", Query(10, guest=True), eve)
    assert page.messages == []


async def test_a_profile_changes_field_by_field(core: Core, clock: ManualClock, tenant: Tenant, users: Three) -> None:
    group = await core.groups.create(
        tenant, name="old", owner=users[0], members=users, dialect="plain", alias="chosen", description="kept"
    )
    clock.move(5)
    changed = await core.groups.update(tenant, group.number, name="new", attributes={"a": 1})
    assert changed == Group(
        group.number, "new", "ada", START, START + 5, "kept", attributes={"a": 1}, aliases={"plain": "chosen"}
    )
    assert await core.groups.find(tenant, group.number) == changed
    detail = await core.groups.detail(tenant, group.number)
    assert detail is not None
    assert len(detail[1]) == 3


async def test_an_unknown_group_is_not_found(core: Core, tenant: Tenant, users: Three) -> None:
    reserved = await core.groups.place(tenant, "plain", "reserved")
    await send(core, tenant, users[0], reserved)
    for number in (reserved, 4_711):
        assert await core.groups.find(tenant, number) is None
        assert await core.groups.detail(tenant, number) is None
        for act in (
            core.groups.update(tenant, number, name="x"),
            core.groups.add(tenant, number, users),
            core.groups.remove(tenant, number, users),
        ):
            with pytest.raises(Failure) as caught:
                await act
            assert (caught.value.kind, caught.value.reason) == (Kind.NOT_FOUND, "group")
            assert caught.value.subject == str(number)
    assert await core.conversations.group(tenant, users[0], 4_711) is None
    page = await core.messages.group_page(tenant, users[0], 4_711, Query(10))
    assert (page.messages, page.cursor, page.member) == ([], 0, False)


async def test_what_is_repeated_with_its_reference_answers_as_at_first(
    core: Core, tenant: Tenant, users: Three
) -> None:
    ada, bob, eve = users

    async def create(reference: str) -> Group:
        return await core.groups.create(
            tenant, name="g", owner=ada, members=[ada], dialect="d", alias="group-r", reference=reference
        )

    group = await create("request:1")
    assert await create("request:1") == group
    with pytest.raises(Failure):
        await create("request:2")
    for _ in range(2):
        assert await core.groups.add(tenant, group.number, [ada, bob], reference="request:3") == [False, True]
    assert await core.groups.add(tenant, group.number, [eve], reference="request:3") == [True]
    for _ in range(2):
        assert await core.groups.remove(tenant, group.number, [bob, bob], reference="request:4") == [True, False]
    assert await core.groups.remove(tenant, group.number, [bob], reference="request:5") == [False]
