"""Conversations as lists show them: a page of one, and rows of messages wherever they lie."""

from collections.abc import Collection, Mapping, Sequence

from adapters.applozic.files import addresses
from adapters.applozic.ids import client_group_id
from adapters.applozic.rows import Readers, Thread, array
from adapters.contract import Call
from core.conversations import Target, parties_with
from core.messages import Page, Query
from core.model import Progress, Stored, UserKey

Row = tuple[Target, Stored]
"""A message, and what its viewer calls the conversation that it lies in."""
_NOTHING = Progress()


async def page(call: Call, user: UserKey, target: Target, query: Query) -> Page:
    """A page of the conversation that the user calls so."""
    return await call.core.messages.page(call.tenant, parties_with(user, target), query, user)


async def rows_of(call: Call, user: UserKey, found: Sequence[Row], progress: Mapping[Target, Progress | None]) -> bytes:
    """The JSON array of messages in their order, as the user sees them; losses are noted."""
    names = await client_group_ids(call, [target for target, _ in found if isinstance(target, int)])
    written_with = await readers_of(call, {stored.message.sender for _, stored in found})
    threads = {
        target: thread(user, target, names.get(target, "") if isinstance(target, int) else "", progress.get(target))
        for target in dict.fromkeys(target for target, _ in found)
    }
    written = [array((stored,), threads[target], written_with) for target, stored in found]
    call.losses.extend(dict.fromkeys(loss for row in written for loss in row.losses))
    return b"[" + b",".join(row.json[1:-1] for row in written) + b"]"


def thread(user: UserKey, target: Target, name: str, progress: Progress | None) -> Thread:
    """The conversation as the user sees it; `name` is a group's `clientGroupId`."""
    reached = progress or _NOTHING
    if isinstance(target, int):
        return Thread(user.id, group=target, client_group_id=name or str(target), read=reached.read)
    return Thread(
        user.id, target, read=reached.read, peer_delivered=reached.peer_delivered, peer_read=reached.peer_read
    )


async def client_group_ids(call: Call, groups: Sequence[int]) -> dict[int, str]:
    """The `clientGroupId`s of groups; of one that nobody created the digits of its number."""
    numbers = list(dict.fromkeys(groups))
    views = await call.core.groups.views(call.tenant, numbers) if numbers else []
    return {
        number: client_group_id(view.group) if view is not None else str(number)
        for number, view in zip(numbers, views, strict=True)
    }


async def readers_of(call: Call, senders: Collection[str]) -> Readers:
    """What the rows of these senders' messages are written with."""
    keys = await call.core.users.known_keys(call.tenant, list(senders)) if senders else []
    return readers(call, {key.id: key.number for key in keys if key is not None})


def readers(call: Call, numbers: Mapping[str, int]) -> Readers:
    """The same, whose senders' numbers are known."""
    return Readers(call.core.ids(call.tenant), numbers, addresses(call))
