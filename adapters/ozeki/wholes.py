"""Conversations as a chat client sees them: found by their ids, and rendered for one of their participants."""

import asyncio
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from adapters.contract import Call
from adapters.ozeki.callers import Caller, caller_of
from adapters.ozeki.codec import message_id
from adapters.ozeki.ids import conversation_id, group_id, own_number
from adapters.ozeki.keys import conversation_secret, known_keys, sealed
from core.conversations import Target
from core.errors import Failure, Kind
from core.model import Box, Outline, Overview, Tenant, User

COLOUR = "#ffffff"
_MEMBERS = 200
_SEALED_HERE = 20
_INSTANCE_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_INSTANCE_LENGTH = 10


async def target_in(call: Call) -> Target:
    """Whose conversation the body's `conversationid` is. Raises *not found* with reason `conversation`."""
    caller = caller_of(call)
    text = caller.body.get("conversationid")
    if not isinstance(text, str):
        raise Failure(Kind.BAD_REQUEST, "conversationid is missing", reason="body", field="conversationid")
    handle = text.strip().lower()
    known = call.core.handles.remembered(caller.tenant, caller.user, handle)
    if known is not None:
        return known
    group = own_number(call.core.ids(caller.tenant), handle)
    if group is not None:
        return group

    def name(peer: str) -> str:
        return conversation_id(caller.id, caller.id_of(peer))

    peer = await call.core.handles.peer(caller.tenant, caller.user, handle, name)
    if peer is None:
        raise unknown_conversation()
    return peer


async def whole(call: Call, target: Target) -> Overview:
    """The conversation as it is now. Raises *not found* with reason `conversation`."""
    caller = caller_of(call)
    (found,) = await call.core.conversations.whole(caller.tenant, caller.user, [target])
    if found is None:
        raise unknown_conversation()
    return found


def unknown_conversation() -> Failure:
    """The caller has no such conversation."""
    return Failure(Kind.NOT_FOUND, "There is no such conversation", reason="conversation")


def instance_of(tenant: Tenant, overview: Outline) -> str:
    """What clients tell by that they have to fetch a conversation anew: another one after each clearing."""
    return _digits(tenant, b"%d:%d:%d" % (tenant.generation, overview.conversation, overview.epoch))


def is_stale(call: Call, overview: Outline) -> bool:
    """Whether the body's `instance` is one of before the last clearing. An empty one is none."""
    caller = caller_of(call)
    given = caller.body.get("instance")
    return bool(given) and given != instance_of(caller.tenant, overview)


def id_of(call: Call, caller: Caller, overview: Overview) -> str:
    """The conversation's id here."""
    return handle_of(call, caller, overview.peer if overview.group_number is None else overview.group_number)


def handle_of(call: Call, caller: Caller, target: Target | None) -> str:
    """The same of a peer or a group's number."""
    if isinstance(target, int):
        return group_id(call.core.ids(caller.tenant), target)
    return conversation_id(caller.id, caller.id_of(target or ""))


async def rendered(call: Call, overviews: Sequence[Overview]) -> list[dict[str, Any]]:
    """Conversations for the caller, in their order."""
    caller, core = caller_of(call), call.core
    numbers = [row.group_number for row in overviews if row.group_number is not None]
    views = await core.groups.views(caller.tenant, numbers, members=_MEMBERS) if numbers else []
    members = {
        number: [member.id for member in view.members] if view is not None else []
        for number, view in zip(numbers, views, strict=True)
    }
    if any(view is not None and view.total > len(view.members) for view in views):
        call.losses.append(f"participants: the first {_MEMBERS} of a group are named")
    names = {caller.user.id, *(row.peer for row in overviews if row.peer is not None)}
    names.update(name for some in members.values() for name in some)
    ordered = sorted(names)
    found = await core.users.find_many(caller.tenant, ordered)
    users = dict(zip(ordered, found, strict=True))
    key = known_keys_of(users[caller.user.id])
    named = [(conversation_secret(caller.tenant, row.conversation), _name(row, users)) for row in overviews]
    # Tenths of a millisecond each, where the secret was not encrypted here before.
    all_sealed = sealed(named, key) if len(named) <= _SEALED_HERE else await asyncio.to_thread(sealed, named, key)
    rows = []
    for row, (secret, name) in zip(overviews, all_sealed, strict=True):
        present = {caller.user.id, row.peer} if row.peer is not None else {*members[row.group_number or 0]}
        shown = _row(call, row, users, sorted(each for each in present if each is not None))
        rows.append(shown | {"displayname": name, "secret": secret})
    return rows


def known_keys_of(user: User | None) -> bytes:
    """The user's public key, empty for who never logged in."""
    keys = known_keys(user) if user is not None else None
    return keys.public if keys is not None else b""


def nick(users: dict[str, User | None], name: str) -> str:
    """What a user is called."""
    user = users.get(name)
    return (user.name if user is not None else None) or name


def _name(overview: Overview, users: dict[str, User | None]) -> str:
    if overview.group_number is None:
        return nick(users, overview.peer or "")
    return overview.group.name if overview.group is not None else ""


def _row(call: Call, overview: Overview, users: dict[str, User | None], participants: list[str]) -> dict[str, Any]:
    """The object without what is encrypted in it."""
    caller = caller_of(call)
    tenant, ids, marks = caller.tenant, call.core.ids(caller.tenant), overview.marks
    by_id = sorted((caller.id_of(name), name) for name in participants)
    instance, last = instance_of(tenant, overview), overview.last
    last_message = message_id(last, ids) if last is not None else ""
    is_muted = marks.muted_until == -1 or marks.muted_until > call.now
    hidden_as = marks.hidden_as or ("" if overview.box is Box.ACTIVE else f"{instance};{last_message}")
    properties = {
        "userid": caller.id,
        "ismuted": is_muted,
        "isfavorite": marks.favourite,
        "hideid": hidden_as,
        "listitembackgroundcolor": marks.colour or COLOUR,
    }
    return {
        "id": id_of(call, caller, overview),
        "isgroup": overview.group_number is not None,
        "participantids": [user for user, _ in by_id],
        "participants": [{"userid": user, "username": nick(users, name)} for user, name in by_id],
        "displayname": "",
        "lastmessageid": last_message,
        "lastreportid": _report_token(tenant, overview),
        "lastaccess": overview.time // 1000,
        "secret": "",
        "instance": instance,
        "mutedby": [caller.id] if is_muted else [],
        "favoriteby": [caller.id] if marks.favourite else [],
        "hiddenby": [],
        "properties": [properties],
    }


def _report_token(tenant: Tenant, overview: Overview) -> str:
    """Another one with each report; the vendor's looks like no report's id."""
    if not overview.reports:
        return ""
    place = b"%d:%d" % (overview.conversation, overview.reports)
    return blake2b(place, key=tenant.secret, person=b"reports", digest_size=16).hexdigest()


def _digits(tenant: Tenant, place: bytes) -> str:
    value = int.from_bytes(blake2b(place, key=tenant.secret, person=b"instance", digest_size=16).digest())
    digits = ""
    for _ in range(_INSTANCE_LENGTH):
        value, digit = divmod(value, len(_INSTANCE_CHARACTERS))
        digits += _INSTANCE_CHARACTERS[digit]
    return digits
