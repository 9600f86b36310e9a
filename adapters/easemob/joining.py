"""How users come into groups and rooms themselves, and go: invitations, requests, answers to both, leaving."""

from collections.abc import Sequence
from typing import Any

from adapters.contract import Call, Reply
from adapters.easemob.auth import require_administrator
from adapters.easemob.errors import forbidden_operation, invalid_parameter, no_group
from adapters.easemob.notices import of_coming, of_going
from adapters.easemob.target import (
    Needs,
    Person,
    Target,
    body_name,
    body_names,
    find_target,
    keys_of,
    no_permission,
    people,
    registered_people,
    sparing_owner,
    target_of,
)
from adapters.easemob.users import names_of
from adapters.easemob.wire import BODY_LIMIT_BYTES, boolean_of, parse_object, success, text_of
from core.errors import Failure, Kind
from core.membership import Waiting
from core.model import UserKey

_MAXIMUM_WORDS = 1_024
_FOR_EVER = -1


async def invite(call: Call) -> Reply:
    """`POST /chatgroups/{group}/invite`: registered users, who join at once where the group needs no consent. In groups that
    allow it every member invites."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    names = body_names(request)
    words = _words(request, "welcome")
    target = await target_of(call, Needs.MEMBER)
    if not target.own_leftovers.get("allowinvites"):
        await target_of(call, Needs.ADMIN)
    persons = await registered_people(call, names)
    await _come(call, target, persons, Waiting.INVITATION, words)
    rows = [_row(target, "invite", person.name) for person in persons]
    return success(call, "post", call.now, {"entities": [], "data": rows if len(names) > 1 else rows[0]})


async def apply(call: Call) -> Reply:
    """`POST …/apply`: the user who calls. Rooms and groups that need no approval are joined at once, others wait for it."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    words = _words(request, "message")
    person = await _caller(call)
    target = await _found(call)
    if not (target.group.public or target.group.room):
        raise forbidden_operation(f"can not join this group, reason:group: {target.text} is not public\n")
    await _come(call, target, [person], Waiting.REQUEST, words)
    return success(call, "post", call.now, {"entities": [], "data": _row(target, "apply", person.name)})


async def join_many(call: Call) -> Reply:
    """`POST /users/{user}/joined_chatgroups`: the user joins up to 60 groups, by the application's word, with an answer for each: a
    group that there is not, and one that blocks the user or is full, is none."""
    require_administrator(call)
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    ids = list(dict.fromkeys(body_names(request, "id_list")))
    (person,) = await registered_people(call, [call.parameters["user"]])
    data = [{"id": text, "result": await _joined(call, text, keys_of([person]))} for text in ids]
    return success(call, "post", call.now, {"entities": [], "data": data})


async def _joined(call: Call, text: str, keys: list[UserKey]) -> bool:
    """Whether the user is a member now."""
    target = await find_target(call, text)
    if target is None:
        return False
    announce = await of_coming(call, target, keys, added=False)
    try:
        await call.core.groups.add(call.tenant, target.number, keys, reference=call.reference, announce=announce)
    except Failure as failure:
        if failure.reason not in ("blocked", "members", "group"):
            raise
        return False
    return True


async def verify_request(call: Call) -> Reply:
    """`POST /chatgroups/{group}/apply_verify`: whether somebody who asked may join."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    name, verdict = body_name(request, "applicant"), _verdict(request)
    target = await target_of(call, Needs.ADMIN)
    (person,) = await people(call, [name])
    await _answer(call, target, person, Waiting.REQUEST, verdict)
    return success(call, "post", call.now, {"entities": [], "data": _row(target, "applyVerify", person.name)})


async def verify_invitation(call: Call) -> Reply:
    """`POST /chatgroups/{group}/invite_verify`: whether the user who was invited comes."""
    request = parse_object(await call.body(BODY_LIMIT_BYTES))
    name, verdict = body_name(request, "invitee"), _verdict(request)
    (person,) = await people(call, [name])
    principal = call.authenticated
    if not principal.administrator and (person.key is None or person.key.id != principal.user):
        raise no_permission()
    target = await _found(call)
    await _answer(call, target, person, Waiting.INVITATION, verdict)
    return success(call, "post", call.now, {"entities": [], "data": _row(target, "inviteVerify", person.name)})


async def leave(call: Call) -> Reply:
    """`DELETE …/quit`: the user who calls. The owner stays."""
    person = await _caller(call)
    target = await target_of(call, Needs.MEMBER)
    keys = [person.key] if person.key is not None else []
    announce = await of_going(call, target)
    change = call.core.groups.remove(
        call.tenant, target.number, keys, spare_owner=True, reference=call.reference, announce=announce
    )
    await sparing_owner(change)
    return success(call, "delete", call.now, {"entities": [], "data": _row(target, "quit", person.name)})


async def shield(call: Call) -> Reply:
    """`POST …/shield`: the user who calls wants to hear nothing of the group."""
    return await _set_shield(call, on=True)


async def unshield(call: Call) -> Reply:
    """`DELETE …/shield`."""
    return await _set_shield(call, on=False)


async def _set_shield(call: Call, *, on: bool) -> Reply:
    person = await _caller(call)
    target = await target_of(call, Needs.MEMBER)
    if person.key is not None:
        until = _FOR_EVER if on else 0
        await call.core.conversations.mark(call.tenant, person.key, target.number, muted_until=until)
    if on:
        call.losses.append("shield: the group is muted for the user, who still finds its messages")
    data = _row(target, "add_shield" if on else "remove_shield", person.name)
    return success(call, call.request.method.lower(), call.now, {"entities": [], "data": data})


async def _found(call: Call) -> Target:
    """The group of the path, for who is no member yet."""
    target = await find_target(call, call.parameters["group"])
    if target is None:
        raise no_group(call.parameters["group"], reading=False)
    return target


async def _caller(call: Call) -> Person:
    """The user who calls; an application is none."""
    user = call.authenticated.user
    key = await call.core.users.known_key(call.tenant, user) if user is not None else None
    if user is None or key is None:
        raise Failure(Kind.UNAUTHENTICATED, "Only for users")
    (name,) = await names_of(call, [user])
    return Person(name, key)


async def _come(call: Call, target: Target, persons: Sequence[Person], why: Waiting, words: str) -> None:
    """Make people members, or note that they wait for consent. Raises, and does nothing, when one of them can't come."""
    members, keys = call.core.members, keys_of(persons)
    for person, standing in zip(persons, await members.standings(call.tenant, target.number, keys), strict=True):
        if standing.member is not None or standing.blocked:
            raise _refused(target, person, standing.blocked)
    name, default = ("invite_need_confirm", True) if why is Waiting.INVITATION else ("membersonly", False)
    if target.group.room or not target.own_leftovers.get(name, default):
        announce = await of_coming(call, target, keys, added=why is Waiting.INVITATION)
        await call.core.groups.add(call.tenant, target.number, keys, reference=call.reference, announce=announce)
        return
    for key in keys:
        await members.ask(call.tenant, target.number, key, why, words)


async def _answer(call: Call, target: Target, person: Person, why: Waiting, verdict: bool) -> None:
    try:
        if person.key is None:
            raise Failure(Kind.NOT_FOUND, "Nobody waits", reason="pending")
        if verdict:
            announce = await of_coming(call, target, [person.key], added=why is Waiting.REQUEST)
            if await call.core.members.accept(call.tenant, target.number, person.key, why, reference=call.reference):
                await call.core.groups.say(call.tenant, target.number, announce, [person.key], call.reference)
            return
        keys: list[UserKey] = [person.key]
        (done,) = await call.core.members.decline(call.tenant, target.number, keys, reference=call.reference)
        if not done:
            raise Failure(Kind.NOT_FOUND, "Nobody waits", reason="pending")
    except Failure as failure:
        if failure.reason == "blocked":
            raise _refused(target, person, True) from None
        if failure.reason != "pending":
            raise
        raise forbidden_operation(f"user: {person.name} does not wait to join group: {target.text}") from None


def _refused(target: Target, person: Person, is_blocked: bool) -> Failure:
    """Why somebody can't come: blocked, or there already."""
    what = "is in blacklist of group" if is_blocked else "already in group"
    return forbidden_operation(f"can not join this group, reason:user: {person.name} {what}: {target.text}\n")


def _row(target: Target, action: str, name: str) -> dict[str, Any]:
    """What became of one user. Replies have the id under either name."""
    return {"result": True, "action": action, "user": name, "id": target.text, "groupid": target.text}


def _verdict(request: dict[str, Any]) -> bool:
    verdict = boolean_of(request.get("verifyResult"))
    if verdict is None:
        raise invalid_parameter("verifyResult must be boolean", "verifyResult")
    return verdict


def _words(request: dict[str, Any], field: str) -> str:
    words = text_of(request.get(field, "")) if request.get(field) is not None else ""
    if words is None:
        raise invalid_parameter(f"{field} must be a string", field)
    if len(words) > _MAXIMUM_WORDS:
        raise invalid_parameter(f"{field} length is too big", field)
    return words
