"""Who is in a group or room: lists, joining, leaving, roles, admins.

The vendor words "no member" in three ways: who is removed 403, who is muted 400, who becomes an admin 404.
"""

from typing import Any

from adapters.contract import Call, Reply
from adapters.easemob.errors import forbidden_operation, illegal, no_such_member_name
from adapters.easemob.notices import of_coming, of_going
from adapters.easemob.target import (
    Needs,
    Person,
    Target,
    body_name,
    body_names,
    keys_of,
    not_members,
    path_names,
    people,
    registered_people,
    sparing_owner,
    target_of,
)
from adapters.easemob.users import names_of
from adapters.easemob.wire import (
    BODY_LIMIT_BYTES,
    boolean_of,
    cursor_number,
    cursor_text,
    echoed,
    integer_of,
    page_size,
    parse_object,
    success,
)
from core.errors import Failure, Kind
from core.model import Member, UserKey

_DEFAULT_PAGE = 10
_MAXIMUM_PAGE = 1_000
_AT_ONCE = 1_000
_MAXIMUM_TURNS = 100


async def page(call: Call) -> Reply:
    """`GET …/users`: pages by number, the owner last; or by cursor (`version=v3`), without the owner."""
    target = await target_of(call, Needs.MEMBER, reading=True)
    query = call.request.query
    newest_first = query.get("sort", "asc").lower() == "desc"
    if query.get("version", "").lower() == "v3" or "cursor" in query or "limit" in query:
        return await _page_by_cursor(call, target, newest_first)
    size = page_size(call, "pagesize", _DEFAULT_PAGE, _MAXIMUM_PAGE)
    number = integer_of(query.get("pagenum") or 1)
    if number is None:
        raise illegal("pagenum must be a number", "pagenum")
    start = max(number - 1, 0) * size
    members = (await _everybody(call, target, newest_first))[start : start + size]
    names = await names_of(call, [member.id for member in members])
    with_time = boolean_of(query.get("joined_time"))
    data: list[dict[str, Any]] = []
    for member, name in zip(members, names, strict=True):
        row = {"owner" if member.id == target.group.owner else "member": name}
        data.append({**row, "joined_time": member.joined} if with_time else row)
    return success(call, "get", call.now, {"params": echoed(call), "entities": [], "data": data, "count": len(data)})


async def add(call: Call) -> Reply:
    """`POST …/users/{user}`: a registered user. Rooms take who is there already."""
    target = await target_of(call, Needs.ADMIN)
    (person,) = await registered_people(call, [call.parameters["user"]])
    (added,) = await _add(call, target, [person])
    if not added and not target.group.room:
        raise _present(target, person)
    data = {"result": True, **target.own_id, "action": "add_member", "user": person.name}
    return success(call, "post", call.now, {"entities": [], "data": data})


async def add_many(call: Call) -> Reply:
    """`POST …/users`: up to 60 registered users. For groups it fails when all are there already."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    names = body_names(request)
    target = await target_of(call, Needs.ADMIN)
    persons = await registered_people(call, names)
    added = await _add(call, target, persons)
    if not any(added) and not target.group.room:
        raise _present(target, persons[0])
    data = {"newmembers": [person.name for person in persons], **target.own_id, "action": "add_member"}
    return success(call, "post", call.now, {"entities": [], "data": data})


async def remove(call: Call) -> Reply:
    """`DELETE …/users/{users}`: one, who has to be a member, or up to 60, with an answer for each."""
    names = path_names(call, "kickMember: kickMembers")
    target = await target_of(call, Needs.ADMIN)
    persons = await people(call, names)
    done = await _remove(call, target, persons)
    if len(names) == 1 and not done[0]:
        raise forbidden_operation(not_members([persons[0].name]))
    rows = [removed(target, person, was) for person, was in zip(persons, done, strict=True)]
    return success(call, "delete", call.now, {"entities": [], "data": rows if len(names) > 1 else rows[0]})


async def roles(call: Call) -> Reply:
    """`GET …/roles`: everybody's, and who is online."""
    target = await target_of(call, Needs.MEMBER)
    members = (await _everybody(call, target, False))[:_AT_ONCE]
    names = await names_of(call, [member.id for member in members])
    presences = await call.core.presence.read(call.tenant, [UserKey(member.id, member.number) for member in members])
    data = [
        {"username": name, "role": member.role, "online": presence.online}
        for name, member, presence in zip(names, members, presences, strict=True)
    ]
    return success(call, "get", call.now, {"entities": [], "data": data, "count": len(data)})


async def admins(call: Call) -> Reply:
    """`GET …/admin`."""
    target = await target_of(call, Needs.MEMBER)
    found = await call.core.members.admins(call.tenant, target.number)
    names = await names_of(call, [row.user.id for row in found])
    return success(call, "get", call.now, {"entities": [], "data": names, "count": len(names)})


async def make_admin(call: Call) -> Reply:
    """`POST …/admin`: a member. Twice is once."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    name = body_name(request, "newadmin")
    target = await target_of(call, Needs.OWNER)
    (person,) = await people(call, [name])
    if person.key is None:
        raise no_such_member_name(person.name) if target.group.room else _no_member(target, person)
    change = call.core.members.make_admin(call.tenant, target.number, person.key, reference=call.reference)
    try:
        await sparing_owner(change)
    except Failure as failure:
        if failure.reason != "member":
            raise
        raise _no_member(target, person) from None
    data = {"result": "success", "newadmin": person.name}
    return success(call, "post", call.now, {"entities": [], "data": data})


async def unmake_admin(call: Call) -> Reply:
    """`DELETE …/admin/{user}`."""
    target = await target_of(call, Needs.OWNER)
    (person,) = await people(call, [call.parameters["user"]])
    try:
        if person.key is None:
            raise Failure(Kind.NOT_FOUND, "No admin", reason="admin")
        members = call.core.members
        await members.unmake_admin(call.tenant, target.number, person.key, reference=call.reference)
    except Failure as failure:
        if failure.reason not in ("admin", "member", "owner"):
            raise
        kind = "chatroom" if target.group.room else "group"
        raise forbidden_operation(f"user:{person.name} is not admin of {kind}:{target.text}") from None
    data = {"result": "success", "oldadmin": person.name}
    return success(call, "delete", call.now, {"entities": [], "data": data})


def removed(target: Target, person: Person, was: bool) -> dict[str, Any]:
    """What became of one of those who were to be removed."""
    reason = {} if was else {"reason": target.lacks(person.name)}
    return {"result": was, "action": "remove_member", **reason, "user": person.name, **target.own_id}


async def _page_by_cursor(call: Call, target: Target, newest_first: bool) -> Reply:
    limit = page_size(call, "limit", _DEFAULT_PAGE, _MAXIMUM_PAGE)
    members: list[Member] = []
    cursor = cursor_number(call)
    for _ in range(2):  # once more where the owner stood on the page
        found = await call.core.members.page(
            call.tenant, target.number, newest_first=newest_first, limit=limit - len(members), cursor=cursor
        )
        members += [member for member in found.members if member.id != target.group.owner]
        cursor = found.cursor
        if not cursor or len(members) == limit:
            break
    names = await names_of(call, [member.id for member in members])
    fields = {"params": echoed(call), "entities": [], "data": names, "count": len(names)}
    return success(call, "get", call.now, {**fields, **({"cursor": cursor_text(cursor)} if cursor else {})})


async def _everybody(call: Call, target: Target, newest_first: bool) -> list[Member]:
    """All members in the order in which they joined, the owner last."""
    members: list[Member] = []
    cursor = 0
    for _ in range(_MAXIMUM_TURNS):
        found = await call.core.members.page(
            call.tenant, target.number, newest_first=newest_first, limit=_AT_ONCE, cursor=cursor
        )
        members += found.members
        cursor = found.cursor
        if not cursor:
            break
    return sorted(members, key=lambda member: member.id == target.group.owner)


async def _add(call: Call, target: Target, persons: list[Person]) -> list[bool]:
    keys = keys_of(persons)
    announce = await of_coming(call, target, keys)
    try:
        return await call.core.groups.add(call.tenant, target.number, keys, reference=call.reference, announce=announce)
    except Failure as failure:
        if failure.reason != "blocked":
            raise
        blocked = {person.key.id: person.name for person in persons if person.key is not None}
        name = blocked.get(failure.subject or "", persons[0].name)
        text = f"can not join this group, reason:user: {name} is in blacklist of group: {target.text}\n"
        raise forbidden_operation(text) from None


async def _remove(call: Call, target: Target, persons: list[Person]) -> list[bool]:
    """Whether each was a member."""
    keys = keys_of(persons)
    announce = await of_going(call, target)
    change = call.core.groups.remove(
        call.tenant, target.number, keys, spare_owner=True, reference=call.reference, announce=announce
    )
    done = dict(zip(keys, await sparing_owner(change), strict=True))
    return [person.key is not None and done[person.key] for person in persons]


def _present(target: Target, person: Person) -> Failure:
    return forbidden_operation(f"can not join this group, reason:user: {person.name} already in group: {target.text}\n")


def _no_member(target: Target, person: Person) -> Failure:
    return Failure(Kind.NOT_FOUND, target.lacks(person.name), reason="group_member")
