"""The walk's steps with groups and their members."""

import msgspec

from core.core import Core
from core.errors import Kind
from core.groups import Visibility
from core.model import Box, Group, Tenant
from tests.core.model.side_by_side import ALIASES, DIALECT, SideBySide


class GroupSteps(SideBySide):
    """Groups, rooms, members who come and go."""

    async def create_group(self) -> None:
        alias = self.rng.choice(ALIASES) if self.rng.random() < 0.6 else None
        owner = await self.user()
        members = await self.users(self.rng.choice((0, 1, 3, 6, 6, 34)))
        room = self.rng.random() < 0.3
        now = self.clock.now()
        group = Group(
            0, f"group {self.counter}", owner.id, now, now, aliases={DIALECT: alias} if alias else None, room=room
        )

        async def act(core: Core, tenant: Tenant) -> Group:
            return await core.groups.create(
                tenant, name=group.name, owner=owner, members=members, dialect=DIALECT, alias=alias, room=room
            )

        number = self.space.aliases.get(alias or "")
        if number is not None and self.space.group(number).group is not None:
            await self.fails(Kind.CONFLICT, "group", act)
            return
        created = await self.ask(act)
        assert number is None or created.number == number
        assert number is not None or created.number not in {one.group_number for one in self.space.groups()}
        assert created == msgspec.structs.replace(group, number=created.number)
        target = self.space.group(created.number)
        target.group, target.owner, target.exists = created, owner, True
        if alias is not None:
            self.space.aliases[alias] = created.number
        for key in members:
            target.join(key, now, -1)
        self.note("room created", room)
        self.note("group created over messages", target.head > 0)
        await self.compare_group(target)
        await self.compare_one(target, members[:2])

    async def reserve(self) -> None:
        """An id that an app chose gets its place before any group."""
        alias = self.rng.choice(ALIASES)
        known = self.space.aliases.get(alias)
        assert await self.ask(lambda core, tenant: core.groups.alias(tenant, DIALECT, alias)) == known
        number = await self.ask(lambda core, tenant: core.groups.place(tenant, DIALECT, alias))
        assert known is None or number == known
        assert known is not None or number not in {one.group_number for one in self.space.groups()}
        self.space.aliases[alias] = number
        await self.compare_group(self.space.group(number))

    async def add(self) -> None:
        if self.space.groups():
            target = self.any_group()
            number = target.group_number or 0
            users = await self.users(self.rng.choice((1, 1, 2, 20)))
            if self.users_of(target) and self.rng.random() < 0.4:  # somebody who was there before
                users[0] = self.rng.choice(self.users_of(target))
            sees = self.rng.choice(list(Visibility))

            async def act(core: Core, tenant: Tenant) -> list[bool]:
                return await core.groups.add(tenant, number, users, sees=sees)

            if target.group is None:
                await self.fails(Kind.NOT_FOUND, "group", act)
            elif any(key.number in target.people.blocked for key in users):
                await self.fails(Kind.FORBIDDEN, "blocked", act)
            else:
                now = self.clock.now()
                before = {key for key in users if key.number in target.members}
                expected = [target.join(key, now, int(sees)) for key in users]
                assert await self.ask(act) == expected
                for key, joined in zip(users, expected, strict=True):
                    self.note("joined", joined)
                    self.note("joined again", joined and key in before)
                self.measure(target)
                await self.compare_group(target)
                await self.compare_one(target, users[:2])

    async def remove(self) -> None:
        if self.space.groups():
            target = self.any_group()
            number = target.group_number or 0
            users = [await self.viewer(target, of_any_kind=False) for _ in range(self.rng.choice((1, 1, 3)))]
            boxed = [key for key in self.users_of(target) if target.state(key).box is not Box.ACTIVE]
            if boxed and self.rng.random() < 0.5:
                users.append(self.rng.choice(boxed))

            async def act(core: Core, tenant: Tenant) -> list[bool]:
                return await core.groups.remove(tenant, number, users)

            if target.group is None:
                await self.fails(Kind.NOT_FOUND, "group", act)
            else:
                expected = [target.leave(key) for key in users]
                assert await self.ask(act) == expected
                self.note("left", any(expected))
                self.note("left a room", any(expected) and target.is_room)
                await self.compare_group(target)
                await self.compare_one(target, users[:2])
                await self.compare_list(users[-1], 1000, box=target.box(users[-1]))

    async def update(self) -> None:
        if self.space.groups():
            target = self.any_group()
            number, name = target.group_number or 0, f"renamed {self.rng.randrange(1000)}"

            async def act(core: Core, tenant: Tenant) -> Group:
                return await core.groups.update(tenant, number, name=name, attributes={"n": name})

            if target.group is None:
                await self.fails(Kind.NOT_FOUND, "group", act)
            else:
                now = self.clock.now()
                target.group = msgspec.structs.replace(target.group, name=name, attributes={"n": name}, modified=now)
                assert await self.ask(act) == target.group
                await self.compare_group(target)
