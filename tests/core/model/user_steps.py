"""The walk's steps with users."""

import msgspec
import pytest

from core.core import Core
from core.errors import Failure, Kind
from core.model import Tenant, User, UserKey
from core.names import is_reserved
from tests.core.model.side_by_side import NAMES, SPELLINGS, SideBySide


class UserSteps(SideBySide):
    """Names, profiles, the roster."""

    async def address(self) -> None:
        folded = self.rng.random() < 0.7
        name = self.rng.choice(SPELLINGS if folded else NAMES)
        known = await self.ask(lambda core, tenant: core.users.known_key(tenant, name, folded=folded), from_memory=True)
        assert known == self.space.keys.get(self.space.owner(name, folded))
        await self.user(name, folded=folded)

    async def register(self) -> None:
        name, folded = self.rng.choice((self.name(), self.rng.choice(SPELLINGS))), self.rng.random() < 0.3
        user_id = self.space.owner(name, folded)

        async def act(core: Core, tenant: Tenant) -> User:
            return await core.users.register(tenant, name, folded=folded, display_name=f"The {name}")

        if is_reserved(name):
            with pytest.raises(Failure) as caught:
                await self.ask(act, from_memory=True)
            assert (caught.value.kind, caught.value.reason) == (Kind.FORBIDDEN, "reserved")
        elif user_id in self.space.profiles:
            await self.fails(Kind.CONFLICT, "user", act)
        else:
            user = await self.ask(act)
            self.space.place(UserKey(user.id, user.number))
            now = self.clock.now()
            assert user == User(user_id, self.space.keys[user_id].number, now, now, f"The {name}")
            self.space.register(user)
        await self.look_up(name, folded)

    async def claim(self) -> None:
        name = self.rng.choice([name for name in NAMES if not is_reserved(name)])
        known = self.space.profiles.get(name)
        if known is not None and not known.active:
            await self.fails(Kind.UNAUTHENTICATED, "inactive", lambda core, tenant: core.users.claim(tenant, name))
            return
        user = await self.ask(lambda core, tenant: core.users.claim(tenant, name))
        self.space.place(UserKey(user.id, user.number))
        now = self.clock.now()
        self.space.register(User(name, user.number, now, now))
        assert user == self.space.profiles[name]
        await self.look_up(name, False)

    async def change_user(self) -> None:
        """The profile, or what ends tokens."""
        name, what = self.name(), self.rng.choice(("update", "activate", "deactivate", "revoke"))
        self.counter += 1
        attributes = {"n": self.counter}

        async def act(core: Core, tenant: Tenant) -> User:
            match what:
                case "activate":
                    return await core.users.activate(tenant, name)
                case "deactivate":
                    return await core.users.deactivate(tenant, name)
                case "revoke":
                    return await core.users.revoke(tenant, name)
            return await core.users.update(
                tenant, name, lambda user: msgspec.structs.replace(user, attributes=attributes)
            )

        known, now = self.space.profiles.get(name), self.clock.now()
        if known is None:
            await self.fails(Kind.NOT_FOUND, "user", act)
            return
        version = known.version + (what == "revoke" or (what == "deactivate" and known.active))
        active = known.active if what in ("update", "revoke") else what == "activate"
        is_change = what == "update" or (active, version) != (known.active, known.version)
        user = msgspec.structs.replace(
            known, active=active, version=version, modified=now if is_change else known.modified
        )
        if what == "update":
            user = msgspec.structs.replace(user, attributes=attributes)
        assert await self.ask(act) == user
        self.space.profiles[name] = user
        self.note(f"user {what}")
        await self.look_up(name, False)

    async def roster(self) -> None:
        limit = self.rng.choice((1, 5, 100))
        numbers = sorted(user.number for user in self.space.profiles.values())
        after = self.rng.choice([0, *numbers])
        found = await self.ask(lambda core, tenant: core.users.page(tenant, after, limit))
        expected = sorted(self.space.profiles.values(), key=lambda user: user.number)
        assert found == [user for user in expected if user.number > after][:limit]
