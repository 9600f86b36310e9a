"""Looking at groups and rooms: lists of them, and each in detail."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from adapters.contract import Call, Reply
from adapters.easemob.auth import application_of, require_administrator
from adapters.easemob.errors import illegal, no_group, no_such_member_name
from adapters.easemob.group_fields import DEFAULT_MAXIMUM_USERS
from adapters.easemob.ids import group_id
from adapters.easemob.options import NAME
from adapters.easemob.target import Needs, Target, find_target, of_rooms, people, target_of
from adapters.easemob.users import key_of, names_of, subject
from adapters.easemob.wire import boolean_of, echoed, integer_of, page_size, success
from core.errors import Failure, Kind
from core.membership import Counted, GroupPage
from core.model import Group, UserKey, leftovers_of

_DEFAULT_PAGE = 10
_MAXIMUM_PAGE = 100
_ALL_JOINED = 500
_MAXIMUM_DETAILS = 100
_MEMBERS_SHOWN = 1_000
_AT_ONCE = 1_000
_MAXIMUM_TURNS = 100

Fetch = Callable[[int, str], Awaitable[GroupPage]]


async def page(call: Call) -> Reply:
    """`GET /chatgroups`, `/chatrooms`: the newest first, by cursor; rooms also by the number of the page. Rooms are there for
    everybody to join: users see them too."""
    if not of_rooms(call):
        require_administrator(call)

    async def fetch(limit: int, cursor: str) -> GroupPage:
        return await call.core.groups.page(call.tenant, rooms=of_rooms(call), limit=limit, cursor=cursor)

    cursor = ""
    if "pagenum" in call.request.query or "pagesize" in call.request.query:
        rows = await _numbered(call, fetch, 1, _DEFAULT_PAGE, _MAXIMUM_PAGE)
    else:
        limit = page_size(call, "limit", _DEFAULT_PAGE, _MAXIMUM_PAGE)
        found = await fetch(limit, call.request.query.get("cursor", ""))
        rows, cursor = found.groups, found.cursor
    shown = await (_listed_rooms if of_rooms(call) else _listed_groups)(call, rows)
    return _listed(call, shown, cursor)


async def public(call: Call) -> Reply:
    """`GET /publicchatgroups`: those groups that everybody may see, the newest first."""
    limit = page_size(call, "limit", _DEFAULT_PAGE, _MAXIMUM_PAGE)
    cursor, rows = call.request.query.get("cursor", ""), list[Counted]()
    for _ in range(_MAXIMUM_TURNS):
        found = await call.core.groups.page(call.tenant, limit=limit - len(rows), cursor=cursor)
        rows += [row for row in found.groups if row.group.public]
        cursor = found.cursor
        if not cursor or len(rows) >= limit:
            break
    return _listed(call, [_named(call, row.group) for row in rows], cursor)


async def joined(call: Call) -> Reply:
    """`GET /users/{user}/joined_chatgroups`, `…/joined_chatrooms`: pages from 1; without a page the first 500."""
    key = await _member(call)
    fetch = _joined_by(call, key)
    query = call.request.query
    if "pagenum" in query or "pagesize" in query:
        # The vendor's browser client, which asks for `version=v3`, counts pages from 0, everybody else from 1.
        first = 0 if query.get("version", "").lower() == "v3" else 1
        rows = await _numbered(call, fetch, first, _DEFAULT_PAGE, _ALL_JOINED)
    else:
        rows = (await fetch(_ALL_JOINED, "")).groups
    return _listed(call, [_named(call, row.group) for row in rows], "")


async def joined_page(call: Call) -> Reply:
    """`GET /chatgroups/user/{user}`: the same with more of each group, with `needRole` also what the user is in it; pages from 0."""
    key = await _member(call)
    fetch = _joined_by(call, key)
    rows = await _numbered(call, fetch, 0, 5, 20)
    total = (await fetch(1, "")).total
    entities = [
        {**_details(call, row.group), "groupId": group_id(call.tenant, row.group), "affiliations_count": row.members}
        for row in rows
    ]
    for entity, name in zip(entities, await _owners(call, rows), strict=True):
        entity["owner"] = name
    if boolean_of(call.request.query.get("needRole")):
        members = call.core.members
        standings = [members.standing(call.tenant, row.group.number, key) for row in rows]
        for entity, standing in zip(entities, await asyncio.gather(*standings), strict=True):
            entity["permission"] = standing.member.role if standing.member is not None else "none"
    fields = {"params": echoed(call), "entities": entities, "total": total, "count": len(entities)}
    return success(call, "get", call.now, fields)


async def detail(call: Call) -> Reply:
    """`GET /chatgroups/{group}`, `/chatrooms/{group}`: one, or up to 100. A user sees groups that are public or its own."""
    ids = [text.strip() for text in call.parameters["group"].split(",")]
    if len(ids) > _MAXIMUM_DETAILS:
        raise illegal(f"group number more than maxSize : {_MAXIMUM_DETAILS}", "group")
    if len(ids) == 1:
        target = await find_target(call, ids[0])
        if target is None:
            raise no_group(ids[0], reading=True)
        if not (target.group.public or target.group.room):
            target = await target_of(call, Needs.MEMBER, reading=True)
        data = [await _detail(call, target)]
    else:
        require_administrator(call)
        data = list(await asyncio.gather(*(_detail_or_absence(call, text) for text in ids)))
    return success(call, "get", call.now, {"entities": [], "data": data, "count": len(data)})


async def is_joined(call: Call) -> Reply:
    """`GET /chatgroups/{group}/user/{user}/is_joined`."""
    target = await target_of(call, Needs.MEMBER)
    (person,) = await people(call, [call.parameters["user"]])
    is_member = False
    if person.key is not None:
        is_member = (await call.core.members.standing(call.tenant, target.number, person.key)).member is not None
    return success(call, "get", call.now, {"entities": [], "data": is_member})


async def _member(call: Call) -> UserKey:
    """The user of the path. Unknown ones are worded as the group endpoints do."""
    try:
        return key_of(await subject(call))
    except Failure as failure:
        if failure.kind is not Kind.NOT_FOUND:
            raise
        raise no_such_member_name(call.parameters["user"]) from None


def _joined_by(call: Call, user: UserKey) -> Fetch:
    rooms = call.route.path.endswith("/joined_chatrooms")

    async def fetch(limit: int, cursor: str) -> GroupPage:
        return await call.core.groups.joined(call.tenant, user, rooms=rooms, limit=limit, cursor=cursor)

    return fetch


async def _numbered(call: Call, fetch: Fetch, first: int, default: int, maximum: int) -> list[Counted]:
    """A page by its number, of a list that the core knows by cursors."""
    size = page_size(call, "pagesize", default, maximum)
    number = integer_of(call.request.query.get("pagenum") or first)
    if number is None:
        raise illegal("pagenum must be a number", "pagenum")
    start = max(number - first, 0) * size
    rows, cursor = list[Counted](), ""
    for _ in range(_MAXIMUM_TURNS):
        found = await fetch(min(start + size - len(rows), _AT_ONCE), cursor)
        rows += found.groups
        cursor = found.cursor
        if not cursor or len(rows) >= start + size:
            break
    return rows[start : start + size]


def _listed(call: Call, data: list[dict[str, Any]], cursor: str) -> Reply:
    fields = {"params": echoed(call), "entities": [], "data": data, "count": len(data)}
    return success(call, "get", call.now, {**fields, **({"cursor": cursor} if cursor else {})})


def _named(call: Call, group: Group) -> dict[str, Any]:
    text = group_id(call.tenant, group)
    if group.room:
        return {"id": text, "name": group.name}
    named: dict[str, Any] = {"groupid": text, "groupname": group.name}
    # The vendor's browser client, which asks for `version=v3`, reads these names instead [easemob-websdk 4.21.1].
    if call.request.query.get("version", "").lower() == "v3":
        named |= {"id": text, "name": group.name, "disabled": group.disabled}
    return named


async def _listed_groups(call: Call, rows: list[Counted]) -> list[dict[str, Any]]:
    names = await _owners(call, rows)
    application = application_of(call.request)
    return [
        {
            "owner": f"{application}_{name}",
            "groupid": group_id(call.tenant, row.group),
            "affiliations": row.members,
            "type": "group",
            "last_modified": str(row.group.modified),
            "groupname": row.group.name,
        }
        for row, name in zip(rows, names, strict=True)
    ]


async def _listed_rooms(call: Call, rows: list[Counted]) -> list[dict[str, Any]]:
    names = await _owners(call, rows)
    return [
        {
            "id": group_id(call.tenant, row.group),
            "name": row.group.name,
            "owner": name,
            "affiliations_count": row.members,
            "disabled": row.group.disabled,
        }
        for row, name in zip(rows, names, strict=True)
    ]


async def _owners(call: Call, rows: list[Counted]) -> list[str]:
    """The names of the owners; an empty one for nobody."""
    names = await names_of(call, [row.group.owner for row in rows])
    return [name if row.group.owner else "" for row, name in zip(rows, names, strict=True)]


async def _detail_or_absence(call: Call, text: str) -> dict[str, Any]:
    target = await find_target(call, text)
    return await _detail(call, target) if target is not None else {"id": text, "error": "group id doesn't exist"}


async def _detail(call: Call, target: Target) -> dict[str, Any]:
    """A group with its owner and the earliest of its members."""
    found = await call.core.members.page(call.tenant, target.number, limit=_MEMBERS_SHOWN)
    members = [member.id for member in found.members if member.id != target.group.owner]
    owner, *names = await names_of(call, [target.group.owner, *members])
    return {
        **_details(call, target.group),
        "owner": owner if target.group.owner else "",
        "affiliations_count": found.total,
        "affiliations": [*({"member": name} for name in names), *([{"owner": owner}] if target.group.owner else [])],
    }


def _details(call: Call, group: Group) -> dict[str, Any]:
    """What a group is, without its people."""
    own = leftovers_of(group, NAME)
    shown = {
        "id": group_id(call.tenant, group),
        "name": group.name,
        "description": group.description or "",
        "membersonly": own.get("membersonly", False),
        "allowinvites": own.get("allowinvites", False),
        "invite_need_confirm": own.get("invite_need_confirm", True),
        "maxusers": group.maximum_members or DEFAULT_MAXIMUM_USERS,
        "created": group.created,
        "custom": own.get("custom", ""),
        "mute": group.muted,
        "scale": own.get("scale") or "normal",
        "disabled": group.disabled,
        "public": group.public,
    }
    if group.image_url is not None:
        shown["avatar"] = group.image_url
    return shown
