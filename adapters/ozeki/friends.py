"""Friends, whether they are available, and who is blocked.

The vendor documents no call that makes a friend: friends are contacts (of any dialect, or made from the command line) and whoever
the user has a direct conversation with."""

from typing import Any

from adapters.contract import Call, Reply
from adapters.ozeki.callers import caller_of
from adapters.ozeki.keys import public_text
from adapters.ozeki.notifications import availability, note_friends
from adapters.ozeki.options import Options
from adapters.ozeki.replies import answer
from adapters.ozeki.wholes import known_keys_of, nick
from core.model import Relation

_ROWS = 1_000
_PAGES = 5
_STATES = {"available": "available", "away": "away", "busy": "busy"}
"""What follows `user` in the actions by which somebody becomes it; the vendor documents the first."""


async def contacts_of(call: Call) -> list[str]:
    """The caller's contacts, the earliest first."""
    return await _related(call, Relation.CONTACT)


async def list_friends(call: Call) -> Reply:
    """`list`: names, availability and public keys. Who never logged in here has no key."""
    caller, core = caller_of(call), call.core
    rows = await core.conversations.list(caller.tenant, caller.user, _ROWS, box=None)
    peers = [row.peer for row in rows if row.peer is not None]
    names = [name for name in dict.fromkeys([*await contacts_of(call), *peers]) if name != caller.user.id]
    if len(names) > _ROWS:
        call.losses.append(f"friends: the first {_ROWS} are listed")
        names = names[:_ROWS]
    users = dict(zip(names, await core.users.find_many(caller.tenant, names), strict=True))
    keys = await core.users.keys(caller.tenant, names) if names else []
    presences = await core.presence.read(caller.tenant, keys) if keys else []
    ids = {name: caller.id_of(name) for name in names}
    availabilities: list[dict[str, Any]] = [
        {
            "friendid": ids[name],
            "friendname": nick(users, name),
            "publickey": public_text(known_keys_of(users[name])),
            "availability": availability(presence),
        }
        for name, presence in zip(names, presences, strict=True)
    ]
    await note_friends(call, dict(zip(names, presences, strict=True)))
    return answer({"friends": {ids[name]: nick(users, name) for name in names}, "availabilities": availabilities})


async def available(options: Options, call: Call) -> Reply:
    """`useravailable` and its likes: the caller's own state, for as long as the client asks for notifications."""
    caller = caller_of(call)
    state = _STATES.get(str(caller.body.get("action")).removeprefix("user"))
    presence = call.core.presence
    if state is None:
        await presence.clear(caller.tenant, caller.user, caller.veil)
    else:
        lifetime = options.presence_seconds * 1000
        await presence.set(caller.tenant, caller.user, caller.veil, lifetime, state)
    return answer({})


async def blocklist(call: Call) -> Reply:
    """`blocklist`: whom the caller has blocked, in any dialect. Here nothing blocks a conversation as such."""
    caller = caller_of(call)
    names = await _related(call, Relation.BLOCK)
    return answer({"blockedusers": [caller.id_of(name) for name in names], "blockedconversations": []})


async def _related(call: Call, relation: Relation) -> list[str]:
    caller, names, after = caller_of(call), list[str](), 0
    for _ in range(_PAGES):
        rows, after = await call.core.relations.page(caller.tenant, caller.user, relation, _ROWS, after)
        names += [row.user.id for row in rows]
        if not after:
            break
    return names
