"""What a station has not been told yet: conversations, lists and friends that changed.

Nobody marks anything for a station when a message is sent: what changed since it asked last is found out when it asks. So it notes
how far it was told, what it was told of the last two seconds (messages of workers whose clocks differ may come behind each
other by so much), and how available the friends were that it was shown.
"""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from adapters.contract import Call, Reply
from adapters.ozeki.callers import Caller, caller_of
from adapters.ozeki.codec import STATION
from adapters.ozeki.options import NAME, Options
from adapters.ozeki.replies import answer
from adapters.ozeki.wholes import handle_of
from core.clock import LAG_MS
from core.messages import Query
from core.model import SHOWN, Change, Presence, Stored, Tenant, UserKey

SEEN_NOTE = "seen"
UNAVAILABLE = "unavailable"
_AVAILABLE = "available"
_STATES = frozenset({_AVAILABLE, "away", "busy"})
_REMEMBERED_MS = 86_400_000
"""For how long changes of lists are known."""
_REWRITTEN_MS = 60_000
"""How far behind a note may stay that nothing else would change."""
_LOOKED_INTO = 20


class _Seen(msgspec.Struct, frozen=True, array_like=True):
    since: int
    told: dict[str, int]
    """What was told of the last seconds, with its times."""
    friends: dict[str, str]
    """How available whom was."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Seen).decode


async def beginning(call: Call, tenant: Tenant, user: UserKey) -> bytes:
    """The note of a station at its login: all that is there now is known."""
    found = await call.core.conversations.changed(tenant, user, call.now - LAG_MS)
    return _encode(_Seen(call.now, {_name(change): change.time for change in found}, {}))


async def download(options: Options, call: Call) -> Reply:
    """`chatnotification`, `download`: and from now on it is told. Keeps an available station available."""
    caller, core = caller_of(call), call.core
    seen = await _seen(call)
    found = await core.conversations.changed(caller.tenant, caller.user, seen.since - LAG_MS)
    own_names = (caller.veil, caller.station.name)
    news = [
        change for change in found if seen.told.get(_name(change)) != change.time and change.station not in own_names
    ]
    messages = [change for change in news if change.what == "message"]
    own = await asyncio.gather(*(_is_own(call, seen, change) for change in messages[-_LOOKED_INTO:]))
    hidden = {change for change, is_own in zip(messages[-_LOOKED_INTO:], own, strict=True) if is_own}
    news = [change for change in news if change not in hidden]
    friends = await _friends(options, call, seen)
    changed = {name: state for name, state in friends.items() if seen.friends[name] != state}
    since = max(call.now, *(change.time for change in found)) if found else call.now
    is_new = any(seen.told.get(_name(change)) != change.time for change in found)
    if is_new or changed or since - seen.since > _REWRITTEN_MS:
        told = {_name(change): change.time for change in found if change.time > since - LAG_MS}
        await core.stations.note(NAME, caller.station, SEEN_NOTE, _encode(_Seen(since, told, friends)))
    conversations = [_handle(call, caller, change) for change in news if change.what != "notes"]
    lists = any(change.what != "message" and change.what != "report" for change in news)
    lists = (
        lists
        or any(change.is_new and _name(change) not in seen.told for change in news)
        or call.now - seen.since > _REMEMBERED_MS
    )
    return answer(
        {
            "friendavailabilitesof": [caller.id_of(name) for name in changed],
            "conversationchangedof": list(dict.fromkeys(conversations)),
            "conversationlistchangedof": [caller.id] if lists else [],
        }
    )


async def note_friends(call: Call, presences: Mapping[str, Presence]) -> None:
    """Remember how available friends were when the station was shown them."""
    seen = await _seen(call)
    friends = {name: availability(presence) for name, presence in presences.items()}
    if friends != seen.friends:
        note = _encode(_Seen(seen.since, seen.told, friends))
        await call.core.stations.note(NAME, caller_of(call).station, SEEN_NOTE, note)


def availability(presence: Presence) -> str:
    """The vendor's word; other dialects' words for being online mean that somebody is available."""
    states = [station.status if station.status in _STATES else _AVAILABLE for station in presence.stations]
    return _AVAILABLE if _AVAILABLE in states else (states or [UNAVAILABLE])[0]


async def _seen(call: Call) -> _Seen:
    caller = caller_of(call)
    (raw,) = await call.core.stations.notes(NAME, caller.station, SEEN_NOTE)
    return _decode(raw) if raw is not None else _Seen(caller.station.binding.since, {}, {})


async def _friends(options: Options, call: Call, seen: _Seen) -> dict[str, str]:
    """How available those are now whom the station was shown; its own stay is prolonged when half of it is over."""
    caller, core = caller_of(call), call.core
    names = list(seen.friends)
    keys = await core.users.keys(caller.tenant, names) if names else []
    own, *others = await core.presence.read(caller.tenant, [caller.user, *keys])
    lifetime = options.presence_seconds * 1000
    for station in own.stations:
        if station.name == caller.veil and station.until - call.now < lifetime // 2:
            await core.presence.set(caller.tenant, caller.user, station.name, lifetime, station.status)
    return {name: availability(presence) for name, presence in zip(names, others, strict=True)}


async def _is_own(call: Call, seen: _Seen, change: Change) -> bool:
    """Whether everything that came into a conversation was sent at this very station."""
    caller, core = caller_of(call), call.core
    after = seen.told.get(_name(change), seen.since - LAG_MS)
    query = Query(_LOOKED_INTO, since=after + 1, kinds=SHOWN)
    page = await core.messages.page(caller.tenant, change.parties, query, caller.user)
    return not page.cursor and _all_from(page.messages, caller.user.id, caller.veil)


def _all_from(messages: Sequence[Stored], sender: str, station: str) -> bool:
    return all(
        stored.message.sender == sender
        and stored.message.dialect == NAME
        and (stored.message.leftovers or {}).get(STATION) == station
        for stored in messages
    )


def _handle(call: Call, caller: Caller, change: Change) -> str:
    parties = change.parties
    if isinstance(parties, int):
        return handle_of(call, caller, parties)
    first, second = parties
    return handle_of(call, caller, second if first == caller.user.id else first)


def _name(change: Change) -> str:
    return f"{change.what}:{change.conversation}:{change.station}"
