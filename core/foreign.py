"""Use cases of foreign ids: those that clients, or other systems, gave to messages."""

from collections.abc import Sequence

from core.errors import Failure, Kind
from core.model import Tenant
from core.names import fits
from core.store.foreign import ForeignStore

MAXIMUM_FOREIGN_BYTES = 512
MAXIMUM_OF_A_MESSAGE = 1_000
"""Foreign ids that one message may have in a dialect; a message that another system keeps in parts has several."""


class Foreign:
    """The two-way map between messages and foreign ids, by dialect."""

    def __init__(self, store: ForeignStore) -> None:
        self._store = store

    async def link(self, tenant: Tenant, dialect: str, foreign: str, message: int) -> int:
        """Make a foreign id lead to a message, after the message was stored. The first message that an id was linked to keeps
        it: what is given back is that one's id, and whoever needs to know compares.

        Both ways are written one after the other. Linking again completes what a crash left out, whichever way that is.
        Raises *not found* with reason `message`, *bad request* with reason `foreign` for an id that is empty, over 512 bytes,
        or the 1,001st of a message.
        """
        if not _is_legal(foreign):
            raise _refused(f"A foreign id has 1 to {MAXIMUM_FOREIGN_BYTES} bytes")
        if self._store.place(tenant, message) is None:
            raise _unknown(message)
        first = await self._store.link(tenant, dialect, foreign, message)
        place = self._store.place(tenant, first)
        if place is None:
            raise _unknown(first)
        done = await self._store.link_back(tenant, dialect, foreign, place, MAXIMUM_OF_A_MESSAGE)
        if not done and first == message:
            # It leads to nothing, or is not found from its message: as if it had not been asked for.
            await self._store.unlink(tenant, dialect, foreign, message)
            raise _unknown(message) if done is None else _refused("The message has too many foreign ids")
        return first

    async def find(self, tenant: Tenant, dialect: str, foreign: str) -> int | None:
        """The id of the message that a foreign id leads to; none for an unknown one. The message may be gone since."""
        return await self._store.find(tenant, dialect, foreign) if _is_legal(foreign) else None

    async def of(self, tenant: Tenant, dialect: str, messages: Sequence[int]) -> list[list[str]]:
        """The foreign ids of messages in a dialect, each's in the order of linking, in one turn."""
        return await self._store.of(tenant, dialect, messages)


def _is_legal(foreign: str) -> bool:
    return bool(foreign) and fits(foreign, MAXIMUM_FOREIGN_BYTES)


def _unknown(message: int) -> Failure:
    return Failure(Kind.NOT_FOUND, "No such message", reason="message", subject=str(message))


def _refused(text: str) -> Failure:
    return Failure(Kind.BAD_REQUEST, text, reason="foreign")
