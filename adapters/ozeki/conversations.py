"""The list of conversations, and what a user does with one: clear it for everybody, note something, hide it."""

from collections.abc import Sequence

from adapters.contract import Call, Reply
from adapters.ozeki.callers import caller_of
from adapters.ozeki.friends import contacts_of
from adapters.ozeki.replies import answer
from adapters.ozeki.wholes import COLOUR, is_stale, rendered, target_in, unknown_conversation, whole
from core.conversations import Target
from core.errors import Failure, Kind
from core.model import Box, Overview

_ROWS = 1_000
_MAXIMUM_TEXT = 255
_MUTED = -1


async def list_all(call: Call) -> Reply:
    """`list`: what the user has in lists, in whatever box, and a conversation with each contact. Favourites first, then the
    latest; at most the latest 1,000."""
    caller, conversations = caller_of(call), call.core.conversations
    rows = await conversations.list(caller.tenant, caller.user, _ROWS, box=None, whole=True)
    if len(rows) >= _ROWS:
        call.losses.append(f"conversations: the latest {_ROWS} are listed")
    known = {row.peer for row in rows if row.peer is not None}
    silent: Sequence[Target] = [name for name in await contacts_of(call) if name not in known]
    if silent:
        found = await conversations.whole(caller.tenant, caller.user, silent)
        rows += [row for row in found if row is not None]
    rows.sort(key=lambda row: (not row.marks.favourite, -row.time))
    return answer({"conversations": await rendered(call, rows)})


async def clear(call: Call) -> Reply:
    """`clear`: removes all messages, for everybody. One that was asked for an instance of before does nothing any more. Who
    talked with each other stay in each other's lists: they become contacts, if they were not."""
    caller, core = caller_of(call), call.core
    target = await target_in(call)
    found = await whole(call, target)
    if not is_stale(call, found):
        if isinstance(target, int):
            await _check_may_clear(call, target)
        elif target != caller.user.id:
            (peer,) = await core.users.keys(caller.tenant, [target])
            await core.relations.add(caller.tenant, caller.user, [peer])
        await core.conversations.clear_for_all(caller.tenant, caller.user, target, station=caller.veil)
    return await _reply(call, target)


async def _check_may_clear(call: Call, group: int) -> None:
    """The vendor says nothing of groups; here their owners and admins clear them, as in the other dialects."""
    caller = caller_of(call)
    standing = await call.core.members.standing(caller.tenant, group, caller.user)
    if standing.member is None or standing.member.role not in ("owner", "admin"):
        raise Failure(Kind.FORBIDDEN, "Only the group's owner and admins clear it", reason="admin")


async def favourite(call: Call) -> Reply:
    """`favorite`"""
    return await _mark(call, favourite=True)


async def unfavourite(call: Call) -> Reply:
    """`unfavorite`"""
    return await _mark(call, favourite=False)


async def colour(call: Call) -> Reply:
    """`setlistitembackgroundcolor`: any text of up to 255 bytes; the vendor's are `#` and six hex digits."""
    text = _text(call, "color")
    return await _mark(call, colour=text if text != COLOUR else "")


async def mute(call: Call) -> Reply:
    """`mute`: for the caller, until it is taken back."""
    return await _mark(call, muted_until=_MUTED)


async def unmute(call: Call) -> Reply:
    """`unmute`"""
    return await _mark(call, muted_until=0)


async def hide(call: Call) -> Reply:
    """`hide`: keeps the client's own word for what it hid, untouched; in other dialects the conversation is hidden until
    something new comes, as it is for a client that compares the word."""
    return await _hide(call, _text(call, "hideid"), Box.HIDDEN)


async def unhide(call: Call) -> Reply:
    """`unhide`: among the shown ones again, also out of another dialect's archive."""
    return await _hide(call, "", Box.ACTIVE)


async def _hide(call: Call, word: str, box: Box) -> Reply:
    caller, conversations = caller_of(call), call.core.conversations
    target, station = await target_in(call), caller.veil
    await _marked(call, target, hidden_as=word)
    await conversations.put(caller.tenant, caller.user, target, box, station=station)
    return await _reply(call, target)


async def _mark(
    call: Call, *, muted_until: int | None = None, favourite: bool | None = None, colour: str | None = None
) -> Reply:
    target = await target_in(call)
    await _marked(call, target, muted_until=muted_until, favourite=favourite, colour=colour)
    return await _reply(call, target)


async def _marked(
    call: Call,
    target: Target,
    *,
    muted_until: int | None = None,
    favourite: bool | None = None,
    colour: str | None = None,
    hidden_as: str | None = None,
) -> None:
    caller = caller_of(call)
    await whole(call, target)  # a stranger's marks on a group would be kept for nothing
    done = await call.core.conversations.mark(
        caller.tenant,
        caller.user,
        target,
        muted_until=muted_until,
        favourite=favourite,
        colour=colour,
        hidden_as=hidden_as,
        station=caller.veil,
    )
    if not done:
        raise unknown_conversation()


async def _reply(call: Call, target: Target) -> Reply:
    found: Overview = await whole(call, target)
    (row,) = await rendered(call, [found])
    return answer({"conversation": row})


def _text(call: Call, field: str) -> str:
    value = caller_of(call).body.get(field)
    if not isinstance(value, str) or not value or len(value.encode(errors="replace")) > _MAXIMUM_TEXT:
        raise Failure(
            Kind.BAD_REQUEST, f"{field} must be a text of 1 to {_MAXIMUM_TEXT} bytes", reason="body", field=field
        )
    return value
