"""Notices of changes, and what is said of them to whoever listens."""

from collections.abc import Sequence

from core.core import Core
from core.live import Announced
from core.membership import Notice
from core.messages import Query
from core.model import Event, Group, Message, MessageKind, Tenant, UserKey
from tests.core.groups.support import seen, send
from tests.core.listening import next_message

Users = list[UserKey]


class Notices:
    """Makes one notice of each user, and one of a change of none."""

    def __init__(self, sender: UserKey, word: str) -> None:
        self.sender = sender
        self.word = word

    def __call__(self, users: Sequence[UserKey]) -> list[Notice]:
        return [self.notice(user.id) for user in users] or [self.notice("")]

    def notice(self, about: str) -> Notice:
        return Notice(self.sender, Message(self.sender.id, Event(self.word, {"user": about}), "plain"))


async def said(core: Core, tenant: Tenant, group: int) -> list[tuple[str, str]]:
    page = await core.messages.group_page(tenant, None, group, Query(100, newest_first=False))
    found = []
    for one in page.messages:
        assert isinstance(one.message.content, Event)
        assert one.kind == MessageKind.EVENT
        found.append((one.message.content.name, (one.message.content.parameters or {})["user"]))
    return found


async def test_changes_are_said_once(core: Core, tenant: Tenant, users: Users) -> None:
    ada, bob, eve, zoe = users
    system = await core.users.key(tenant, "system")
    for _ in range(2):
        group = await core.groups.create(
            tenant,
            name="old",
            owner=ada,
            members=[ada, bob],
            dialect="plain",
            alias="lobby",
            reference="client:1",
            announce=Notices(system, "created"),
        )
    number = group.number
    assert await said(core, tenant, number) == [("created", "ada"), ("created", "bob")]
    for _ in range(2):
        await core.groups.add(tenant, number, [bob, zoe, eve], reference="client:2", announce=Notices(system, "joined"))
    await core.groups.add(tenant, number, [bob], announce=Notices(system, "joined"))
    await core.groups.remove(tenant, number, [eve, eve], reference="client:3", announce=Notices(system, "left"))
    for _ in range(2):
        await core.groups.update(tenant, number, name="new", reference="client:4", announce=Notices(system, "renamed"))
    await core.groups.transfer(tenant, number, bob, announce=Notices(system, "given"))
    assert (await said(core, tenant, number))[2:] == [
        ("joined", "zoë"),
        ("joined", "eve"),
        ("left", "eve"),
        ("renamed", ""),
        ("given", ""),
    ]
    # Who joins sees it said, who left doesn't; and nobody has it unread.
    assert await seen(core, tenant, zoe, number) == [3, 4, 5, 6, 7]
    assert await seen(core, tenant, eve, number) == [3, 4]
    row = await core.conversations.group(tenant, zoe, number)
    assert row is not None
    assert (row.unread, row.last and row.last.sequence) == (0, 7)


async def test_a_disabled_group_changes_without_a_word(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    announce = Notices(users[0], "changed")
    changed = await core.groups.update(tenant, group.number, disabled=True, announce=announce)
    assert changed.disabled
    assert await core.groups.add(tenant, group.number, [users[3]], announce=announce) == [True]
    assert await said(core, tenant, group.number) == []
    await core.groups.update(tenant, group.number, disabled=False, announce=announce)
    assert await said(core, tenant, group.number) == [("changed", "")]


async def test_who_listens_hears_of_changes(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    ada, bob, _, zoe = users
    receipt = await send(core, tenant, ada, group.number)
    number = group.number
    async with core.live.listen(tenant, groups=[number]) as listener:
        for what, act in (
            ("members", core.groups.add(tenant, number, [zoe])),
            ("members", core.groups.remove(tenant, number, [zoe])),
            ("members", core.members.make_admin(tenant, number, bob)),
            ("members", core.members.mute(tenant, number, [bob], -1)),
            ("members", core.members.unmute(tenant, number, [bob])),
            ("members", core.members.block(tenant, number, [bob])),
            ("group", core.groups.update(tenant, number, name="new")),
            ("group", core.attributes.set(tenant, number, ada, {"a": "b"})),
            ("group", core.groups.delete(tenant, number)),
        ):
            await act
            event = await next_message(listener)
            assert event == Announced(what, receipt.conversation, 1, core.clock.now(), f"g{number}")
        # What changed nothing is not said.
        other = await core.groups.create(tenant, name="", owner=ada, members=[ada], dialect="plain")
        await listener.add(groups=[other.number])
        await core.groups.add(tenant, other.number, [ada])
        await core.groups.remove(tenant, other.number, [zoe])
        await send(core, tenant, ada, other.number)
        assert (await next_message(listener)).what == "message"


async def events(core: Core, tenant: Tenant, group: int) -> list[Event]:
    page = await core.messages.group_page(tenant, None, group, Query(200, newest_first=False))
    found = []
    for one in page.messages:
        assert isinstance(one.message.content, Event)
        assert (one.message.sender, one.message.sender_name, one.message.dialect) == ("system", "System", "plain")
        found.append(one.message.content)
    return found


async def test_the_events_of_a_groups_life(core: Core, tenant: Tenant, users: Users) -> None:
    ada, bob, eve, zoe = users
    notices = core.notices
    await core.users.register(tenant, "bob", display_name="Bob Bee")
    announce = await notices.created(tenant, "plain", "G", "ada", ["ada", "bob"])
    group = await core.groups.create(
        tenant, name="G", owner=ada, members=[ada, bob], dialect="plain", announce=announce
    )
    number = group.number
    announce = await notices.joined(tenant, "plain", "G", [zoe.id, eve.id], "ada")
    await core.groups.add(tenant, number, [zoe, bob, eve], announce=announce)
    await core.groups.remove(tenant, number, [zoe], announce=await notices.left(tenant, "plain", "G", zoe.id))
    await core.groups.remove(tenant, number, [eve], announce=await notices.left(tenant, "plain", "G"))
    announce = await notices.said(tenant, "plain", "group_renamed", "now H", "ada", group="H")
    await core.groups.update(tenant, number, name="H", announce=announce)
    about = {"group": "G", "by": "ada"}
    assert await events(core, tenant, number) == [
        Event("group_created", about, "Group created"),
        Event("member_joined", {**about, "created": True, "member": "ada"}, "ada joined"),
        Event("member_joined", {**about, "created": True, "member": "bob", "name": "Bob Bee"}, "Bob Bee joined"),
        Event("member_joined", {**about, "member": zoe.id}, f"{zoe.id} joined"),
        Event("member_joined", {**about, "member": "eve"}, "eve joined"),
        Event("member_left", {"group": "G", "by": zoe.id, "member": zoe.id}, f"{zoe.id} left"),
        Event("member_left", {"group": "G", "member": "eve"}, "eve was removed"),
        Event("group_renamed", {"group": "H", "by": "ada"}, "now H"),
    ]


async def test_long_names_are_cut(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    await core.users.register(tenant, "zoe", display_name="Z" * 5_000)
    announce = await core.notices.joined(tenant, "plain", "G" * 5_000, ["zoe"], "ada")
    await core.groups.add(tenant, group.number, await core.users.keys(tenant, ["zoe"]), announce=announce)
    about = {"group": "G" * 1_024, "by": "ada", "member": "zoe", "name": "Z" * 1_024}
    assert await events(core, tenant, group.number) == [Event("member_joined", about, "Z" * 1_024)]


async def test_a_crowd_is_said_in_one(core: Core, tenant: Tenant, users: Users) -> None:
    ada = users[0]
    names = [f"user{number}" for number in range(33)]
    crowd = await core.users.keys(tenant, names)
    announce = await core.notices.created(tenant, "plain", "G", "ada", names)
    group = await core.groups.create(tenant, name="G", owner=ada, members=crowd, dialect="plain", announce=announce)
    announce = await core.notices.left(tenant, "plain", "G", "ada")
    await core.groups.remove(tenant, group.number, crowd, announce=announce)
    announce = await core.notices.joined(tenant, "plain", "G", names)
    await core.groups.add(tenant, group.number, crowd, announce=announce)
    assert await events(core, tenant, group.number) == [
        Event("group_created", {"group": "G", "by": "ada"}, "Group created"),
        Event("members_joined", {"group": "G", "by": "ada", "created": True, "members": 33}, "33 members joined"),
        Event("members_left", {"group": "G", "by": "ada", "members": 33}, "33 members left"),
        Event("members_joined", {"group": "G", "members": 33}, "33 members joined"),
    ]


async def test_a_change_of_the_people_is_said_once(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    announce = await core.notices.left(tenant, "plain", "G", "ada")
    done = await core.members.block(tenant, group.number, [users[1]], reference="client:1")
    assert done == [True]
    for _ in range(2):
        await core.groups.say(tenant, group.number, announce, [users[1]], "client:1")
    await core.groups.say(tenant, group.number, None, [users[1]], "client:2")
    (event,) = await events(core, tenant, group.number)
    assert event.parameters == {"group": "G", "by": "ada", "member": "bob"}
