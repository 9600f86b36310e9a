"""Groups and their members."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from adapters.chat21.auth import acting_user
from adapters.chat21.errors import mandatory
from adapters.chat21.ids import group_id, group_number, identifier, object_id, own_number, suffix
from adapters.chat21.options import NAME
from adapters.chat21.wire import body_of, json_page, json_reply, truthy
from adapters.contract import Call, Reply
from core.errors import Failure, Kind
from core.groups import Visibility
from core.membership import Announce
from core.model import Group, Member, UserKey, leftovers_of, with_leftovers
from core.names import is_legal

_DONE = {"success": True}
_ATTRIBUTES = "attributes"


async def create(call: Call) -> Reply:
    """POST /api/{app}/groups. An id that exists is overwritten, as the vendor does, but only by who may change the group;
    the time of its creation stays."""
    body = body_of(call)
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
                announce=await call.core.notices.created(call.tenant, NAME, name, owner, names),
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
    found = await _detail(call, call.parameters["group"])
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
    body = body_of(call)
    if not truthy(body.get("member_id")):
        raise mandatory(text, "member_id")
    name = identifier(body["member_id"], "member_id", text)
    group = permitted(call, await find(call, call.parameters["group"]), "join", "Not allowed")
    key = await call.core.users.key(call.tenant, name)
    announce = await _joined(call, group, [name])
    if not await _add(call, group, [key], "join", announce):
        raise Failure(Kind.CONFLICT, "Already a member", reason="join", subject=name)
    return json_reply(200, _DONE)


async def set_members(call: Call) -> Reply:
    """PUT /api/{app}/groups/{group}/members: exactly these are members from now on, the owner only if listed."""
    body = body_of(call)
    if not truthy(body.get("members")):
        raise mandatory("members is mandatory", "members")
    names = _member_names(body["members"], "members")
    found = await _detail(call, call.parameters["group"])
    group = permitted(call, found[0] if found else None, "change", "Unauthorized")
    present = found[1] if found else []
    if {member.id for member in present} == set(names):
        text = "Same members in group, skipping setGroupMembers()"
        raise Failure(Kind.CONFLICT, text, reason="change")
    await _change_members(call, group, present, await call.core.users.keys(call.tenant, names))
    # Also without an added member the vendor moves the group's time.
    await call.core.groups.update(call.tenant, group.number)
    return json_reply(200, _DONE)


async def leave(call: Call) -> Reply:
    """DELETE /api/{app}/groups/{group}/members/{member}: for the owner, administrators and any member, who may remove any
    other [observed]. Every refusal is the same."""
    principal, leaving, tenant = call.authenticated, call.parameters["member"], call.tenant
    group = await find(call, call.parameters["group"])
    key = await call.core.users.known_key(tenant, leaving) if is_legal(leaving) else None
    if group is not None and key is not None:
        allowed = principal.administrator or principal.user in (group.owner, leaving) or await _is_member(call, group)
        if allowed and all(
            await call.core.groups.remove(
                tenant,
                group.number,
                [key],
                reference=call.reference,
                announce=await call.core.notices.left(tenant, NAME, group.name, _by(call)),
            )
        ):
            return json_reply(200, _DONE)
    raise Failure(Kind.NOT_FOUND, "Not found", reason="leave", subject=leaving)


async def rename(call: Call) -> Reply:
    """PUT /api/{app}/groups/{group}: the name alone; other fields of the body are ignored [observed]."""
    text = "group_name is mandatory"
    name = body_of(call).get("group_name")
    if not truthy(name):
        raise mandatory(text, "group_name")
    if not isinstance(name, str):
        name = identifier(name, "group_name", text)
    return await _update(call, lambda group: msgspec.structs.replace(group, name=name))


async def set_attributes(call: Call) -> Reply:
    """PUT /api/{app}/groups/{group}/attributes: the whole of them."""
    attributes = body_of(call).get(_ATTRIBUTES)
    if not truthy(attributes):
        raise mandatory("attributes is mandatory", _ATTRIBUTES)
    return await _update(call, _with_attributes(attributes))


async def find(call: Call, group: str) -> Group | None:
    """The group of an id."""
    number = await group_number(call.core, call.tenant, group)
    return await call.core.groups.find(call.tenant, number) if number is not None else None


def permitted(call: Call, group: Group | None, reason: str, refusal: str) -> Group:
    """The group, for its owner and administrators. Everybody else gets the shape of failure that `reason` names."""
    if group is None:
        raise Failure(Kind.NOT_FOUND, "Not found", reason=reason)
    if not may_change(call, group):
        raise Failure(Kind.FORBIDDEN, refusal, reason=reason)
    return group


def may_change(call: Call, group: Group) -> bool:
    """Whether the caller is the group's owner or an administrator."""
    principal = call.authenticated
    return principal.administrator or (principal.user is not None and principal.user == group.owner)


def _member_names(value: Any, field: str) -> list[str]:
    """Who a map of members names. A plain list of names is read as if it were the map: the vendor takes it and makes members
    called 0 and 1 of it."""
    if isinstance(value, dict):
        value = list(value)
    if not isinstance(value, list):
        raise mandatory(f"{field} must be an object", field)
    return list(dict.fromkeys(identifier(name, field, f"{field} must hold user ids") for name in value))


async def _detail(call: Call, group: str) -> tuple[Group, list[Member]] | None:
    number = await group_number(call.core, call.tenant, group)
    return await call.core.groups.detail(call.tenant, number) if number is not None else None


async def _existing(call: Call, alias: str) -> tuple[Group, list[Member]] | None:
    """The group that has this id already, when the caller may overwrite it."""
    found = await _detail(call, alias)
    if found is not None:
        permitted(call, found[0], "change", "Unauthorized")
    elif own_number(call.core.ids(call.tenant), alias) is not None:
        raise mandatory("group_id is not valid", "group_id")
    return found


async def _is_member(call: Call, group: Group) -> bool:
    user = call.authenticated.user
    key = await call.core.users.known_key(call.tenant, user) if user is not None else None
    return key is not None and (await call.core.members.standing(call.tenant, group.number, key)).member is not None


async def _overwrite(
    call: Call,
    existing: tuple[Group, list[Member]],
    name: str,
    owner: UserKey,
    members: list[UserKey],
    attributes: Any,
) -> Group:
    group, present = existing
    change = _with_attributes(attributes) if truthy(attributes) else _as_it_is
    await _change_members(call, group, present, members)
    return await call.core.groups.update(call.tenant, group.number, name=name, owner=owner, change=change)


async def _update(call: Call, change: Callable[[Group], Group]) -> Reply:
    group = permitted(call, await find(call, call.parameters["group"]), "change", "Unauthorized")
    await call.core.groups.update(call.tenant, group.number, reference=call.reference, change=change)
    return json_reply(200, _DONE)


async def _change_members(call: Call, group: Group, present: list[Member], wanted: Iterable[UserKey]) -> None:
    wanted = list(wanted)
    before, after = {member.number for member in present}, {key.number for key in wanted}
    added = [key for key in wanted if key.number not in before]
    removed = [UserKey(member.id, member.number) for member in present if member.number not in after]
    joined = await _joined(call, group, [key.id for key in added])
    arrived = await _add(call, group, added, "change", None if removed else joined) if added else []
    if removed:
        # Who is left out at the same time reads nothing of who comes; and nothing is said of who is left out.
        announce: Announce | None = (lambda _: joined(arrived)) if arrived else None
        await call.core.groups.remove(call.tenant, group.number, removed, reference=call.reference, announce=announce)


def _by(call: Call) -> str | None:
    """The user who changes the group; none for the app's own server."""
    return None if call.authenticated.administrator else call.authenticated.user


async def _joined(call: Call, group: Group, newcomers: Sequence[str]) -> Announce:
    return await call.core.notices.joined(call.tenant, NAME, group.name, newcomers, _by(call))


async def _add(
    call: Call, group: Group, users: Sequence[UserKey], reason: str, announce: Announce | None
) -> list[UserKey]:
    """Make users members; gives those who became one. Why not, as other dialects have it, is said in the shape of failure that
    `reason` names."""
    try:
        done = await call.core.groups.add(
            call.tenant,
            group.number,
            users,
            sees=Visibility.LATEST,
            reference=call.reference,
            announce=announce,
        )
    except Failure as failure:
        if failure.reason not in ("blocked", "members"):
            raise
        raise Failure(failure.kind, failure.text, reason=reason, subject=failure.subject) from failure
    return [user for user, was in zip(users, done, strict=True) if was]


def _as_it_is(group: Group) -> Group:
    return group


def _with_attributes(attributes: Any) -> Callable[[Group], Group]:
    """What makes these the attributes of a group."""
    neutral = attributes if isinstance(attributes, dict) else None
    own = _odd(attributes) or {}
    return lambda group: with_leftovers(msgspec.structs.replace(group, attributes=neutral), NAME, own)


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
    attributes = leftovers_of(group, NAME).get(_ATTRIBUTES, group.attributes)
    if attributes is not None:
        row["attributes"] = attributes
    return row
