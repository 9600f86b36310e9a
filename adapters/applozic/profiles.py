"""A user's profile: what the vendor knows of a user beside the neutral words, and the user object that replies show.

The display name is neutral, and so is the app's own map, which is the vendor's metadata. All else is left over in the profile
under this dialect's name.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from adapters.applozic.options import NAME
from adapters.applozic.wire import Fields, flat
from adapters.contract import Call
from core.model import Presence, Relationship, User, UserKey, leftovers_of, with_leftovers

BOT, APPLICATION_ADMIN, USER, ADMIN, BUSINESS, BROADCASTER, SUPPORT, AGENT = range(1, 9)
ROLES = {
    "BOT": BOT,
    "APPLICATION_ADMIN": APPLICATION_ADMIN,
    "USER": USER,
    "ADMIN": ADMIN,
    "BUSINESS": BUSINESS,
    "APPLICATION_BROADCASTER": BROADCASTER,
    "SUPPORT": SUPPORT,
    "AGENT": AGENT,
}
ADMINISTRATORS = frozenset({BOT, APPLICATION_ADMIN, ADMIN})
"""Roles that administer the application: they act for others."""
ROLE = "roleType"
CREATED = "createdAtTime"
"""When a user who moved in was made elsewhere (epoch ms)."""
# What is kept under which name, and the names under which requests have it.
_OWN = {
    "imageLink": ("imageLink",),
    "email": ("email", "emailId"),
    "phoneNumber": ("phoneNumber", "contactNumber"),
    "statusMessage": ("statusMessage",),
    "userTypeId": ("userTypeId",),
    "countryCode": ("countryCode",),
    "timezone": ("timezone",),
}
_SHOWN = ("imageLink", "email", "phoneNumber", "statusMessage", "userTypeId")


class Profile(msgspec.Struct, frozen=True):
    """What a request says of a user; none for what it does not speak of."""

    name: str | None
    own: dict[str, Any]
    metadata: dict[str, str] | None

    def of(self, user: User) -> User:
        """The user with this profile: metadata is merged, what is not spoken of stays."""
        known = msgspec.structs.replace(
            user,
            name=self.name if self.name is not None else user.name,
            attributes=(user.attributes or {}) | self.metadata if self.metadata else user.attributes,
        )
        return with_leftovers(known, NAME, leftovers_of(user, NAME) | self.own)


def read_profile(fields: Fields, role: int | None = None) -> Profile:
    """The profile in a request; the role only where the caller may give one. Raises *bad request* for fields of a wrong type."""
    found = {name: value for name, wanted in _OWN.items() if (value := fields.text(*wanted)) is not None}
    if role is not None:
        found[ROLE] = role  # type: ignore[assignment]  # the one that is no text
    return Profile(fields.text("displayName"), dict(found), fields.metadata("metadata"))


def role_of(user: User) -> int:
    """The user's role in the application."""
    role = leftovers_of(user, NAME).get(ROLE, USER)
    return role if isinstance(role, int) else USER


def role_named(text: str) -> int | None:
    """A role by its name or its number; none when there is no such role."""
    return ROLES.get(text.upper()) or next((role for role in ROLES.values() if str(role) == text), None)


def key_of(user: User) -> UserKey:
    """The place of a user's name."""
    return UserKey(user.id, user.number)


def user_object(
    user: User,
    presence: Presence | None = None,
    unread: int | None = None,
    relationship: Relationship | None = None,
    muted_until: int | None = None,
) -> dict[str, Any]:
    """A registered user as replies show it. What is not known is left out, never null."""
    known = leftovers_of(user, NAME)
    shown: dict[str, Any] = {
        "userId": user.id,
        "userName": user.name or user.id,
        "connected": presence is not None and presence.online,
        "createdAtTime": known.get(CREATED, user.created),
        "active": user.active,
        "deactivated": not user.active,
        "connectedClientCount": len(presence.stations) if presence is not None else 0,
        ROLE: role_of(user),
        "metadata": flat(user.attributes) if user.attributes else {},
    }
    if user.name is not None:
        shown["displayName"] = user.name
    for name in _SHOWN:
        if name in known:
            shown[name] = known[name]
    if presence is not None and presence.last_seen is not None:
        shown["lastSeenAtTime"] = presence.last_seen
    if unread is not None:
        shown["unreadCount"] = unread
    if relationship is not None:
        shown["blockedByThis"] = relationship.blocks
        shown["blockedByOther"] = relationship.is_blocked
    if muted_until is not None:
        shown["notificationAfterTime"] = muted_until
    return shown


def stranger(name: str, unread: int | None = None) -> dict[str, Any]:
    """A name that nobody registered, in the place of a user object: messages were exchanged with it all the same."""
    shown: dict[str, Any] = {"userId": name, "userName": name, "connected": False, "metadata": {}}
    if unread is not None:
        shown["unreadCount"] = unread
    return shown


async def user_objects(
    call: Call,
    names: Sequence[str],
    viewer: UserKey | None = None,
    *,
    unread: Mapping[str, int] | None = None,
    strangers: bool = True,
) -> list[dict[str, Any]]:
    """The user objects of names, in their order, read in two turns whatever their number: with their presence, what they are to
    the `viewer`, and the unread counts that are given. Names that nobody registered are shown as far as `strangers` are
    wanted."""
    counts = unread or {}
    found = await call.core.users.find_many(call.tenant, names)
    users = [user for user in found if user is not None]
    presences, relationships = await _seen(call, users, viewer)
    shown = []
    for name, user in zip(names, found, strict=True):
        if user is not None:
            shown.append(user_object(user, presences.get(name), counts.get(name), relationships.get(name)))
        elif strangers:
            shown.append(stranger(name, counts.get(name)))
    return shown


async def _seen(
    call: Call, users: Sequence[User], viewer: UserKey | None
) -> tuple[dict[str, Presence], dict[str, Relationship]]:
    """Where users are, and what they are to the viewer, by their ids."""
    keys = [key_of(user) for user in users]
    others = [key for key in keys if viewer is not None and key.number != viewer.number]
    presences, relationships = await asyncio.gather(
        call.core.presence.read(call.tenant, keys) if keys else _nothing(),
        call.core.relations.look(call.tenant, viewer, others) if viewer is not None and others else _nothing(),
    )
    return (
        {key.id: presence for key, presence in zip(keys, presences, strict=True)},
        {key.id: relationship for key, relationship in zip(others, relationships, strict=True)},
    )


async def _nothing() -> list[Any]:
    return []
