"""Use cases of what happens later: messages to be sent at a time, and the worker's part in doing it."""

import asyncio
import logging
import random
from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from core.clock import HIGHEST_TIME, Clock
from core.errors import Failure, Kind, StaleTenant, check_limit, is_away, not_storable
from core.ids import CLIENT_REFERENCE
from core.membership import Check
from core.messages import Messages
from core.model import EVERYBODY, Audience, Message, Tenant, UserKey
from core.store.due import Claimed, DueStore, DueTenant, Row
from core.store.keys import PARTITIONS, partition_of
from core.store.log import MAXIMUM_MESSAGE_BYTES, check_audience
from core.store.packing import encode
from core.tenants import Tenants
from core.translation import Translation
from core.users import Users

LEASE_MS = 30_000
"""How long whoever claimed a row has for it before it is tried again; doubled with every try, up to 64 times."""
TRIES = 10
"""After so many a row is given up, about two hours after the first."""
_ROWS_AT_ONCE = 20
_ROWS_A_ROUND = 200

_log = logging.getLogger(__name__)


class _Send(msgspec.Struct, frozen=True, array_like=True):
    """What is stored of a message to be sent: append-only, like a message."""

    sender: UserKey
    recipients: tuple[UserKey, ...]
    groups: tuple[int, ...]
    message: Message
    audience: Audience | None = None
    check: Check = Check.NONE


_decode = msgspec.msgpack.Decoder(_Send).decode


class Scheduled(msgspec.Struct, frozen=True):
    """A message to be sent at `at` (ms of tenant time), to users or to groups. `tries` counts what was tried of it so far;
    `failed` says why it was given up, empty while it is not: the kind of the failure, or `tries`."""

    id: str
    at: int
    sender: UserKey
    recipients: tuple[UserKey, ...]
    groups: tuple[int, ...]
    message: Message
    audience: Audience
    tries: int
    failed: str


class Due:
    """The due rows of all tenants."""

    def __init__(
        self,
        store: DueStore,
        messages: Messages,
        users: Users,
        tenants: Tenants,
        translation: Translation,
        clock: Clock,
    ) -> None:
        """`messages` refuse nothing for what it loses: a message is refused when it is scheduled, not when it is due."""
        self._store = store
        self._messages = messages
        self._translation = translation
        self._users = users
        self._tenants = tenants
        self._clock = clock
        self._next = random.randrange(PARTITIONS)  # noqa: S311  # so that workers begin at different places

    async def send_direct(
        self,
        tenant: Tenant,
        sender: UserKey,
        recipients: Sequence[UserKey],
        message: Message,
        reference: str,
        at: int,
        audience: Audience = EVERYBODY,
        *,
        check: Check = Check.NONE,
    ) -> str:
        """Send a message to each recipient at a time (ms of tenant time; at once when it has passed); what
        `Messages.send_direct` says of it holds for then, its time is that of the sending. Gives the row's id.

        The same `reference` of the same sender gives the same row and changes nothing of it, also when it was done or
        cancelled already (for 24 to 48 hours when it begins with `client:`, else for one to two minutes). Raises *bad
        request* with reason `time` or `audience`, *too large*, *unsupported* as `Translation.check` does, *store unavailable*
        with reason `full` when too much is waiting.
        """
        return await self._schedule(
            tenant, at, reference, _Send(sender, tuple(recipients), (), message, _kept(audience), check)
        )

    async def send_group(
        self,
        tenant: Tenant,
        sender: UserKey,
        groups: Sequence[int],
        message: Message,
        reference: str,
        at: int,
        audience: Audience = EVERYBODY,
        *,
        check: Check = Check.NONE,
    ) -> str:
        """The same for groups (by number)."""
        return await self._schedule(
            tenant, at, reference, _Send(sender, (), tuple(groups), message, _kept(audience), check)
        )

    async def _schedule(self, tenant: Tenant, at: int, reference: str, send: _Send) -> str:
        if not 0 <= at <= HIGHEST_TIME:
            raise Failure(Kind.BAD_REQUEST, "The time is out of range", reason="time")
        self._translation.check(tenant, send.message)
        if send.audience is not None:
            check_audience(send.audience)
        action = encode(send)
        if len(action) > MAXIMUM_MESSAGE_BYTES:
            raise Failure(Kind.TOO_LARGE, "The message is too large")
        try:
            digest = blake2b(reference.encode(), digest_size=10).hexdigest()
        except UnicodeEncodeError:
            raise not_storable() from None
        row = f"{send.sender.number}:{digest}"
        await self._store.schedule(tenant, row, at, action, self._clock.now(), reference)
        return row

    async def find(self, tenant: Tenant, row: str) -> Scheduled | None:
        """A row by its id; none when it was done or cancelled. Whose it is, is for the caller to check."""
        found = await self._store.find(tenant, row)
        return _scheduled(found) if found is not None else None

    async def cancel(self, tenant: Tenant, row: str) -> bool:
        """Remove a row, also a given-up one. True: nothing of it was or will be sent. False: there is none, or it was tried
        before or is being tried now, and may have been sent."""
        return (await self._store.remove(tenant, [row]))[0] == 0

    async def list(
        self, tenant: Tenant, owner: UserKey | None = None, *, limit: int = 50, cursor: str = "", failed: bool = False
    ) -> tuple[list[Scheduled], str]:
        """Rows that wait (or with `failed` those that were given up), of one sender or of all, and the cursor of the next
        page, empty at the end. One sender's come by time; all come partition by partition, by time within each. A page may
        be short and still go on. Raises *bad request* with reason `page` for a `limit` that is not 1 to 5,000."""
        check_limit(limit)
        prefix = f"{owner.number}:" if owner else ""
        partition, after = partition_of(owner.number) if owner else 0, None
        if cursor:
            partition, after = _read_cursor(cursor)
        last = partition if owner else PARTITIONS - 1
        found: list[Row] = []
        while partition <= last:
            rows, after = await self._store.page(tenant, partition, prefix, limit - len(found), after, failed=failed)
            found += rows
            if after is None:
                partition += 1
            if len(found) >= limit or after is not None:
                break
        # The rows of a page are at most 1 MB of each partition; one that is left out comes with the next page.
        following = "" if partition > last else f"{partition}:{after[0]}:{after[1]}" if after else f"{partition}::"
        return [_scheduled(row) for row in found], following

    async def retry(self, tenant: Tenant, row: str) -> bool:
        """Try a given-up row again, at once; false when there is none."""
        return await self._store.retry(tenant, row, self._clock.now())

    async def round(self) -> bool:
        """Do what is due now, 200 rows or a little more, and say whether something was done: there may be more. Rows of a
        tenant that was removed or reset since are dropped. Several workers may do this at once."""
        waiting = await self._store.waiting(self._clock.now())
        if not waiting:
            return False
        waiting.sort(key=lambda one: (one.partition - self._next) % PARTITIONS)
        tenants = await self._tenants.numbered({one.tenant for one in waiting})
        done = 0
        for one in waiting:
            self._next = (one.partition + 1) % PARTITIONS
            tenant = tenants.get(one.tenant)
            if tenant is None or one.generation < tenant.generation:
                await self._store.drop(one)
            elif one.generation == tenant.generation:
                done += await self._work(tenant, one)
            if done >= _ROWS_A_ROUND:
                break
        return done > 0

    async def _work(self, tenant: Tenant, waiting: DueTenant) -> int:
        """Carry out some rows of a tenant in a partition, one after the other, since they may be of one conversation."""
        try:
            rows = await self._store.claim(
                tenant, waiting.partition, self._clock.now(), lease_ms=LEASE_MS, limit=_ROWS_AT_ONCE, tries=TRIES
            )
            for row in rows:
                await self._try(tenant, row)
        except StaleTenant:
            # It was changed just now: what was not done yet is tried again after its lease, unless it is gone by then.
            return 0
        return len(rows)

    async def _try(self, tenant: Tenant, row: Claimed) -> None:
        """Carry out one row, and remove it after its effect. Raises *store unavailable* when the store is away."""
        try:
            await self._send(tenant, row)
            await self._store.remove(tenant, [row.id])
        except StaleTenant:
            raise
        except Exception as problem:
            if is_away(problem):
                raise
            # One row must not keep the others from being done.
            reason = problem.kind.value if isinstance(problem, Failure) else type(problem).__name__
            _log.warning("due row %s of tenant %d failed (try %d): %s", row.id, tenant.number, row.tries, reason)
            if row.tries >= TRIES or (isinstance(problem, Failure) and not problem.retryable):
                await self._store.give_up(tenant, row.id, self._clock.now(), reason)

    async def _send(self, tenant: Tenant, row: Claimed) -> None:
        send = _decode(row.action)
        audience = send.audience or EVERYBODY
        # The row's id makes a repeat after a crash the same message.
        reference = f"{CLIENT_REFERENCE}due:{row.id}"
        recipients = await self._present(tenant, send.recipients) if tenant.erasures else send.recipients
        if recipients:
            await self._messages.send_direct(
                tenant, send.sender, recipients, send.message, reference, audience, check=send.check
            )
        if send.groups:
            await self._messages.send_group(
                tenant, send.sender, send.groups, send.message, reference, audience, check=send.check
            )

    async def _present(self, tenant: Tenant, users: Sequence[UserKey]) -> tuple[UserKey, ...]:
        """Those who were not erased since: whoever has the name now is somebody else."""
        found = await asyncio.gather(*(self._users.known_key(tenant, user.id) for user in users))
        return tuple(user for user, key in zip(users, found, strict=True) if user == key)


def _kept(audience: Audience) -> Audience | None:
    return None if audience == EVERYBODY else audience


def _read_cursor(cursor: str) -> tuple[int, tuple[int, str] | None]:
    partition, _, rest = cursor.partition(":")
    time, _, row = rest.partition(":")
    try:
        after = (int(time), row) if row else None
        if 0 <= int(partition) < PARTITIONS:
            return int(partition), after
    except ValueError:
        pass
    raise Failure(Kind.BAD_REQUEST, "No such cursor", reason="cursor")


def _scheduled(row: Row) -> Scheduled:
    send = _decode(row.action)
    return Scheduled(
        row.id,
        row.at,
        send.sender,
        send.recipients,
        send.groups,
        send.message,
        send.audience or EVERYBODY,
        row.tries,
        row.failed,
    )
