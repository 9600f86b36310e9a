"""What a group keeps of people: members in order, roles, who is muted, blocked, allowed or waits to join."""

from collections.abc import Sequence

import msgspec

from core.membership import Applicant, Listed, MemberPage, Standing, Waiting
from core.model import Member, Tenant, UserKey
from core.store import scripts
from core.store.connection import Argument
from core.store.groups import ROWS_AT_ONCE, decode_members, names_of, place_of, read_answers, refused
from core.store.references import reference_arguments
from core.store.store import Store

ADMINS, MUTED, BLOCKED, ALLOWED, WAITING = "a", "m", "b", "w", "p"
"""The letters of the lists."""
LONGEST_LIST = 5_000

_decode_row = msgspec.msgpack.Decoder(tuple[str, int]).decode
_decode_waiting = msgspec.msgpack.Decoder(tuple[str, int, Waiting, str]).decode
_decode_member = msgspec.msgpack.Decoder(tuple[str, str, int, list[list[int]]]).decode
_decode_attributes = msgspec.msgpack.Decoder(dict[str, str]).decode


class GroupPeople:
    """The people of all groups, in the store. What is about a group that is none gives none."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(
        self, tenant: Tenant, number: int, *, newest_first: bool, limit: int, cursor: int
    ) -> MemberPage | None:
        """Present members in the order in which they joined, 200 at one moment."""
        identity, partition = place_of(number)
        found: list[Member] = []
        while True:
            arguments = (identity, cursor, 1 if newest_first else 0, min(limit - len(found), ROWS_AT_ONCE))
            reply = await self._store.call(tenant, scripts.MEMBER_PAGE, partition, *arguments)
            if reply is None:
                return None
            total, cursor = reply[:2]
            found += decode_members(reply[2:])
            if not cursor or len(found) >= limit:
                return MemberPage(found, cursor, total)

    async def standing(self, tenant: Tenant, number: int, users: Sequence[UserKey], now: int) -> list[Standing] | None:
        """What users are in a group."""
        identity, partition = place_of(number)
        reply = await self._store.call(
            tenant, scripts.READ_STANDING, partition, identity, *(user.number for user in users)
        )
        if reply is None:
            return None
        found = []
        for user, member, muted, blocked, allowed, attributes in zip(
            users, *(reply[field::5] for field in range(5)), strict=True
        ):
            until = _decode_row(muted)[1] if muted is not None else 0
            found.append(
                Standing(
                    _member(user.number, member) if member is not None else None,
                    until if until < 0 or until > now else 0,
                    blocked is not None,
                    allowed is not None,
                    _decode_attributes(attributes) if attributes is not None else {},
                )
            )
        return found

    async def set_role(
        self, tenant: Tenant, number: int, user: UserKey, role: str, now: int, reference: str | None
    ) -> str:
        """Make a member an admin, or an admin a member; what `set_role.lua` says of it."""
        identity, partition = place_of(number)
        arguments = (*reference_arguments(now, reference), identity, user.number, role, LONGEST_LIST)
        done: bytes = await self._store.call(tenant, scripts.SET_ROLE, partition, *arguments)
        return done.decode()

    async def put(
        self,
        tenant: Tenant,
        number: int,
        letter: str,
        users: Sequence[UserKey],
        time: int,
        now: int,
        reference: str | None,
        *,
        all_or_none: bool,
    ) -> list[bool] | None:
        """Put members on a list; an answer each. Raises why nothing was done."""
        identity, partition = place_of(number)
        arguments: list[Argument] = [
            *reference_arguments(now, reference),
            identity,
            letter,
            time,
            LONGEST_LIST,
            1 if all_or_none else 0,
            *(user.number for user in users),
        ]
        reply = await self._store.call(tenant, scripts.PUT_ON_LIST, partition, *arguments)
        if isinstance(reply, list):
            raise refused(reply[0].decode(), names_of(reply[1:], users))
        return None if reply is None else read_answers(reply)

    async def take(
        self, tenant: Tenant, number: int, letter: str, users: Sequence[UserKey], now: int, reference: str | None
    ) -> list[bool] | None:
        """Take users off a list; whether they were there."""
        identity, partition = place_of(number)
        arguments: list[Argument] = [*reference_arguments(now, reference), identity, letter]
        arguments += [user.number for user in users]
        reply = await self._store.call(tenant, scripts.TAKE_OFF_LIST, partition, *arguments)
        return None if reply is None else read_answers(reply)

    async def listed(self, tenant: Tenant, number: int, letter: str) -> list[Listed] | None:
        """Everybody on a list, those first who were put there first."""
        identity, partition = place_of(number)
        reply = await self._store.call(tenant, scripts.READ_LIST, partition, identity, letter)
        if reply is None:
            return None
        rows = [(int(user), _decode_row(row)) for user, row in zip(reply[0::2], reply[1::2], strict=True)]
        found = [Listed(UserKey(name, user), time) for user, (name, time) in rows]
        return sorted(found, key=lambda each: (each.time, each.user.number))

    async def ask(self, tenant: Tenant, number: int, user: UserKey, why: Waiting, words: str, now: int) -> str:
        """Note that a user waits to join; what `ask_to_join.lua` says of it."""
        identity, partition = place_of(number)
        arguments = (now, identity, user.number, user.id, why, words, LONGEST_LIST)
        done: bytes = await self._store.call(tenant, scripts.ASK_TO_JOIN, partition, *arguments)
        return done.decode()

    async def waiting(self, tenant: Tenant, number: int) -> list[Applicant] | None:
        """Who waits to join, those first who waited longest."""
        identity, partition = place_of(number)
        reply = await self._store.call(tenant, scripts.READ_LIST, partition, identity, WAITING)
        if reply is None:
            return None
        rows = [(int(user), _decode_waiting(row)) for user, row in zip(reply[0::2], reply[1::2], strict=True)]
        found = [Applicant(UserKey(name, user), time, why, words) for user, (name, time, why, words) in rows]
        return sorted(found, key=lambda each: (each.time, each.user.number))


def _member(number: int, packed: bytes) -> Member:
    name, role, joined, _ = _decode_member(packed)
    return Member(name, number, role, joined)
