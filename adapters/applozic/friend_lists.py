"""Lists of friends: groups of their own type, named by the app in the path, which nobody has to create."""

from adapters.applozic import announcements
from adapters.applozic.errors import bad_request, no_group, no_user
from adapters.applozic.group_objects import CONTACTS, MEMBERS_SHOWN, full_object
from adapters.applozic.group_target import Target, aim, numbers_of, require, user_key_of
from adapters.applozic.groups import make
from adapters.applozic.wire import Fields, read, read_list, success
from adapters.contract import Call, Reply
from core.model import Group
from core.names import is_legal


async def add(call: Call) -> Reply:
    """POST group/{name}/add: a list of users' ids."""
    names = [name for name in await read_list(call) if isinstance(name, str)]
    return await _add(call, Fields(()), names)


async def add_members(call: Call) -> Reply:
    """POST group/{name}/add/members."""
    fields = await read(call)
    return await _add(call, fields, fields.texts("groupMemberList"))


async def get(call: Call) -> Reply:
    """GET group/{name}/get."""
    fields = await read(call)
    target = await _target(call, fields)
    require(target.administrator or target.member is not None)
    (view,) = await call.core.groups.views(call.tenant, [target.number], target.user, members=MEMBERS_SHOWN)
    if view is None:
        raise no_group()
    return success(call, await full_object(call, target.user, view))


async def remove(call: Call) -> Reply:
    """GET and POST group/{name}/remove: one user."""
    fields = await read(call)
    target = await _target(call, fields)
    require(target.manages)
    name = fields.text("userId") or ""
    key = await call.core.users.known_key(call.tenant, name) if is_legal(name) else None
    if key is None or not all(
        await call.core.groups.remove(call.tenant, target.number, [key], spare_owner=True, reference=call.reference)
    ):
        raise no_user()
    return success(call)


async def delete(call: Call) -> Reply:
    """GET group/{name}/delete."""
    target = await _target(call, await read(call))
    require(target.owns)
    await call.core.groups.delete(call.tenant, target.number)
    return success(call)


async def _add(call: Call, fields: Fields, names: list[str]) -> Reply:
    if not names:
        raise bad_request("no users are named")
    user = await user_key_of(call, fields)
    group, name = await _find(call), call.parameters["name"]
    if group is None:
        await make(call, call.reference, name=name, owner=user.id, members=names, kind=CONTACTS, alias=name)
        return success(call)
    target = await aim(call, group, user)
    require(target.manages)
    keys = await call.core.users.keys(call.tenant, list(dict.fromkeys(names)))
    announce = await announcements.of_coming(call, target, names)
    await call.core.groups.add(call.tenant, group.number, keys, reference=call.reference, announce=announce)
    return success(call)


async def _target(call: Call, fields: Fields) -> Target:
    group, user = await _find(call), await user_key_of(call, fields)
    if group is None:
        raise no_group()
    return await aim(call, group, user)


async def _find(call: Call) -> Group | None:
    (number,) = await numbers_of(call, [call.parameters["name"]])
    return await call.core.groups.find(call.tenant, number) if number is not None else None
