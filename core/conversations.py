"""Use cases of conversations as a user has them: lists, what is read, boxes, marks, clearing.

A conversation is named by the user and a peer's id, or a group's number (`Target`)."""

from collections.abc import Sequence

import msgspec

from core.clock import HIGHEST_TIME, Clock
from core.errors import Failure, Kind, check_limit
from core.ids import Parties, direct_identity, group_identity, identity_of
from core.model import EVERY_KIND, Box, Change, Marks, Overview, Tenant, UserKey
from core.names import fits
from core.store.dropping import Dropping
from core.store.inbox import Inbox
from core.store.log import Log, Query
from core.store.states import States

Target = str | int
"""The other user's id, or a group's number."""
_MAXIMUM_NOTE_BYTES = 255
_CHANGES = 200
_HIDDEN_AT_ONCE = 200
_MAXIMUM_TURNS = 1 << 20


class Conversations:
    """The conversation lists of all users."""

    def __init__(self, inbox: Inbox, states: States, dropping: Dropping, log: Log, clock: Clock) -> None:
        self._inbox = inbox
        self._states = states
        self._dropping = dropping
        self._log = log
        self._clock = clock

    async def list(
        self, tenant: Tenant, user: UserKey, limit: int, before: int | None = None, *, box: Box | None = Box.ACTIVE,
        whole: bool = False,
    ) -> list[Overview]:  # fmt: skip
        """A user's conversations in a box (none: in whichever), latest first, those whose last message is older than `before`
        (epoch milliseconds, all when none). At least `limit` rows if there are so many: rows of equal time stay on one page.
        With `whole` the rows have `epoch` and `reports`. Raises *bad request* with reason `page` for a `limit` that is not 1
        to 5,000."""
        check_limit(limit)
        return await self._inbox.list(tenant, user, limit, before, box, whole=whole)

    async def direct(self, tenant: Tenant, user: UserKey, peer: str) -> Overview | None:
        """One row of the list, in whatever box: the direct conversation with `peer`; none when it has no message."""
        return await self._inbox.one(tenant, user, direct_identity(user.id, peer))

    async def group(self, tenant: Tenant, user: UserKey, group: int) -> Overview | None:
        """One row of the list: the group's conversation as this user sees it; none when there is nothing to see."""
        return await self._inbox.one(tenant, user, group_identity(group))

    async def whole(self, tenant: Tenant, user: UserKey, targets: Sequence[Target]) -> Sequence[Overview | None]:
        """Conversations with `epoch` and `reports`, in the order of the targets, also such in which the user is shown nothing (by
        now); none for one that does not exist, or for a group of which the user never was a member. Two users' conversation
        exists once a message was sent, or they are contacts."""
        return await self._inbox.whole(tenant, user, [_identity(user, target) for target in targets])

    async def changed(self, tenant: Tenant, user: UserKey, since: int) -> Sequence[Change]:
        """What changed in the user's conversations after a time (epoch ms), in order of time: at least the latest 200 messages'
        and 200 other changes, those of the last day. Times come from several workers' clocks: what is shown later may be two
        seconds older. It costs who sends nothing: this asks all partitions."""
        return await self._inbox.changed(tenant, user, max(since, 0), _CHANGES)

    async def unread(self, tenant: Tenant, user: UserKey) -> int:
        """How many unread messages the user has in all conversations, whatever box they lie in. At most 200 conversations of
        each box in each partition are looked at, the latest: whoever has fewer than some 10,000 gets the exact number. It is
        one turn, in pieces that take a server some milliseconds at most."""
        return await self._inbox.unread(tenant, user)

    async def read(
        self, tenant: Tenant, user: UserKey, target: Target, up_to: int | None = None, *,
        receipt: bool = True, station: str = "",
    ) -> bool:  # fmt: skip
        """What the user has read: up to this sequence, everything when none. It never moves back. With `receipt` others are
        told, and when it was is kept. False when nothing changed."""
        return await self._states.move(
            tenant, user, _identity(user, target), "read", up_to, self._clock.now(), receipt, station
        )

    async def delivered(
        self, tenant: Tenant, user: UserKey, target: Target, up_to: int | None = None, *, station: str = ""
    ) -> bool:
        """What has reached the user, like `read`."""
        return await self._states.move(
            tenant, user, _identity(user, target), "delivered", up_to, self._clock.now(), True, station
        )

    async def look(self, tenant: Tenant, user: UserKey, target: Target) -> bool:
        """The user has looked at the conversation: nothing in it is new any more, and what is unread stays so. False for an
        unknown conversation."""
        return await self._states.move(
            tenant, user, _identity(user, target), "seen", None, self._clock.now(), False, ""
        )

    async def put(self, tenant: Tenant, user: UserKey, target: Target, box: Box, *, station: str = "") -> bool:
        """Put the conversation into a box of the user's; the next message that the user is shown brings it back to the active
        ones, a large group as long as that message is there. False for an unknown conversation."""
        return await self._states.put(tenant, user, _identity(user, target), box, self._clock.now(), station)

    async def put_for_all(self, tenant: Tenant, user: UserKey, target: Target, box: Box) -> bool:
        """Put the conversation into a box of everybody's who has it in a list, like `put`. Who may do it is for the caller to
        check. False for an unknown conversation."""
        return await self._states.put_for_all(tenant, _identity(user, target), box, self._clock.now())

    async def mark(
        self, tenant: Tenant, user: UserKey, target: Target, *, muted_until: int | None = None,
        favourite: bool | None = None, colour: str | None = None, hidden_as: str | None = None, station: str = "",
    ) -> bool:  # fmt: skip
        """Change what the user noted of the conversation; none leaves a note as it is, an empty text takes it away. False
        for an unknown conversation. Raises *bad request* with reason `muted_until` for what is no time and not -1, `colour`
        and `hidden_as` for one over 255 bytes."""
        default = Marks()
        changes: dict[str, object] = {}
        if muted_until is not None:
            if not -1 <= muted_until <= HIGHEST_TIME:
                raise Failure(Kind.BAD_REQUEST, "The time is out of range", reason="muted_until")
            changes["muted_until"] = muted_until if muted_until != default.muted_until else None
        if favourite is not None:
            changes["favourite"] = favourite or None
        for name, text in (("colour", colour), ("hidden_as", hidden_as)):
            if text is not None:
                if not fits(text, _MAXIMUM_NOTE_BYTES):
                    raise Failure(Kind.BAD_REQUEST, f"The text of {name} is too long", reason=name)
                changes[name] = text or None
        return await self._states.mark(tenant, user, _identity(user, target), changes, self._clock.now(), station)

    async def clear(self, tenant: Tenant, user: UserKey, target: Target) -> bool:
        """Delete everything that is in the conversation now for this user alone; the next message brings it back to the
        list. False for an unknown conversation."""
        return await self._states.clear(tenant, user, _identity(user, target))

    async def clear_before(self, tenant: Tenant, user: UserKey, target: Target, time: int) -> bool:
        """Delete what is older than `time` (epoch ms) for this user alone, imports too. False for an unknown conversation."""
        identity = _identity(user, target)
        known = await self._states.clear_before(tenant, user, identity, time)
        # Left are the last live message of before then, and imports since.
        query = Query(_HIDDEN_AT_ONCE, until=time, kinds=EVERY_KIND)
        for _ in range(_MAXIMUM_TURNS):
            page = await self._log.page(tenant, identity, user.number, query)
            await self._log.hide(tenant, user.number, [stored.id for stored in page.messages])
            if not page.cursor:
                break
            query = msgspec.structs.replace(query, cursor=page.cursor)
        return known

    async def clear_for_all(self, tenant: Tenant, user: UserKey, target: Target, *, station: str = "") -> bool:
        """Delete everything that is in the conversation now, for everybody: messages, imports, what was read of them. Members,
        the group and topics stay. Who may do it is for the caller to check. False for an unknown conversation."""
        return await self._dropping.clear(tenant, _identity(user, target), self._clock.now(), station)


def parties_with(user: UserKey, target: Target) -> Parties:
    """Whose the conversation is that the user calls so."""
    return target if isinstance(target, int) else (user.id, target)


def _identity(user: UserKey, target: Target) -> str:
    return identity_of(parties_with(user, target))
