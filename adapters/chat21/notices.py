"""What the vendor says in a group of what happens to it: messages from `system`, with the vendor's own texts and labels.

Each member who comes has a notice of his own. When more come at once than a small group holds, one notice says how many: the
vendor writes thousands of them, one behind the other.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from adapters.chat21.options import NAME
from adapters.contract import Call
from core.membership import Announce, Notice
from core.model import Event, Message, UserKey

_SYSTEM = "system"
_SYSTEM_NAME = "System"
_ONE_BY_ONE = 32
"""Newcomers who each have a notice."""


class Contact(msgspec.Struct, frozen=True):
    """How a user is spoken of. A name's first word is taken for the first name; who has no profile is called by the id."""

    fullname: str
    firstname: str = ""
    lastname: str = ""


def contact(user: str, name: str | None) -> Contact:
    """A user as the vendor's contacts have him, by the profile's display name."""
    if not name:
        return Contact(user)
    first, _, last = name.partition(" ")
    return Contact(name, first, last.strip())


_Events = Callable[[Sequence[UserKey]], list[Event]]


async def of_creation(call: Call, group_name: str, owner: str, members: Sequence[str]) -> Announce:
    """What is said when a group is created: that, and who is in it."""
    contacts = await _contacts(call, members)

    def events(users: Sequence[UserKey]) -> list[Event]:
        names = [contacts.get(user.id, Contact(user.id)).fullname for user in users]
        created = Event("group_created", {"creator": owner}, "Group created")
        return [created, *_arrivals(users, names, contacts, "joined group on creation")]

    return await _announce(call, group_name, events)


async def of_joining(call: Call, group_name: str, newcomers: Sequence[str]) -> Announce:
    """What is said when members are added."""
    contacts = await _contacts(call, newcomers)

    def events(users: Sequence[UserKey]) -> list[Event]:
        names = [contacts.get(user.id, Contact(user.id)).firstname or user.id for user in users]
        return _arrivals(users, names, contacts, "added to group")

    return await _announce(call, group_name, events)


async def of_leaving(call: Call, group_name: str) -> Announce:
    """What is said when members go, to those who stay."""

    def events(users: Sequence[UserKey]) -> list[Event]:
        return [Event("member_left", {"member_id": user.id}, f"{user.id} removed from group") for user in users]

    return await _announce(call, group_name, events)


async def _contacts(call: Call, users: Sequence[str]) -> dict[str, Contact]:
    if len(users) > _ONE_BY_ONE:
        return {}
    profiles = await call.core.users.find_many(call.tenant, users)
    return {user.id: contact(user.id, user.name) for user in profiles if user is not None}


def _arrivals(
    users: Sequence[UserKey], names: Sequence[str], contacts: Mapping[str, Contact], words: str
) -> list[Event]:
    if len(users) > _ONE_BY_ONE:
        return [Event("members_joined", {"members": len(users)}, f"{len(users)} members {words}")]
    return [
        Event(
            "member_joined",
            {"member_id": user.id, **msgspec.structs.asdict(contacts.get(user.id, Contact(user.id)))},
            f"{name} {words}",
        )
        for user, name in zip(users, names, strict=True)
    ]


async def _announce(call: Call, group_name: str, events: _Events) -> Announce:
    system = await call.core.users.key(call.tenant, _SYSTEM)
    leftovers = {"recipient_fullname": group_name}

    def announce(users: Sequence[UserKey]) -> list[Notice]:
        return [
            Notice(system, Message(_SYSTEM, event, NAME, sender_name=_SYSTEM_NAME, leftovers=leftovers))
            for event in events(users)
        ]

    return announce
