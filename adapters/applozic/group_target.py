"""Which group a request is about, and what the caller may do with it."""

from collections.abc import Sequence

import msgspec

from adapters.applozic.auth import acting_user
from adapters.applozic.errors import no_group, not_allowed
from adapters.applozic.group_objects import ADMIN, OPEN, PUBLIC, TYPE, role_of
from adapters.applozic.ids import client_group_id, group_number
from adapters.applozic.options import NAME
from adapters.applozic.wire import Fields
from adapters.contract import Call
from core.membership import Visibility
from core.model import Group, Member, UserKey, leftovers_of
from core.names import is_legal

_NOTHING = frozenset({"null", "undefined"})


class Target(msgspec.Struct, frozen=True):
    """A group, and who looks at it. `user` is none for an administrator who acts for nobody."""

    group: Group
    user: UserKey | None
    member: Member | None
    """What the user is in the group; none for who is no member now."""
    administrator: bool

    @property
    def number(self) -> int:
        return self.group.number

    @property
    def is_open(self) -> bool:
        """Whether the members add and remove each other. Another dialect's public group is one that everybody may look at, and
        no more."""
        return leftovers_of(self.group, NAME).get(TYPE) in (PUBLIC, OPEN)

    @property
    def manages(self) -> bool:
        """Whether the user may change the group and who is in it: an admin or a moderator."""
        return self.administrator or (self.member is not None and self.member.role != "member")

    @property
    def owns(self) -> bool:
        """Whether the user may do everything: an admin."""
        return self.administrator or (self.member is not None and role_of(self.group, self.member) == ADMIN)

    @property
    def takes_part(self) -> bool:
        """Whether the user may do what a member of an open group may, or manages it."""
        return self.manages or (self.is_open and self.member is not None)

    @property
    def sees(self) -> Visibility:
        """What newcomers see of the earlier messages."""
        return Visibility.EVERYTHING if self.is_open else Visibility.NOTHING


async def caller_key(call: Call, fields: Fields) -> UserKey | None:
    """Who does this; none for an administrator who names nobody."""
    principal = call.authenticated
    if principal.administrator and principal.user is None and fields.text("ofUserId") is None:
        return None
    return await user_key_of(call, fields)


async def user_key_of(call: Call, fields: Fields) -> UserKey:
    """Who does this, where somebody has to. Raises what the vendor answers to an administrator who names nobody."""
    return await call.core.users.key(call.tenant, acting_user(call, fields))


async def number_of(call: Call, fields: Fields) -> int | None:
    """The number behind `groupId`, else behind `clientGroupId`; none when nobody ever used it."""
    chosen = _given(fields, "groupId", "id")
    if chosen is not None and (number := group_number(chosen)) is not None:
        return number
    chosen = _given(fields, "clientGroupId") or chosen
    return (await numbers_of(call, [chosen]))[0] if chosen is not None else None


async def numbers_of(call: Call, chosen: Sequence[str]) -> list[int | None]:
    """The numbers behind ids that apps chose, else behind the digits of a number."""
    found = []
    for text in chosen:
        number = await call.core.groups.alias(call.tenant, NAME, text) if is_legal(text) else None
        found.append(number if number is not None else group_number(text))
    return found


async def find(call: Call, fields: Fields) -> Group | None:
    """The group that a request names, if there is one."""
    number = await number_of(call, fields)
    return await call.core.groups.find(call.tenant, number) if number is not None else None


async def target_of(call: Call, fields: Fields) -> Target:
    """The group that a request names. Raises the vendor's error for an unknown one."""
    group = await find(call, fields)
    if group is None:
        raise no_group()
    return await aim(call, group, await caller_key(call, fields))


async def targets_of(call: Call, chosen: Sequence[str], user: UserKey | None) -> list[Target]:
    """The groups of several `clientGroupId`s. Raises the vendor's error when one is unknown."""
    targets = []
    for number in await numbers_of(call, chosen):
        group = await call.core.groups.find(call.tenant, number) if number is not None else None
        if group is None:
            raise no_group()
        targets.append(await aim(call, group, user))
    return targets


async def aim(call: Call, group: Group, user: UserKey | None) -> Target:
    """A group, and what the user is in it."""
    member = None
    if user is not None:
        member = (await call.core.members.standing(call.tenant, group.number, user)).member
    return Target(group, user, member, call.authenticated.administrator)


def require(allowed: bool) -> None:
    """Raises what the vendor answers to whom it is not allowed."""
    if not allowed:
        raise not_allowed()


def is_named(group: Group, chosen: str) -> bool:
    """Whether this is the group's `clientGroupId`."""
    return client_group_id(group) == chosen


def _given(fields: Fields, *names: str) -> str | None:
    for name in names:
        text = fields.text(name)
        if text is not None and text.strip() and text not in _NOTHING:
            return text.strip()
    return None
