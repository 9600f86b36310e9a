"""Groups' rows: profile and members, in the partition of the group's conversation; chosen ids in the partition of the id."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import msgspec

from core.errors import Failure, Kind
from core.ids import bucket_of, group_identity
from core.membership import Visibility, Waiting
from core.model import SHOWN, Group, Member, Tenant, UserKey
from core.store import scripts
from core.store.connection import Argument
from core.store.keys import partition_of
from core.store.packing import encode_profile
from core.store.references import reference_arguments
from core.store.store import Store

SMALL_GROUP = 32
"""Members up to which an append writes every member's inbox row; larger groups are read through their heads."""
HIGHEST_NUMBER = (1 << 31) - 1
MAXIMUM_PROFILE_BYTES = 1 << 16
_TRIES = 20
_DONE = ord("1")
_DISABLED, _MUTED = 1, 2
_USERS_AT_ONCE = 500
MEMBERS_AT_ONCE = 100
"""How many one script makes members, or ends being: a millisecond or two of the server's time."""
ROWS_AT_ONCE = 200
"""How many members one script gives."""
_MAXIMUM_CALLS = 1 << 16

_decode = msgspec.msgpack.Decoder(Group).decode


class GroupStore:
    """The groups of all tenants, in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def new_number(self, tenant: Tenant) -> int:
        """A number that no group of the tenant has."""
        number: int = await self._store.call(
            tenant, scripts.COUNTER, partition_of(tenant.number), "group", 1, HIGHEST_NUMBER
        )
        return number

    async def alias(self, tenant: Tenant, dialect: str, alias: str) -> int | None:
        """The number behind an id that an app chose."""
        return await self._alias(tenant, dialect, alias, 0) or None

    async def reserve(self, tenant: Tenant, dialect: str, alias: str) -> int:
        """The number behind an id that an app chose, taken for it when it is new."""
        found = await self._alias(tenant, dialect, alias, 0)
        return found or await self._alias(tenant, dialect, alias, await self.new_number(tenant))

    async def release(self, tenant: Tenant, dialect: str, alias: str, number: int) -> None:
        """Let an app choose this id anew, when it still leads to this number."""
        await self._alias(tenant, dialect, alias, -number)

    async def _alias(self, tenant: Tenant, dialect: str, alias: str, number: int) -> int:
        field = f"{dialect}\0{alias}"
        found: int = await self._store.call(tenant, scripts.ALIAS, partition_of(bucket_of(field)), field, number)
        return found

    async def create(
        self, tenant: Tenant, group: Group, owner: int, members: Sequence[UserKey], reference: str | None
    ) -> bool:
        """Write a group and its members; false when the number has a group, or had one. The first 100 come with the group, the
        others right after, as `add` does it."""
        identity, partition = place_of(group.number)
        arguments = (
            *reference_arguments(group.created, reference),
            identity,
            bucket_of(identity),
            _packed(group),
            SMALL_GROUP,
            SHOWN,
            1 if group.room else 0,
            f"{group.created:015d}:{group.number:010d}",
            owner,
            group.maximum_members or 0,
        )
        first, others = members[:MEMBERS_AT_ONCE], members[MEMBERS_AT_ONCE:]
        created = bool(await self._store.call(tenant, scripts.CREATE_GROUP, partition, *arguments, *_rows(first)))
        if created and others:
            await self.add(tenant, group.number, others, Visibility.EVERYTHING, group.created, reference)
        return created

    async def read(self, tenant: Tenant, number: int, *, members: bool = True) -> tuple[Group, list[Member]] | None:
        """A group and, if wanted, its present members in the order in which they joined, 200 at one moment."""
        identity, partition = place_of(number)
        reply = await self._store.call(tenant, scripts.READ_GROUP, partition, identity, ROWS_AT_ONCE if members else 0)
        if reply is None:
            return None
        group, cursor, found = _decode(reply[0]), reply[1], decode_members(reply[2:])
        while cursor:
            reply = await self._store.call(tenant, scripts.MEMBER_PAGE, partition, identity, cursor, 0, ROWS_AT_ONCE)
            if reply is None:
                return None
            cursor = reply[1]
            found += decode_members(reply[2:])
        return group, found

    async def update(
        self,
        tenant: Tenant,
        number: int,
        changes: dict[str, Any],
        now: int,
        *,
        owner: int | None = None,
        transfer: bool = False,
        change: Callable[[Group], Group] = lambda group: group,
        reference: str | None = None,
        makes_room: bool = False,
    ) -> Group | None:
        """Replace a group's profile by what `change` makes of it, with these fields; none when there is no such group. `owner` is
        the number of a new one (0: nobody), who with `transfer` has to be a member. With `makes_room` it is done on a full
        server too. Raises *conflict*."""
        identity, partition = place_of(number)
        for _ in range(_TRIES):
            found = await self._store.call(tenant, scripts.READ_GROUP, partition, identity, 0)
            if found is None:
                return None
            old = _decode(found[0])
            group = msgspec.structs.replace(change(old), **changes)
            grows = group.maximum_members != old.maximum_members
            arguments = (
                *reference_arguments(now, reference),
                identity,
                found[0],
                _packed(group),
                _DISABLED * group.disabled + _MUTED * group.muted,
                (group.maximum_members or 0) if grows else "",
                "" if owner is None else owner,
                1 if transfer else 0,
            )
            script = scripts.BLANK_GROUP if makes_room else scripts.UPDATE_GROUP
            done = await self._store.call(tenant, script, partition, *arguments)
            if done == b"done":
                return group
            if done != b"changed":
                raise refused(done.decode(), group.owner if transfer else str(number))
        raise Failure(Kind.CONFLICT, "The group is being changed by many at once", reason="group")

    async def delete(self, tenant: Tenant, number: int, now: int) -> Group | None:
        """Mark a group as deleted; none when there is none, or when nothing is left of one that was."""
        identity, partition = place_of(number)
        packed = await self._store.call(tenant, scripts.DELETE_GROUP, partition, now, identity)
        return _decode(packed) if packed else None

    async def end(self, tenant: Tenant, number: int) -> None:
        """Remove what is left of a group that was deleted and cleared."""
        identity, partition = place_of(number)
        for _ in range(_MAXIMUM_CALLS):
            if not await self._store.call(tenant, scripts.END_GROUP, partition, identity, _USERS_AT_ONCE):
                return

    async def add(
        self,
        tenant: Tenant,
        number: int,
        users: Sequence[UserKey],
        sees: Visibility,
        now: int,
        reference: str | None,
        waiting: Waiting | None = None,
    ) -> list[bool] | None:
        """Add members, who have to be waiting for it if so said; an answer each, none when there is no such group. Up to 100 are
        one step, of more each 100. Raises why nobody of a step was added; the steps before it are done then."""
        identity, partition = place_of(number)
        fixed: tuple[Argument, ...] = (identity, int(sees), SMALL_GROUP, SHOWN, waiting or "")

        async def step(some: Sequence[UserKey], part: str | None) -> Any:
            arguments = (*reference_arguments(now, part), *fixed, *_rows(some))
            return await self._store.call(tenant, scripts.ADD_MEMBERS, partition, *arguments)

        return await _in_steps(users, reference, step)

    async def remove(
        self,
        tenant: Tenant,
        number: int,
        users: Sequence[UserKey],
        now: int,
        reference: str | None,
        *,
        spare_owner: bool = False,
        block: int = 0,
    ) -> list[bool] | None:
        """End memberships; an answer each, none when there is no such group. With `block` they are blocked, and it is how many
        may be. Up to 100 are checked at once, and are one step but where it takes long to find what they were shown last. Raises
        why nobody of those was removed; the steps before are done then."""
        identity, partition = place_of(number)
        fixed: tuple[Argument, ...] = (identity, SHOWN, 1 if spare_owner else 0, block)

        async def step(some: Sequence[UserKey], part: str | None) -> Any:
            arguments = (*reference_arguments(now, part), *fixed, *(user.number for user in some))
            return await self._store.call(tenant, scripts.REMOVE_MEMBERS, partition, *arguments)

        return await _in_steps(users, reference, step)


async def _in_steps(
    users: Sequence[UserKey], reference: str | None, step: Callable[[Sequence[UserKey], str | None], Awaitable[Any]]
) -> list[bool] | None:
    """The answers of all steps. Each has a reference of its own, so a repeat finds those that were done, however many users each
    of them came to."""
    done: list[bool] = []
    while True:
        some = users[len(done) : len(done) + MEMBERS_AT_ONCE]
        part = f"{reference} from {len(done)}" if reference and done else reference
        answers = _answers(await step(some, part), some)
        if answers is None:
            return None
        done += answers
        if len(done) >= len(users):
            return done


def place_of(number: int) -> tuple[str, int]:
    """The identity and the partition of a group's conversation."""
    identity = group_identity(number)
    return identity, partition_of(bucket_of(identity))


def _packed(group: Group) -> bytes:
    return encode_profile(group, MAXIMUM_PROFILE_BYTES, "group")


def _rows(users: Sequence[UserKey]) -> Iterator[Argument]:
    for user in users:
        yield from (user.number, user.id)


def _answers(reply: Any, users: Sequence[UserKey]) -> list[bool] | None:
    if reply is None:
        return None
    if isinstance(reply, list):
        raise refused(reply[0].decode(), names_of(reply[1:], users))
    return read_answers(reply)


def read_answers(reply: bytes) -> list[bool]:
    """What a script says of each user."""
    return [done == _DONE for done in reply]


def names_of(numbers: Sequence[bytes], users: Sequence[UserKey]) -> str:
    """The ids of those users whose numbers a script gave."""
    names = {user.number: user.id for user in users}
    return ", ".join(dict.fromkeys(names[int(number)] for number in numbers))


_REFUSALS = {
    "member": (Kind.NOT_FOUND, "member", "No member of the group"),
    "present": (Kind.CONFLICT, "member", "A member of the group already"),
    "owner": (Kind.FORBIDDEN, "owner", "This is the owner of the group"),
    "admin": (Kind.NOT_FOUND, "admin", "No admin of the group"),
    "blocked": (Kind.FORBIDDEN, "blocked", "The group has blocked this user"),
    "pending": (Kind.NOT_FOUND, "pending", "This user does not wait to join"),
    "full": (Kind.CONFLICT, "members", "The group takes no more members"),
    "limit": (Kind.CONFLICT, "limit", "The group's list is full"),
    "group": (Kind.NOT_FOUND, "group", "No such group"),
}


def refused(why: str, subject: str) -> Failure:
    """Why a script changed nothing in a group."""
    kind, reason, text = _REFUSALS[why]
    return Failure(kind, text, reason=reason, subject=subject)


def decode_members(reply: Sequence[Any]) -> list[Member]:
    """Members of `[number, id, role, joined, …]`."""
    return [
        Member(reply[i + 1].decode(), int(reply[i]), reply[i + 2].decode(), reply[i + 3])
        for i in range(0, len(reply), 4)
    ]


def decode_group(packed: bytes) -> Group:
    """A group from its packed profile."""
    return _decode(packed)
