"""Groups and their members."""

from collections.abc import Iterable
from typing import Any

from adapters.chat21.auth import acting_user
from adapters.chat21.errors import mandatory
from adapters.chat21.ids import group_id, group_number, identifier, object_id, own_number, suffix
from adapters.chat21.options import NAME
from adapters.chat21.wire import json_page, json_reply, read_body, truthy
from adapters.contract import Call, Reply
from core.errors import Failure, Kind
from core.groups import Visibility
from core.model import Group, Member, UserKey

_DONE = {"success": True}
_ATTRIBUTES = "attributes"


async def create(call: Call) -> Reply:
    """POST /api/{app}/groups. An id that exists is overwritten, as the vendor does, but only by who may change the group;
    the time of its creation stays."""
    body = await read_body(call)
    name = body.get("group_name")
    if not truthy(name):
        raise mandatory("group_name not present!", "group_name")
    if not truthy(body.get("group_members")):
        raise mandatory("group_members not present!", "group_members")
    if not isinstance(name, str):
        name = identifier(name, "group_name", "group_name not present!")
    names = _member_names(body["group_members"], "group_members")
    owner = acting_user(call, body.get("group_owner"), "group_owner")
    if not call.authenticated.administrator:
        names.append(owner)
    chosen = body.get("group_id")
    alias = identifier(chosen, "group_id", "group_id is not valid") if truthy(chosen) else None
    existing = await _existing(call, alias) if alias is not None else None
    key, *members = await call.core.users.keys(call.tenant, [owner, *names])
    attributes = body.get("attributes")
    if existing is None:
        try:
            group = await call.core.groups.create(
                call.tenant,
                name=name,
                owner=key,
                members=members,
                dialect=NAME,
                alias=alias,
                attributes=attributes if isinstance(attributes, dict) else None,
                leftovers=_odd(attributes),
                reference=call.reference,
            )
        except Failure as failure:
            # Somebody else created it since.
            existing = await _existing(call, alias) if failure.kind is Kind.CONFLICT and alias is not None else None
            if existing is None:
                raise
    if existing is not None:
        group = await _overwrite(call, existing, name, key, members, attributes)
    return json_reply(201, {"success": True, "group": _render(call, group, names)})


async def get(call: Call) -> Reply:
    """GET /api/{app}/groups/{group}: for members and administrators; being the owner is not enough [observed]."""
    found = await _find(call)
    if found is None:
        raise Failure(Kind.NOT_FOUND, "Group doesn't exist", reason="group", subject=call.parameters["group"])
    group, members = found
    names = [member.id for member in members]
    if not (call.authenticated.administrator or call.authenticated.user in names):
        raise Failure(Kind.FORBIDDEN, "Permission denied", reason="group", subject=call.parameters["group"])
    row = {"_id": object_id(group.number, suffix(NAME)), **_render(call, group, names)}
    return json_page(call.request, {"success": True, "result": row})


async def join(call: Call) -> Reply:
    """POST /api/{app}/groups/{group}/members: the owner or an administrator adds somebody; nobody joins alone, whatever the
    documents say [observed]. The new member sees the latest 200 messages."""
    text = "member_id is mandatory!"
    body = await read_body(call)
    if not truthy(body.get("member_id")):
        raise mandatory(text, "member_id")
    name = identifier(body["member_id"], "member_id", text)
    group, members = _permitted(call, await _find(call), "join", "Not allowed")
    done = False
    if name not in (member.id for member in members):
        key = await call.core.users.key(call.tenant, name)
        (done,) = await call.core.groups.add(call.tenant, group.number, [key], sees=Visibility.LATEST)
    if not done:
        raise Failure(Kind.CONFLICT, "Already a member", reason="join", subject=name)
    return json_reply(200, _DONE)


async def set_members(call: Call) -> Reply:
    """PUT /api/{app}/groups/{group}/members: exactly these are members from now on, the owner only if listed."""
    body = await read_body(call)
    if not truthy(body.get("members")):
        raise mandatory("members is mandatory", "members")
    names = _member_names(body["members"], "members")
    group, members = _permitted(call, await _find(call), "set_members", "Unauthorized")
    if {member.id for member in members} == set(names):
        text = "Same members in group, skipping setGroupMembers()"
        raise Failure(Kind.CONFLICT, text, reason="set_members")
    await _change_members(call, group, members, await call.core.users.keys(call.tenant, names))
    # Also without an added member the vendor moves the group's time.
    await call.core.groups.update(call.tenant, group.number)
    return json_reply(200, _DONE)


async def leave(call: Call) -> Reply:
    """DELETE /api/{app}/groups/{group}/members/{member}: for the owner, administrators and any member, who may remove any
    other [observed]. Every refusal is the same."""
    principal, leaving = call.authenticated, call.parameters["member"]
    found = await _find(call)
    if found is not None:
        group, members = found
        keys = {member.id: UserKey(member.id, member.number) for member in members}
        allowed = principal.administrator or (principal.user is not None and principal.user in (group.owner, *keys))
        if (
            allowed
            and leaving in keys
            and all(await call.core.groups.remove(call.tenant, group.number, [keys[leaving]]))
        ):
            return json_reply(200, _DONE)
    raise Failure(Kind.NOT_FOUND, "Not found", reason="leave", subject=leaving)


def _member_names(value: Any, field: str) -> list[str]:
    """Who a map of members names. A plain list of names is read as if it were the map: the vendor takes it and makes members
    called 0 and 1 of it."""
    if isinstance(value, dict):
        value = list(value)
    if not isinstance(value, list):
        raise mandatory(f"{field} must be an object", field)
    return list(dict.fromkeys(identifier(name, field, f"{field} must hold user ids") for name in value))


async def _find(call: Call) -> tuple[Group, list[Member]] | None:
    number = await group_number(call.core, call.tenant, call.parameters["group"])
    return await call.core.groups.detail(call.tenant, number) if number is not None else None


async def _existing(call: Call, alias: str) -> tuple[Group, list[Member]] | None:
    """The group that has this id already, when the caller may overwrite it."""
    number = await group_number(call.core, call.tenant, alias)
    found = await call.core.groups.detail(call.tenant, number) if number is not None else None
    if found is not None:
        return _permitted(call, found, "set_members", "Unauthorized")
    if own_number(call.core.ids(call.tenant), alias) is not None:
        raise mandatory("group_id is not valid", "group_id")
    return None


def _permitted(
    call: Call, found: tuple[Group, list[Member]] | None, reason: str, refusal: str
) -> tuple[Group, list[Member]]:
    """The group, for its owner and administrators. Everybody else gets the shape of failure that `reason` names."""
    if found is None:
        raise Failure(Kind.NOT_FOUND, "Not found", reason=reason)
    principal = call.authenticated
    if not (principal.administrator or (principal.user is not None and principal.user == found[0].owner)):
        raise Failure(Kind.FORBIDDEN, refusal, reason=reason)
    return found


async def _overwrite(
    call: Call,
    existing: tuple[Group, list[Member]],
    name: str,
    owner: UserKey,
    members: list[UserKey],
    attributes: Any,
) -> Group:
    group, present = existing
    changes: dict[str, Any] = {"name": name, "owner": owner}
    if truthy(attributes):
        changes["attributes"] = attributes if isinstance(attributes, dict) else None
        changes["leftovers"] = {**(group.leftovers or {}), NAME: _odd(attributes) or {}}
    await _change_members(call, group, present, members)
    return await call.core.groups.update(call.tenant, group.number, **changes)


async def _change_members(call: Call, group: Group, present: list[Member], wanted: Iterable[UserKey]) -> None:
    wanted = list(wanted)
    before, after = {member.number for member in present}, {key.number for key in wanted}
    added = [key for key in wanted if key.number not in before]
    removed = [UserKey(member.id, member.number) for member in present if member.number not in after]
    if added:
        await call.core.groups.add(call.tenant, group.number, added, sees=Visibility.LATEST)
    if removed:
        await call.core.groups.remove(call.tenant, group.number, removed)


def _odd(attributes: Any) -> dict[str, Any] | None:
    """Attributes that are no object: the vendor keeps them, the neutral group has no place for them."""
    return {_ATTRIBUTES: attributes} if truthy(attributes) and not isinstance(attributes, dict) else None


def _render(call: Call, group: Group, members: Iterable[str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": group.name,
        "uid": group_id(call.core.ids(call.tenant), group),
        "appId": call.parameters["app"],
        "owner": group.owner,
        "members": dict.fromkeys(members, 1),
        "createdOn": group.created,
        "updatedOn": group.modified,
    }
    attributes = (group.leftovers or {}).get(NAME, {}).get(_ATTRIBUTES, group.attributes)
    if attributes is not None:
        row["attributes"] = attributes
    return row
