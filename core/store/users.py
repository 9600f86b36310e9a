"""Users' rows: names and their places, profiles, password hashes. They lie in the partition of the folded name."""

from collections.abc import Callable, Sequence
from heapq import nsmallest

import msgspec

from core.errors import Failure, Kind
from core.ids import BUCKET_BITS, BUCKETS, bucket_of
from core.model import Tenant, User, UserKey
from core.names import fold, is_reserved
from core.store import scripts
from core.store.connection import Argument
from core.store.keys import PARTITIONS, partition_of
from core.store.packing import encode_profile
from core.store.references import reference_arguments
from core.store.store import Store, Work

MAXIMUM_PROFILE_BYTES = 1 << 16
_MAXIMUM_REMEMBERED = 200_000
_HIGHEST_COUNT = (1 << 40) - 1
_TRIES = 20
_NOBODY = 0
_DONE = 1

decode_user = msgspec.msgpack.Decoder(User).decode

_Slot = tuple[int, int, int, str]
"""Tenant, generation, how many users were erased in it, name."""


class _Memory:
    """What a worker remembers of places: they never change until a user is erased. Bounded; the oldest goes first."""

    def __init__(self) -> None:
        self.rows: dict[_Slot, UserKey] = {}

    def get(self, tenant: Tenant, name: str) -> UserKey | None:
        return self.rows.get((tenant.number, tenant.generation, tenant.erasures, name))

    def put(self, tenant: Tenant, name: str, key: UserKey) -> None:
        if len(self.rows) >= _MAXIMUM_REMEMBERED:
            del self.rows[next(iter(self.rows))]
        self.rows[tenant.number, tenant.generation, tenant.erasures, name] = key


class UserStore:
    """The users of all tenants, in the store. A user's number is a count of the tenant with the bucket of the folded name
    in its lower bits, so a number leads to its partition."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._exact = _Memory()
        self._folded = _Memory()

    async def key(self, tenant: Tenant, name: str, folded: bool) -> UserKey:
        """The place of a name, made when there is none."""
        return (await self.keys(tenant, (name,), folded))[0]

    def remembered(self, tenant: Tenant, names: Sequence[str], folded: bool) -> list[UserKey | None]:
        """The places of names as far as this worker knows them."""
        rows = (self._folded if folded else self._exact).rows
        number, generation, erasures = tenant.number, tenant.generation, tenant.erasures
        return [rows.get((number, generation, erasures, name)) for name in names]

    async def keys(self, tenant: Tenant, names: Sequence[str], folded: bool) -> list[UserKey]:
        """The places of names, made where there are none, in the order of the names."""
        found = await self._find(tenant, names, folded)
        unplaced = [name for name in dict.fromkeys(names) if name not in found]
        if unplaced:
            last = await self._store.call(
                tenant, scripts.COUNTER, partition_of(tenant.number), "user", len(unplaced), _HIGHEST_COUNT
            )
            numbers = {
                name: count << BUCKET_BITS | bucket_of(fold(name))
                for count, name in enumerate(unplaced, last - len(unplaced) + 1)
            }
            found |= await self._look(tenant, unplaced, folded, numbers)
        return [found[name] for name in names]

    async def known_key(self, tenant: Tenant, name: str, folded: bool) -> UserKey | None:
        """The place of a name; none is made."""
        known = (self._folded if folded else self._exact).get(tenant, name)
        return known or (await self._find(tenant, (name,), folded)).get(name)

    async def known_keys(self, tenant: Tenant, names: Sequence[str], folded: bool) -> list[UserKey | None]:
        """The places of names, as far as they have one; none is made."""
        found = await self._find(tenant, names, folded)
        return [found.get(name) for name in names]

    async def _find(self, tenant: Tenant, names: Sequence[str], folded: bool) -> dict[str, UserKey]:
        """The places of those names that have one."""
        remembered = zip(names, self.remembered(tenant, names, folded), strict=True)
        found = {name: key for name, key in remembered if key is not None}
        missing = [name for name in dict.fromkeys(names) if name not in found]
        return found | await self._look(tenant, missing, folded, {}) if missing else found

    async def _look(
        self, tenant: Tenant, names: Sequence[str], folded: bool, numbers: dict[str, int]
    ) -> dict[str, UserKey]:
        """Look names up, placing those that have a number in `numbers`; places that stay as they are, are remembered. A
        folding name stays with its folded form only when nobody can take it by registering."""
        by_partition: dict[int, list[str]] = {}
        for name in names:
            by_partition.setdefault(partition_of(bucket_of(fold(name))), []).append(name)
        works: list[Work] = []
        for partition, group in by_partition.items():
            arguments: list[Argument] = [1 if folded else 0]
            for name in group:
                arguments += (name, fold(name), numbers.get(name, 0))
            works.append((scripts.NAMES, partition, arguments))
        memory = self._folded if folded else self._exact
        found = {}
        replies = await self._store.calls(tenant, works)
        for group, reply in zip(by_partition.values(), replies, strict=True):
            for index, name in enumerate(group):
                text, number, settled = reply[3 * index : 3 * index + 3]
                if number:
                    key = found[name] = UserKey(text.decode(), number)
                    if settled or is_reserved(name):
                        memory.put(tenant, name, key)
        return found

    async def register(
        self, tenant: Tenant, user: User, credential: bytes | None, reference: str | None, *, folded: bool
    ) -> bool:
        """Write profile and password hash of a placed name; false when it, or when it folds another spelling of it, is
        registered."""
        arguments = (*reference_arguments(user.created, reference), user.id, fold(user.id), user.number)
        done = await self._store.call(
            tenant,
            scripts.REGISTER,
            _partition(user.id),
            *arguments,
            _packed(user),
            credential or b"",
            1 if folded else 0,
        )
        return bool(done)

    async def profiles(self, tenant: Tenant, names: Sequence[str], folded: bool) -> list[User | None]:
        """The profiles of registered users by their names, in one turn."""
        return [decode_user(row) if row is not None else None for row in await self._rows(tenant, names, folded)]

    async def _rows(self, tenant: Tenant, names: Sequence[str], folded: bool) -> list[bytes | None]:
        by_partition: dict[int, list[int]] = {}
        for index, name in enumerate(names):
            by_partition.setdefault(_partition(name), []).append(index)
        works: list[Work] = [
            (
                scripts.PROFILES,
                partition,
                (1 if folded else 0, *(fold(names[index]) if folded else names[index] for index in indexes)),
            )
            for partition, indexes in by_partition.items()
        ]
        found: list[bytes | None] = [None] * len(names)
        for indexes, reply in zip(by_partition.values(), await self._store.calls(tenant, works), strict=True):
            for index, packed in zip(indexes, reply, strict=True):
                found[index] = packed
        return found

    async def update(
        self, tenant: Tenant, name: str, folded: bool, change: Callable[[User], User], credential: bytes | None
    ) -> User | None:
        """Replace a profile by what `change` makes of it, and the password hash if there is one; none when nobody registered
        the name. Raises *too large*, *conflict* with reason `user` when many change it at once."""
        for _ in range(_TRIES):
            row = (await self._rows(tenant, (name,), folded))[0]
            if row is None:
                return None
            changed = change(decode_user(row))
            arguments = (changed.id, row, _packed(changed), credential or b"")
            done = await self._store.call(tenant, scripts.UPDATE_USER, _partition(changed.id), *arguments)
            if done == _NOBODY:
                return None
            if done == _DONE:
                return changed
        raise Failure(Kind.CONFLICT, "The user is being changed by many at once", reason="user", subject=name)

    async def attempt(self, tenant: Tenant, name: str, most: int, window: int) -> tuple[int, User | None, bytes | None]:
        """Count an attempt to log in. How long to wait (ms, 0: go on), and then the profile, and salt and hash of the password,
        as far as there are any."""
        wait, *found = await self._store.call(tenant, scripts.ATTEMPT, _partition(name), name, most, window)
        profile, credential = found or (None, None)
        return wait, decode_user(profile) if profile is not None else None, credential

    async def forgive(self, tenant: Tenant, name: str) -> None:
        """Forget the attempts, after one that succeeded."""
        await self._store.call(tenant, scripts.FORGIVE, _partition(name), name)

    async def guess(self, tenant: Tenant, login: str, place: int, digest: bytes, most: int, window: int) -> bool:
        """Note a wrong secret, by its digest (empty: it was the right one), that was tried from a place; whether there were too
        many before."""
        arguments = (f"{place}:{login}", digest, most, window)
        return bool(await self._store.call(tenant, scripts.GUESS, _partition(login), *arguments))

    async def of_number(self, tenant: Tenant, number: int) -> User | None:
        """The profile of the registered user with a number."""
        partition = partition_of(number & BUCKETS - 1)
        for packed in await self._store.call(tenant, scripts.ROSTER, partition, number - 1, 1):
            user = decode_user(packed)
            return user if user.number == number else None
        return None

    async def page(self, tenant: Tenant, after: int, limit: int) -> list[User]:
        """Registered users with a number above `after`, lowest numbers first."""
        works: list[Work] = [(scripts.ROSTER, partition, (after, limit)) for partition in range(PARTITIONS)]
        replies = await self._store.calls(tenant, works)
        users = (decode_user(packed) for reply in replies for packed in reply)
        return nsmallest(limit, users, key=lambda user: user.number)


def _packed(user: User) -> bytes:
    return encode_profile(user, MAXIMUM_PROFILE_BYTES, "user")


def _partition(name: str) -> int:
    return partition_of(bucket_of(fold(name)))
