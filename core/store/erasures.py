"""Erasures of users that are under way, and their steps in the store."""

import msgspec

from core.ids import conversation_bucket
from core.model import SHOWN, Tenant, UserKey
from core.names import fold
from core.store import scripts
from core.store.due import DueStore
from core.store.keys import PARTITIONS, partition_of, system_key
from core.store.store import Store

_ERASURES = system_key("erasures")
_BACKUP = system_key("backup")
_BACKUP_LIFE_MS = 60_000
NAMES = -1
"""The step before the partitions: the user's names."""
MESSAGES_AT_ONCE = 500
"""About how many messages one call looks at: a millisecond or two of the server's time."""
_DUE_AT_ONCE = 100
_MAXIMUM_PAGES = 1 << 10


class Erasure(msgspec.Struct, frozen=True, array_like=True):
    """A user who is being erased; partitions below `partition` hold nothing of the user any more."""

    tenant: int
    generation: int
    user: UserKey
    began: int
    """Epoch ms."""
    partition: int = NAMES

    @property
    def field(self) -> str:
        return f"{self.tenant}:{self.generation}:{self.user.number}"


encode_erasure = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Erasure).decode


class ErasureStore:
    """The erasures that are under way, those of all tenants in the system's partition."""

    def __init__(self, store: Store, due: DueStore) -> None:
        self._store = store
        self._due = due

    async def all(self) -> list[Erasure]:
        """All of them."""
        return [_decode(packed) for packed in await self._store.command(0, "HVALS", _ERASURES)]

    async def pause(self) -> None:
        """Erase nothing for a minute: a backup is being made, and knows of the erasures under way."""
        await self._store.run_system(scripts.PAUSE_ERASURES, _BACKUP, _BACKUP_LIFE_MS)

    async def resume(self) -> None:
        """Go on erasing."""
        await self._store.command(0, "DEL", _BACKUP)

    async def is_paused(self) -> bool:
        """Whether a backup is being made."""
        return bool(await self._store.command(0, "EXISTS", _BACKUP))

    async def add(self, erasure: Erasure) -> None:
        """Note that a user is to be erased; from here on it is done, whoever dies."""
        await self._store.run_system(scripts.BEGIN_ERASURE, _ERASURES, erasure.field, encode_erasure(erasure))

    async def any(self) -> Erasure | None:
        """One of them, whichever."""
        found = await self._store.command(0, "HRANDFIELD", _ERASURES, 1, "WITHVALUES")
        return _decode(found[1]) if found else None

    async def advance(self, erasure: Erasure) -> Erasure | None:
        """Note that a step is done. None when that was the last one, or when another worker has noted it."""
        following = msgspec.structs.replace(erasure, partition=erasure.partition + 1)
        last = following.partition == PARTITIONS
        noted = await self._store.run_system(
            scripts.RECLAIMED,
            _ERASURES,
            erasure.field,
            encode_erasure(erasure),
            b"" if last else encode_erasure(following),
        )
        return following if noted and not last else None

    async def drop(self, erasure: Erasure) -> None:
        """Forget an erasure in a generation that has ended."""
        await self._store.command(0, "HDEL", _ERASURES, erasure.field)

    async def forget_names(self, tenant: Tenant, user: UserKey) -> None:
        """Take the user's names, profile and password away; the name is free then."""
        partition = partition_of(user.number)
        await self._store.call(tenant, scripts.FORGET_NAME, partition, user.id, fold(user.id), user.number)

    async def forget_due(self, tenant: Tenant, user: UserKey) -> None:
        """Remove what the user has scheduled."""
        partition = partition_of(user.number)
        for failed in (False, True):
            after: tuple[int, str] | None = None
            for _ in range(_MAXIMUM_PAGES):
                rows, after = await self._due.page(
                    tenant, partition, f"{user.number}:", _DUE_AT_ONCE, after, failed=failed
                )
                if rows:
                    await self._due.remove(tenant, [row.id for row in rows])
                if after is None:
                    break

    async def erase(self, tenant: Tenant, erasure: Erasure, done: int) -> tuple[bool, int]:
        """Go on in the erasure's partition: whether there is more to do, and a conversation in which the caller has to do
        its part before (0: none) and then give as `done`."""
        more, conversation = await self._store.call(
            tenant,
            scripts.ERASE,
            erasure.partition,
            erasure.user.number,
            SHOWN,
            MESSAGES_AT_ONCE,
            done,
        )
        return bool(more), conversation

    async def finish(self, tenant: Tenant, user: UserKey) -> None:
        """Forget how far the walks over the partitions were."""
        for partition in range(PARTITIONS):
            await self._store.call(tenant, scripts.END_WALK, partition, f"erase {user.number}")

    async def identity(self, tenant: Tenant, conversation: int) -> tuple[str, list[int]]:
        """The identity of a conversation, and the numbers of its users if it is a direct one."""
        partition = partition_of(conversation_bucket(conversation))
        identity, users = await self._store.call(tenant, scripts.FIELDS, partition, f"c:{conversation}", "i", "u")
        return identity.decode(), [int(number) for number in (users or b"").split()]
