"""What every endpoint that sends has in common: the options of a message, the places it goes to, and what came of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from adapters.contract import Call
from adapters.easemob.content import losses
from adapters.easemob.files import addresses
from adapters.easemob.groups import check_group_id, place_groups
from adapters.easemob.options import NAME
from adapters.easemob.users import place_users
from core.errors import Failure
from core.model import EVERYBODY, Audience, Content, Message, Receipt, Text, UserKey

DEFAULT_SENDER = "admin"
MAXIMUM_IGNORED = 20
_ROOMS_AT_ONCE = 500
_ONLINE = Audience(online_only=True)
_OPTIONS = frozenset(
    {
        "routetype",
        "sync_device",
        "roam_ignore_users",
        "need_group_ack",
        "chatroom_msg_level",
        "msg_timestamp",
        "env",
    }
)


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """What was sent: to each of `targets`, which lie at `numbers`; a receipt for each place."""

    targets: Sequence[str]
    numbers: Sequence[int]
    receipts: Sequence[Receipt]

    @property
    def ids(self) -> dict[str, str]:
        """The message id by target."""
        ids = {
            number: str(receipt.id) for number, receipt in zip(dict.fromkeys(self.numbers), self.receipts, strict=True)
        }
        return {target: ids[number] for target, number in zip(self.targets, self.numbers, strict=True)}

    @property
    def time(self) -> int:
        """When the last of it was stored: a repeated send with the same key gets the same."""
        return max([receipt.time for receipt in self.receipts]) if len(self.receipts) > 1 else self.receipts[0].time


async def to_users(
    call: Call,
    sender: str,
    targets: Sequence[str],
    content: Content,
    extension: dict[str, Any] | None,
    leftovers: dict[str, Any],
) -> Delivery:
    """Send to users, known or not. Names are checked before anything is written."""
    key, *receivers = await place_users(call, [sender, *targets])
    numbers = [receiver.number for receiver in receivers]
    distinct = list({receiver.number: receiver for receiver in receivers}.values())
    message = _message(call, key, content, extension, leftovers)
    audience = _ONLINE if leftovers and _is_for_online(leftovers) else EVERYBODY
    receipts = await call.core.messages.send_direct(call.tenant, key, distinct, message, call.reference, audience)
    return Delivery(targets, numbers, receipts)


async def to_groups(
    call: Call,
    sender: str,
    targets: Sequence[str],
    content: Content,
    extension: dict[str, Any] | None,
    leftovers: dict[str, Any],
    *,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Delivery:
    """Send to groups and rooms, known or not: to all members, to those in `only`, or to all but those in `without`."""
    for target in targets:
        check_group_id(target)
    key, *named = await place_users(call, [sender, *only, *without])
    numbers = await place_groups(call, targets)
    message = _message(call, key, content, extension, leftovers)
    audience = _ONLINE if _is_for_online(leftovers) else EVERYBODY
    if named:
        users = tuple(named)
        audience = Audience(to=users if only else None, without=() if only else users, online_only=audience.online_only)
    groups = list(dict.fromkeys(numbers))
    try:
        receipts = await call.core.messages.send_group(call.tenant, key, groups, message, call.reference, audience)
    except Failure as failure:
        raise _by_target(failure, dict(zip(map(str, numbers), targets, strict=True))) from None
    return Delivery(targets, numbers, receipts)


async def to_rooms(
    call: Call, sender: str, content: Content, extension: dict[str, Any] | None, leftovers: dict[str, Any]
) -> None:
    """Send to all rooms that have a member."""
    (key,) = await place_users(call, [sender])
    message = _message(call, key, content, extension, leftovers)
    cursor = ""
    while True:
        page = await call.core.groups.page(call.tenant, rooms=True, limit=_ROOMS_AT_ONCE, cursor=cursor)
        rooms = [counted.group.number for counted in page.groups if counted.members]
        try:
            await call.core.messages.send_group(call.tenant, key, rooms, message, call.reference)
        except Failure as failure:
            # A room that was closed meanwhile gets nothing; the others have got it.
            if failure.reason not in ("group", "disabled"):
                raise
        cursor = page.cursor
        if not cursor:
            return


def _message(
    call: Call, sender: UserKey, content: Content, extension: dict[str, Any] | None, leftovers: dict[str, Any]
) -> Message:
    stored = content if isinstance(content, Text) else addresses(call).stored(content)
    message = Message(sender.id, stored, NAME, extension, leftovers=leftovers or None)
    if leftovers:
        call.losses += losses(message)
    return message


def _by_target(failure: Failure, targets: Mapping[str, str]) -> Failure:
    """The failure, with the group in the caller's words."""
    if failure.subject is None or failure.subject not in targets:
        return failure
    return Failure(failure.kind, failure.text, reason=failure.reason, subject=targets[failure.subject])


def options_of(request: dict[str, Any]) -> dict[str, Any]:
    """The options that a message keeps as leftovers."""
    if _OPTIONS.isdisjoint(request):
        return {}
    return {name: value for name, value in request.items() if name in _OPTIONS}


def _is_for_online(options: Mapping[str, Any]) -> bool:
    """Whether who is offline gets nothing, now or later. Any other word means nothing: a client sends an empty one."""
    return options.get("routetype") == "ROUTE_ONLINE"


def ignored(options: Mapping[str, Any], losses: list[str]) -> list[str]:
    """The members of a group who do not get the message. The vendor names no error for a list that is none."""
    names = options.get("roam_ignore_users")
    found = [name for name in names if isinstance(name, str) and name] if isinstance(names, list) else []
    if names and (not isinstance(names, list) or len(found) != len(names) or len(found) > MAXIMUM_IGNORED):
        losses.append(f"roam_ignore_users: only the first {MAXIMUM_IGNORED} user names are taken")
    return list(dict.fromkeys(found))[:MAXIMUM_IGNORED]


def report_ignored(options: Mapping[str, Any], losses: list[str]) -> None:
    """Where a message has no audience: that nobody is left out."""
    if options.get("roam_ignore_users"):
        losses.append("roam_ignore_users: nobody is left out of direct messages")
