"""Users: their profiles as others see them, changes of one's own, and what administrators do with them."""

import asyncio
from collections.abc import Sequence
from typing import Any

from adapters.applozic import auth
from adapters.applozic.errors import bad_request, no_user
from adapters.applozic.options import NAME
from adapters.applozic.profiles import (
    BOT,
    CREATED,
    ROLE,
    USER,
    read_profile,
    role_named,
    role_of,
    user_objects,
)
from adapters.applozic.wire import Fields, json_reply, read, success, text_reply
from adapters.contract import Call, Reply
from core.model import User, UserKey, leftovers_of
from core.names import fold, is_legal

MAXIMUM_NAMED = 1_000
"""Users that one request asks for."""
_COUNTED = 50
"""Users whose unread messages one request counts."""
_PAGE = 500
_LARGEST_PAGE = 5_000
_PAGES = 20
"""How many pages a search goes through."""
_EARLIEST_TIME = 10**12
"""What is given back as `lastFetchTime` says how far the list was read. It is a user's number, below this; what lies above is a
time (epoch ms), which clients may ask for as well."""


async def detail(call: Call) -> Reply:
    """`user/detail`: a bare list."""
    return json_reply(await _details(call))


async def detail_enveloped(call: Call) -> Reply:
    """`POST user/v2/detail`"""
    return success(call, await _details(call))


async def info(call: Call) -> Reply:
    """`GET user/info`: ids and the names to show for them."""
    names = _named(await read(call), "userIds", "userIdList")
    found = await call.core.users.find_many(call.tenant, names)
    return json_reply({user.id: user.name or user.id for user in found if user is not None})


async def exist(call: Call) -> Reply:
    """`GET user/exist`: whether somebody is registered under a name."""
    name = (await read(call)).text("userId")
    if name is None:
        raise bad_request("userId is missing")
    return success(call, await call.core.users.find(call.tenant, name) is not None)


async def page(call: Call) -> Reply:
    """`GET user/filter`: registered users in the order in which their names came up; `lastFetchTime` goes on as `startTime`."""
    fields = await read(call)
    users, after = await _page(call, fields)
    viewer = await _viewer(call)
    unread = await call.core.conversations.unread(call.tenant, viewer) if viewer is not None else 0
    return json_reply(
        {
            "users": await user_objects(call, [user.id for user in users], viewer),
            "groups": [],
            "devices": [],
            "lastFetchTime": after,
            "lastFetchIndex": (fields.integer("startIndex") or 0) + len(users),
            "totalUnreadCount": unread,
        }
    )


async def page_enveloped(call: Call) -> Reply:
    """`GET user/v3/filter`: the same by roles, in an envelope."""
    fields = await read(call)
    users, after = await _page(call, fields)
    shown = await user_objects(call, [user.id for user in users], await _viewer(call))
    return success(call, {"users": shown, "lastFetchTime": after})


async def search(call: Call) -> Reply:
    """`GET user/search/contact`: users whose id or name holds a text."""
    wanted = fold((await read(call)).text("name") or "")
    found: list[str] = []
    after = 0
    for _ in range(_PAGES if wanted else 0):
        users = await call.core.users.page(call.tenant, after, _PAGE)
        found += [user.id for user in users if wanted in fold(user.id) or wanted in fold(user.name or "")]
        if len(users) < _PAGE or len(found) >= _PAGE:
            break
        after = users[-1].number
    return success(call, await user_objects(call, found[:_PAGE], await _viewer(call)))


async def update(call: Call) -> Reply:
    """`POST user/update`: one's own profile, or the one of whom an administrator acts for; metadata is merged. Another role ends
    the user's sessions."""
    fields = await read(call)
    name, role = auth.acting_user(call, fields), _role(fields) if call.authenticated.administrator else None
    before = await call.core.users.find(call.tenant, name) if role is not None else None
    await call.core.users.update(call.tenant, name, read_profile(fields, role).of)
    if before is not None and role_of(before) != role:
        # What was remembered of the user's sessions has the rights of the role before.
        await call.core.users.revoke(call.tenant, name)
    return success(call)


async def set_name(call: Call) -> Reply:
    """`GET user/name`: a display name, one's own or, as an administrator, another's."""
    fields = await read(call)
    name = fields.text("userId") if call.authenticated.administrator else None
    profile = read_profile(fields)
    if profile.name is None:
        raise bad_request("displayName is missing")
    await call.core.users.update(call.tenant, name or auth.acting_user(call, fields), profile.of)
    return success(call)


async def change_password(call: Call) -> Reply:
    """`user/update/password`: all sessions of the user end with the old one."""
    fields = await read(call)
    old, new = fields.text("oldPassword"), fields.text("newPassword")
    if old is None or new is None:
        raise bad_request("oldPassword and newPassword are needed")
    if await call.core.users.change_password(call.tenant, auth.acting_user(call), old, new) is None:
        raise bad_request("the old password is wrong")
    return success(call)


async def set_password(call: Call) -> Reply:
    """`user/set/password`, for administrators."""
    auth.require_administrator(call)
    fields = await read(call)
    name, password = fields.text("userId"), fields.text("password")
    if name is None or password is None:
        raise bad_request("userId and password are needed")
    await call.core.users.set_password(call.tenant, name, password)
    return success(call)


async def create(call: Call) -> Reply:
    """`POST user/create`, for administrators: answers a word."""
    await _create(call)
    return text_reply("success")


async def create_enveloped(call: Call) -> Reply:
    """`POST user/v2/create`, for administrators."""
    await _create(call)
    return success(call)


async def delete(call: Call) -> Reply:
    """`POST user/delete`, for administrators: the user whom `Of-User-Id` names, with all that the user wrote. Nothing of the
    tenant may be asked for after this: it has another version then."""
    auth.require_administrator(call)
    name = auth.named_user(call, await read(call))
    if name is None:
        raise bad_request("Of-User-Id is missing")
    if not await call.core.erase.user(call.tenant, name):
        raise no_user()
    return success(call)


async def _create(call: Call) -> None:
    auth.require_administrator(call)
    fields = await read(call)
    name, password, role = fields.text("userId"), fields.text("password"), _role(fields) or USER
    if name is None:
        raise bad_request("userId is missing")
    if role == BOT and password is None:
        raise bad_request("a bot needs a password")
    profile = read_profile(fields, role)
    created = fields.integer(CREATED)
    if created is not None:
        profile.own[CREATED] = created
    await call.core.users.register(
        call.tenant,
        name,
        password=password,
        display_name=profile.name,
        attributes=dict(profile.metadata) if profile.metadata else None,
        leftovers={NAME: profile.own},
        reference=call.reference,
        # Apps of this dialect log such a user in without a password.
        unlocked=True,
    )


def _role(fields: Fields) -> int | None:
    """The role in a request, by number or name. Raises *bad request* for one that there is not."""
    given = fields.text(ROLE, "roleName")
    if given is None:
        return None
    role = role_named(given)
    if role is None:
        raise bad_request(f"there is no role {given}")
    return role


def _named(fields: Fields, *names: str) -> list[str]:
    """The users whom a request names, each once."""
    found = list(dict.fromkeys(fields.texts(*names)))
    if len(found) > MAXIMUM_NAMED:
        raise bad_request(f"at most {MAXIMUM_NAMED} users")
    return found


async def _details(call: Call) -> list[dict[str, Any]]:
    """Whoever of the named users is known, be it that messages were exchanged only. Phone numbers lead to nobody."""
    names = _named(await read(call), "userIdList", "userIds", "userId")
    places = await asyncio.gather(*(call.core.users.known_key(call.tenant, name) for name in names if is_legal(name)))
    keys = [key for key in places if key is not None]
    viewer = await _viewer(call)
    counts = await _unread(call, keys, viewer) if len(keys) <= _COUNTED else {}
    return await user_objects(call, [key.id for key in keys], viewer, unread=counts)


async def _unread(call: Call, keys: Sequence[UserKey], viewer: UserKey | None) -> dict[str, int]:
    """What is unread of users: all of it for administrators and of oneself, of others what they have written to the viewer."""
    conversations, tenant = call.core.conversations, call.tenant
    whole = call.authenticated.administrator

    async def count(key: UserKey) -> int:
        if whole or viewer is None or key.number == viewer.number:
            return await conversations.unread(tenant, key)
        row = await conversations.direct(tenant, viewer, key.id)
        return row.unread if row is not None else 0

    counts = await asyncio.gather(*map(count, keys))
    return {key.id: unread for key, unread in zip(keys, counts, strict=True)}


async def _viewer(call: Call) -> UserKey | None:
    """The caller as a user; none for an administrator who acts for nobody."""
    user = call.authenticated.user
    return await call.core.users.key(call.tenant, user) if user is not None else None


async def _page(call: Call, fields: Fields) -> tuple[list[User], int]:
    """The users of a page, and how far the list was read."""
    size = min(max(fields.integer("pageSize") or _PAGE, 1), _LARGEST_PAGE)
    skipped = max(fields.integer("startIndex") or 0, 0)
    start, end = fields.integer("startTime") or 0, fields.integer("endTime")
    roles = [role for name in fields.texts("roleNameList", "role") if (role := role_named(name)) is not None]
    after = 0 if start >= _EARLIEST_TIME else max(start, 0)
    found: list[User] = []
    for _ in range(_PAGES):
        rows = await call.core.users.page(call.tenant, after, min(size + skipped, _LARGEST_PAGE))
        for user in rows:
            after = user.number
            created = leftovers_of(user, NAME).get(CREATED, user.created)
            if (
                (start < _EARLIEST_TIME or created >= start)
                and (end is None or end < _EARLIEST_TIME or created < end)
                and (not roles or role_of(user) in roles)
            ):
                skipped -= 1
                if skipped < 0:
                    found.append(user)
                if len(found) == size:
                    return found, after
        if not rows:
            break
    return found, after
