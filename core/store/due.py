"""Due rows: what is to be done at a time, in the partition of its owner."""

import asyncio
from collections.abc import Sequence

import msgspec

from core.errors import Failure
from core.model import Tenant
from core.store import scripts
from core.store.keys import PARTITIONS, partition_of, system_key, tenant_key
from core.store.references import reference_arguments
from core.store.store import Store

BOUND = 10_000
"""Rows that a partition may hold of a tenant before more are refused."""
FAILED_BOUND = 1_000
"""Given-up rows that a partition keeps of a tenant."""
_TENANTS_AT_ONCE = 50
_HEADER = 8
_NUMBER_DIGITS = 16


class Row(msgspec.Struct, frozen=True):
    """A due row. `at` is when it was to be done, `time` when it is tried next (when it was given up, for such a row), both
    in ms of tenant time; `failed` says why it was given up, empty otherwise."""

    id: str
    at: int
    time: int
    tries: int
    failed: str
    action: bytes


class Claimed(msgspec.Struct, frozen=True):
    """A row that the caller is to carry out now; `tries` counts this one."""

    id: str
    tries: int
    action: bytes


class DueTenant(msgspec.Struct, frozen=True):
    """A tenant's generation that has a row due in a partition."""

    partition: int
    tenant: int
    generation: int


class DueStore:
    """The due rows of all tenants. An id begins with the number of its owner, a user, whose partition it lies in."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def schedule(self, tenant: Tenant, row: str, at: int, action: bytes, now: int, reference: str) -> int:
        """Write a row under its id; gives its time, or that of the first row with this id, which may be done already."""
        now, rows, period, _ = reference_arguments(now, reference)
        time: int = await self._store.call(
            tenant, scripts.SCHEDULE, partition_of_row(row), now, rows, period, row, at, action, BOUND
        )
        return time

    async def find(self, tenant: Tenant, row: str) -> Row | None:
        """A row, given up or not; its `time` is its `at`."""
        value = await self._store.call(tenant, scripts.DUE_ROW, partition_of_row(row), row)
        return _row(row, None, value) if value is not None else None

    async def remove(self, tenant: Tenant, ids: Sequence[str]) -> list[int]:
        """Remove rows of one owner; how often each was tried, -1 where there is none."""
        tries: list[int] = await self._store.call(tenant, scripts.FINISH_DUE, partition_of_row(ids[0]), *ids)
        return tries

    async def page(
        self, tenant: Tenant, partition: int, owner: str, limit: int, after: tuple[int, str] | None, *, failed: bool
    ) -> tuple[list[Row], tuple[int, str] | None]:
        """Rows of a partition by time, those whose id begins with `owner`, and where to go on from. A page may be short,
        even empty, and still go on; a row may come twice when the one before it has gone meanwhile."""
        time, row = after or ("", "")
        reply = await self._store.call(
            tenant, scripts.LIST_DUE, partition, "duef" if failed else "due", owner, time, row, limit
        )
        rows = [
            _row(reply[index].decode(), int(reply[index + 1]), reply[index + 2]) for index in range(2, len(reply), 3)
        ]
        return rows, (int(reply[0]), reply[1].decode()) if reply[1] else None

    async def waiting(self, now: int) -> list[DueTenant]:
        """Who has rows that are due: of every partition those with the earliest, asked in one turn. Partitions that don't
        answer are left out; raises *store unavailable* when none does."""
        asked = await asyncio.gather(
            *(
                self._store.command(
                    partition, "ZRANGE", _index(partition), "-inf", now, "BYSCORE", "LIMIT", 0, _TENANTS_AT_ONCE
                )
                for partition in range(PARTITIONS)
            ),
            return_exceptions=True,
        )
        problems = [reply for reply in asked if isinstance(reply, BaseException)]
        for problem in problems:
            if len(problems) == len(asked) or not isinstance(problem, Failure):
                raise problem
        found = []
        for partition, reply in enumerate(asked):
            for member in [] if isinstance(reply, BaseException) else reply:
                number, _, generation = member.decode().partition(":")
                found.append(DueTenant(partition, int(number), int(generation)))
        return found

    async def claim(
        self, tenant: Tenant, partition: int, now: int, *, lease_ms: int, limit: int, tries: int
    ) -> list[Claimed]:
        """Up to `limit` due rows for the caller to carry out, each hidden from others until its lease ends. A row that was
        tried `tries` times is given up instead."""
        reply = await self._store.call(tenant, scripts.CLAIM_DUE, partition, now, lease_ms, limit, tries, FAILED_BOUND)
        return [Claimed(reply[index].decode(), reply[index + 1], reply[index + 2]) for index in range(0, len(reply), 3)]

    async def give_up(self, tenant: Tenant, row: str, now: int, reason: str) -> None:
        """Put a row aside for good."""
        await self._store.call(tenant, scripts.GIVE_UP_DUE, partition_of_row(row), now, row, reason, FAILED_BOUND)

    async def retry(self, tenant: Tenant, row: str, now: int) -> bool:
        """Make a given-up row due at once; false when there is none."""
        return bool(await self._store.call(tenant, scripts.RETRY_DUE, partition_of_row(row), now, row))

    async def drop(self, waiting: DueTenant) -> None:
        """Forget all rows of a tenant's generation that is no more, in one partition."""
        prefix = f"{tenant_key(waiting.partition, waiting.tenant).decode()}:{waiting.generation}:"
        await self._store.command(waiting.partition, "UNLINK", f"{prefix}due", f"{prefix}duef", f"{prefix}dueb")
        member = f"{waiting.tenant}:{waiting.generation}"
        await self._store.command(waiting.partition, "ZREM", _index(waiting.partition), member)


def partition_of_row(row: str) -> int:
    """Where a row lies: its id begins with its owner's number. Any other text leads somewhere too, and finds nothing."""
    owner = row.partition(":")[0]
    return partition_of(int(owner)) if owner.isdecimal() and len(owner) <= _NUMBER_DIGITS else 0


def _index(partition: int) -> str:
    return system_key("due", partition)


def _row(name: str, time: int | None, value: bytes) -> Row:
    at, tries, length = int.from_bytes(value[:6], "big"), value[6], value[7]
    reason = value[_HEADER : _HEADER + length].decode()
    return Row(name, at, at if time is None else time, tries, reason, value[_HEADER + length :])
