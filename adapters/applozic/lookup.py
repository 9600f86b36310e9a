"""Which message, and which conversation, a request of the message endpoints is about."""

from collections.abc import AsyncIterator

import msgspec

from adapters.applozic.auth import acting_user
from adapters.applozic.errors import no_group
from adapters.applozic.group_target import number_of
from adapters.applozic.ids import message_number, virtual_topic
from adapters.applozic.options import NAME
from adapters.applozic.wire import Fields
from adapters.contract import Call
from core.conversations import Target
from core.ids import Parties
from core.model import Box, Overview, Stored, UserKey

_ROWS_AT_ONCE = 500
_MAXIMUM_TURNS = 10_000


class Found(msgspec.Struct, frozen=True):
    """A message that the caller sees, and the conversation that it lies in."""

    user: UserKey
    stored: Stored
    target: Target
    """As the caller calls it: the other user's id, or a group's number."""


async def caller(call: Call, fields: Fields) -> UserKey:
    """The place of the user who does this."""
    return await call.core.users.key(call.tenant, acting_user(call, fields))


async def message(call: Call, fields: Fields) -> Found | None:
    """The message of `key`, from whichever side; none for one that the caller does not see."""
    user, key = await caller(call, fields), fields.text("key", "messageKey")
    return await message_of(call, user, key) if key is not None else None


async def message_of(call: Call, user: UserKey, key: str) -> Found | None:
    """The same of a key."""
    core, tenant = call.core, call.tenant
    number = message_number(key)
    if number is None or core.ids(tenant).place(number) is None:
        number = await core.foreign.find(tenant, NAME, key)
    stored = await core.messages.get(tenant, number, user) if number is not None else None
    parties = await core.messages.parties(tenant, stored.id) if stored is not None else None
    return Found(user, stored, target_of(parties, user.id)) if stored is not None and parties is not None else None


def target_of(parties: Parties, user: str) -> Target:
    """How a user calls a conversation."""
    if isinstance(parties, int):
        return parties
    first, second = parties
    return second if first == user else first


async def conversation(call: Call, fields: Fields) -> Target | None:
    """The conversation of `userId` or a group's id; none when neither is given. Raises the vendor's error for an unknown group."""
    user = fields.text("userId")
    if user is not None:
        return user
    if fields.value("groupId", "clientGroupId") is None:
        return None
    number = await number_of(call, fields)
    topic = virtual_topic(number) if number is not None else None
    if topic is not None:
        caller, found = acting_user(call, fields), await call.core.topics.find(call.tenant, topic)
        if found is None or isinstance(found.parties, int) or caller not in found.parties:
            raise no_group()
        return target_of(found.parties, caller)
    if number is None:
        raise no_group()
    return number


async def conversations(call: Call, user: UserKey, *, since: int = 0, latest: int = 0) -> AsyncIterator[Overview]:
    """All of a user's conversations in which something was sent since a time, in whatever box; and so many of the `latest` active
    ones anyhow."""
    for box in Box:
        before, more = None, latest if box is Box.ACTIVE else 0
        for _ in range(_MAXIMUM_TURNS):
            rows = await call.core.conversations.list(call.tenant, user, _ROWS_AT_ONCE, before, box=box)
            for row in rows:
                if row.time >= since or more > 0:
                    yield row
                more -= 1
            if len(rows) < _ROWS_AT_ONCE or rows[-1].time < since:
                break
            before = rows[-1].time


def target_of_row(row: Overview) -> Target:
    """How its user calls the conversation of a row."""
    return row.peer if row.peer is not None else row.group_number or 0
