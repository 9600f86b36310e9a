"""The walk's steps with roles, mutes, blocks, attributes, lists of groups and their end."""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from core.core import Core
from core.errors import Kind
from core.groups import Check
from core.membership import Attribute, Counted, GroupPage, Listed
from core.model import EVERYBODY, Group, Receipt, Tenant, UserKey
from tests.core.model.group_steps import GroupSteps
from tests.core.model.plain_conversation import PlainConversation
from tests.core.model.plain_people import listed
from tests.core.model.sending_steps import SendingSteps

ATTRIBUTES = ["topic", "colour", "名前"]
PAGES = 100
Page = Callable[[Core, Tenant, str], Awaitable[GroupPage]]


class ModerationSteps(GroupSteps, SendingSteps):
    """Who is what in a group, and what follows from it."""

    def created_group(self) -> PlainConversation | None:
        groups = [one for one in self.space.groups() if one.group is not None]
        return self.rng.choice(groups) if groups else None

    def is_member(self, target: PlainConversation, user: UserKey) -> bool:
        member = target.members.get(user.number)
        return member is not None and member.until is None

    async def change_role(self) -> None:
        target = self.created_group()
        if target is None:
            return
        user, up = await self.viewer(target), self.rng.random() < 0.6
        number, people = target.group_number or 0, target.people
        if not up and people.admins and self.rng.random() < 0.8:
            user = self.rng.choice(list(people.admins.values())).user

        async def act(core: Core, tenant: Tenant) -> bool | None:
            if up:
                return await core.members.make_admin(tenant, number, user)
            await core.members.unmake_admin(tenant, number, user)
            return None

        if not self.is_member(target, user):
            await self.fails(Kind.NOT_FOUND, "member", act)
        elif user == target.owner:
            await self.fails(Kind.FORBIDDEN, "owner", act)
        elif not up and user.number not in people.admins:
            await self.fails(Kind.NOT_FOUND, "admin", act)
        else:
            was = user.number in people.admins
            assert await self.ask(act) == (not was if up else None)
            if up:
                people.admins.setdefault(user.number, Listed(user, self.clock.now()))
            else:
                del people.admins[user.number]
            target.members[user.number].role = "admin" if up else "member"
            self.note("made an admin", up and not was)
            self.note("made no admin", not up)
        await self.compare_people(target)
        await self.compare_group(target)

    async def transfer(self) -> None:
        target = self.created_group()
        if target is None or target.group is None:
            return
        user, number, now = await self.viewer(target), target.group_number or 0, self.clock.now()

        async def act(core: Core, tenant: Tenant) -> Group:
            return await core.groups.transfer(tenant, number, user)

        if not self.is_member(target, user):
            await self.fails(Kind.NOT_FOUND, "member", act)
        elif user == target.owner:
            await self.fails(Kind.FORBIDDEN, "owner", act)
        else:
            if target.owner is not None and target.owner.number in target.members:
                target.members[target.owner.number].role = "member"
            target.members[user.number].role, target.owner = "owner", user
            target.people.admins.pop(user.number, None)
            target.group = msgspec.structs.replace(target.group, owner=user.id, modified=now)
            assert await self.ask(act) == target.group
            self.note("transferred")
        await self.compare_group(target)
        await self.compare_people(target)

    async def moderate(self) -> None:
        """Mute, allow, block some, or take that back."""
        target = self.created_group()
        if target is None:
            return
        await self.rng.choice((self.mute, self.allow, self.block, self.take_back, self.mute_all))(target)
        await self.compare_people(target)

    async def mute(self, target: PlainConversation) -> None:
        number, now = target.group_number or 0, self.clock.now()
        users = [await self.viewer(target, of_any_kind=False) for _ in range(self.rng.choice((1, 1, 3)))]
        until = self.rng.choice((-1, now + 1, now + 60_000, now + 90_000_000))

        async def act(core: Core, tenant: Tenant) -> None:
            await core.members.mute(tenant, number, users, until)

        if not all(self.is_member(target, user) for user in users):
            await self.fails(Kind.NOT_FOUND, "member", act)
            return
        await self.ask(act)
        target.people.muted |= {user.number: Listed(user, until) for user in users}
        self.note("muted")

    async def allow(self, target: PlainConversation) -> None:
        number, now = target.group_number or 0, self.clock.now()
        users = [await self.viewer(target) for _ in range(2)]
        done = await self.ask(lambda core, tenant: core.members.allow(tenant, number, users))
        assert done == [self.is_member(target, user) for user in users]
        members = [user for user in users if self.is_member(target, user)]
        target.people.allowed |= {user.number: Listed(user, now) for user in members}

    async def block(self, target: PlainConversation) -> None:
        number, now = target.group_number or 0, self.clock.now()
        users = [await self.viewer(target, of_any_kind=False) for _ in range(self.rng.choice((1, 1, 2)))]

        async def act(core: Core, tenant: Tenant) -> list[bool]:
            return await core.members.block(tenant, number, users)

        if target.owner in users:
            await self.fails(Kind.FORBIDDEN, "owner", act)
            return
        expected = [target.leave(user) for user in users]
        assert await self.ask(act) == expected
        for user, left in zip(users, expected, strict=True):
            if left:
                target.people.blocked[user.number] = Listed(user, now)
                self.note("blocked")
        await self.compare_group(target)
        await self.compare_one(target, users)

    async def take_back(self, target: PlainConversation) -> None:
        number, people = target.group_number or 0, target.people
        user = await self.viewer(target)
        rows = self.rng.choice((people.muted, people.allowed, people.blocked, people.blocked))
        if rows and self.rng.random() < 0.7:
            user = self.rng.choice(list(rows.values())).user

        async def act(core: Core, tenant: Tenant) -> list[bool]:
            if rows is people.muted:
                return await core.members.unmute(tenant, number, [user])
            if rows is people.allowed:
                return await core.members.disallow(tenant, number, [user])
            return await core.members.unblock(tenant, number, [user])

        done = await self.ask(act)
        assert done == [rows.pop(user.number, None) is not None]
        self.note("taken back", done[0])

    async def mute_all(self, target: PlainConversation) -> None:
        number, people, now = target.group_number or 0, target.people, self.clock.now()
        people.all_muted = not people.all_muted
        found = await self.ask(lambda core, tenant: core.groups.update(tenant, number, muted=people.all_muted))
        assert target.group is not None
        target.group = msgspec.structs.replace(target.group, muted=people.all_muted, modified=now)
        assert found == target.group

    async def send_checked(self) -> None:
        """A user's own message to a group."""
        target = self.created_group()
        if target is None:
            return
        people = target.people
        sender, check = await self.viewer(target), self.rng.choice(list(Check))
        named = [row.user for rows in (people.muted, people.blocked, people.allowed) for row in rows.values()]
        if named and self.rng.random() < 0.4:
            sender = self.rng.choice(named)
        if not self.space.current([sender]):
            return
        number, message = target.group_number or 0, self.message(sender)
        self.clock.move(max(target.time_of_next(self.clock.now()) - self.clock.now(), 0))
        self.counter += 1
        reference, now = f"request checked {self.counter}", self.clock.now()

        async def act(core: Core, tenant: Tenant) -> list[Receipt]:
            return await core.messages.send_group(tenant, sender, [number], message, reference, check=check)

        why = people.refusal(sender, target.owner, check, now, is_member=self.is_member(target, sender))
        if why:
            self.note(f"refused: {why}")
            await self.fails(Kind.FORBIDDEN, why, act)
            return
        (receipt,) = await self.ask(act)
        assert await self.sent(target, sender, message, reference, EVERYBODY, receipt)
        await self.compare_one(target, [sender])

    async def set_attributes(self) -> None:
        target = self.created_group()
        if target is None:
            return
        number, people, now = target.group_number or 0, target.people, self.clock.now()
        user, forced, leaves = await self.viewer(target), self.rng.random() < 0.2, self.rng.random() < 0.5
        self.counter += 1
        names = self.sample(ATTRIBUTES, self.rng.choice((1, 2)))
        changes = {name: self.rng.choice((None, f"{self.counter}", f"{self.counter}")) for name in names}

        async def act(core: Core, tenant: Tenant) -> dict[str, str]:
            return await core.attributes.set(tenant, number, user, changes, forced=forced, leaves=leaves)

        if not forced and not self.is_member(target, user):
            await self.fails(Kind.NOT_FOUND, "member", act)
            return
        mine = {name for name in changes if name not in people.attributes or people.attributes[name].user == user}
        refused = {} if forced else {name: "owner" for name in changes if name not in mine}
        assert await self.ask(act) == refused
        for name, value in changes.items():
            if name in refused:
                self.note("attribute refused")
            elif value is None:
                people.attributes.pop(name, None)
            else:
                people.attributes[name] = Attribute(value, user, leaves, now)
        await self.compare_people(target)

    async def delete_group(self) -> None:
        target = self.created_group()
        if target is None or target.group is None:
            return
        number, group = target.group_number or 0, target.group
        users = target.users()
        assert await self.ask(lambda core, tenant: core.groups.delete(tenant, number)) == group
        self.space.aliases = {alias: one for alias, one in self.space.aliases.items() if one != number}
        for topic in target.topics:
            del self.space.topics[topic]
        target.delete()
        self.note("deleted")
        await self.compare_group(target)
        await self.compare_one(target, self.sample(users, 3))
        for user in self.sample(self.space.current(users), 2):
            await self.compare_joined(user)
        sender = await self.user()

        async def send(core: Core, tenant: Tenant) -> list[Receipt]:
            # A reference that was known before gives what was sent then.
            reference = f"after deletion {number}"
            return await core.messages.send_group(tenant, sender, [number], self.message(sender), reference)

        await self.fails(Kind.NOT_FOUND, "group", send)

    async def lists_of_groups(self) -> None:
        rooms, newest_first, limit = (self.rng.random() < 0.5), (self.rng.random() < 0.5), self.rng.choice((1, 3, 100))

        async def page(core: Core, tenant: Tenant, cursor: str) -> GroupPage:
            return await core.groups.page(tenant, rooms=rooms, newest_first=newest_first, limit=limit, cursor=cursor)

        groups = [one for one in self.counted() if one.group.room is rooms]
        groups.sort(key=lambda one: (one.group.created, one.group.number), reverse=newest_first)
        await self.compare_groups(page, groups, limit)
        await self.compare_joined(await self.user())
        await self.compare_views(await self.user())

    async def compare_joined(self, user: UserKey) -> None:
        rooms, limit = self.rng.random() < 0.3, self.rng.choice((2, 100))

        async def page(core: Core, tenant: Tenant, cursor: str) -> GroupPage:
            return await core.groups.joined(tenant, user, rooms=rooms, limit=limit, cursor=cursor)

        joined = {one.group_number for one in self.space.groups() if one.is_room is rooms and self.is_member(one, user)}
        groups = [one for one in self.counted() if one.group.number in joined]
        await self.compare_groups(page, sorted(groups, key=lambda one: one.group.number), limit)

    async def compare_views(self, user: UserKey) -> None:
        groups = self.sample(self.space.groups(), 6)
        numbers = [one.group_number or 0 for one in groups]
        found = await self.ask(lambda core, tenant: core.groups.views(tenant, numbers, user, members=5))
        for one, view in zip(groups, found, strict=True):
            if one.group is None or view is None:
                assert (one.group, view) == (None, None)
                continue
            present, member = one.present(), one.members.get(user.number)
            left = sorted(each.key.id for each in one.members.values() if each.until is not None)
            expected = (one.group, present[:5], len(present), one.unread(user), member is not None, left)
            assert (view.group, view.members, view.total, view.unread, view.known, view.left) == expected
            assert view.marks == one.state(user).marks
            self.note("viewed", view.unread > 0)

    def counted(self) -> list[Counted]:
        return [Counted(one.group, len(one.present())) for one in self.space.groups() if one.group is not None]

    async def compare_groups(self, page: Page, groups: list[Counted], limit: int) -> None:
        found: list[Counted] = []
        cursor = ""
        for _ in range(PAGES):
            one = await self.ask(partial(self.turn, page, cursor))
            assert one.total == len(groups)
            found += one.groups
            cursor = one.cursor
            assert len(one.groups) == limit or not cursor
            if not cursor:
                break
        assert found == groups

    async def turn(self, page: Page, cursor: str, core: Core, tenant: Tenant) -> GroupPage:
        return await page(core, tenant, cursor)

    async def compare_people(self, target: PlainConversation) -> None:
        number, people = target.group_number or 0, target.people
        ask, now = self.ask, self.clock.now()
        assert await ask(lambda core, tenant: core.members.admins(tenant, number)) == listed(people.admins)
        assert await ask(lambda core, tenant: core.members.muted(tenant, number)) == people.muted_at(now)
        assert await ask(lambda core, tenant: core.members.blocked(tenant, number)) == listed(people.blocked)
        assert await ask(lambda core, tenant: core.members.allowed(tenant, number)) == listed(people.allowed)
        assert await ask(lambda core, tenant: core.attributes.find(tenant, number)) == people.attributes
