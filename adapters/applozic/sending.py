"""Sending messages: to a user, to a group, in a topic, or with a time of long ago."""

import re
from hashlib import blake2b
from typing import Any

import msgspec
import orjson

from adapters.applozic import wire
from adapters.applozic.auth import OF_USER, acting_user, require_administrator
from adapters.applozic.content import API, WEB, read, read_bare
from adapters.applozic.errors import bad_request, no_group, no_user, not_allowed, word
from adapters.applozic.files import addresses
from adapters.applozic.group_objects import OPEN, group_type, other_of
from adapters.applozic.group_target import number_of
from adapters.applozic.ids import group_key, sent_key, virtual_topic
from adapters.applozic.options import NAME, Options
from adapters.applozic.topics import place
from adapters.applozic.wire import Fields, whole
from adapters.contract import Call, Reply
from core.errors import Failure
from core.ids import CLIENT_REFERENCE
from core.imports import Import
from core.membership import Check
from core.model import Audience, Message, Receipt, Topic, UserKey
from core.names import check_name

CLOSED = "CONVERSATION_CLOSED"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""What a client's own key of a message must look like to tell messages apart; some send any word."""
_ELSEWHERE = frozenset({"groupId", "clientGroupId", "conversationId"})
"""Fields by which a message goes elsewhere than to a user."""


class Destination(msgspec.Struct, frozen=True):
    """Where a message goes: to a user, or to a group's number; and its topic."""

    user: str = ""
    group: int = 0
    topic: Topic | None = None


class Sent(msgspec.Struct, frozen=True):
    """What was sent."""

    sender: UserKey
    destination: Destination
    receipt: Receipt


async def send(options: Options, call: Call) -> Reply:
    """POST message/send: the bare answer."""
    return wire.json_reply(await send_one(options, call, await wire.read(call)))


async def dispatch(options: Options, call: Call) -> Reply:
    """POST message/dispatch: an administrator sends on behalf of `senderName`, with `oldTimestamp` as history: sorted by that
    time, never unread, and nobody is told."""
    require_administrator(call)
    fields = await wire.read(call)
    sender, time = fields.text("senderName"), fields.integer("oldTimestamp")
    if sender is None:
        raise no_user()
    destination = await _destination(options, call, fields, sender)
    pxy = fields.value("conversationPxy")
    if destination.topic is None and isinstance(pxy, dict) and pxy.get("topicId"):
        destination = await _in_topic(call, destination, sender, pxy)
    if time is None or time <= 0:
        sent = await _append(call, fields, sender, destination, Check.NONE)
    else:
        sent = await _import(call, fields, sender, destination, time)
    return wire.json_reply(_answer(call, sent))


async def send_one(options: Options, call: Call, fields: Fields) -> dict[str, Any]:
    """Send what a request says; gives the fields of the answer. Raises `CLOSED` as a plain word for a closed topic."""
    sender = sender_of(call, fields)
    destination = await _destination(options, call, fields, sender)
    return _answer(call, await _append(call, fields, sender, destination, check_of(call)))


def sender_of(call: Call, fields: Fields) -> str:
    """Who sends: the caller, whom an administrator acts for, or whom a server names in the body."""
    principal = call.authenticated
    if principal.administrator:
        if principal.user is not None and wire.header(call.request, OF_USER):
            return principal.user
        named = fields.text("fromUserName")
        if named is not None:
            check_name(named, "fromUserName")
            return named
    return acting_user(call, fields)


def check_of(call: Call) -> Check:
    """What is checked of who sends to a group: the app's own server may."""
    return Check.NONE if call.authenticated.administrator else Check.MEMBER


def reference_of(call: Call, fields: Fields) -> str:
    """What makes a repeat one send: the header for that, else the client's own key of the message."""
    key = fields.body.get("key")
    if isinstance(key, str) and not call.reference.startswith(CLIENT_REFERENCE) and _UUID.fullmatch(key):
        return f"{CLIENT_REFERENCE}{key.lower()}"
    return call.reference


def message_of(call: Call, body: dict[str, Any], sender: UserKey, topic: int | None) -> tuple[Message, Audience]:
    """The neutral message of a body, and who gets it."""
    source = API if call.authenticated.administrator else WEB
    said = read_bare(body, source=source) or read(body, addresses(call), call.losses, source=source)
    key = body.get("key")
    return (
        Message(
            sender.id,
            said.content,
            NAME,
            said.extension,
            reference=key if isinstance(key, str) and key else None,
            leftovers=said.leftovers,
            topic=topic,
        ),
        said.audience,
    )


async def to_groups(
    call: Call, sender: UserKey, groups: list[int], message: Message, audience: Audience, reference: str, check: Check
) -> list[Receipt]:
    """Send to groups; whoever is no member sends to open ones alone. Raises the vendor's error for a group that is none."""
    messages, tenant = call.core.messages, call.tenant
    try:
        return await messages.send_group(tenant, sender, groups, message, reference, audience, check=check)
    except Failure as failure:
        if failure.reason != "member":
            raise
    # With the same reference those that have got it don't get it again.
    receipts = []
    for number in groups:
        group = await call.core.groups.find(tenant, number)
        if group is None:
            raise no_group()
        one = Check.USER if group_type(group) == OPEN else check
        receipts += await messages.send_group(tenant, sender, [number], message, reference, audience, check=one)
    return receipts


async def require_known(options: Options, call: Call, users: list[str]) -> None:
    """Where the settings say so: raises what the vendor answers unless all are registered."""
    if not options.unknown_users and None in await call.core.users.find_many(call.tenant, users):
        raise no_user()


async def _append(call: Call, fields: Fields, sender: str, destination: Destination, check: Check) -> Sent:
    core, tenant, topic = call.core, call.tenant, destination.topic
    if topic is not None and not topic.open:
        raise word(CLOSED)
    reference, number = reference_of(call, fields), topic.number if topic is not None else None
    if destination.group:
        if check is Check.NONE and await core.groups.find(tenant, destination.group) is None:
            raise no_group()
        (key,) = await core.users.keys(tenant, (sender,))
        message, audience = message_of(call, fields.body, key, number)
        (receipt,) = await to_groups(call, key, [destination.group], message, audience, reference, check)
    else:
        key, peer = await core.users.keys(tenant, (sender, destination.user))
        message, audience = message_of(call, fields.body, key, number)
        one = check and Check.EITHER
        (receipt,) = await core.messages.send_direct(tenant, key, [peer], message, reference, audience, check=one)
    return Sent(key, destination, receipt)


async def _import(call: Call, fields: Fields, sender: str, destination: Destination, time: int) -> Sent:
    core, tenant = call.core, call.tenant
    topic = destination.topic.number if destination.topic is not None else None
    if time > call.now:
        call.losses.append("oldTimestamp: in the future, became now")
        time = call.now
    key, *peer = await core.users.keys(tenant, (sender, *([destination.user] if destination.user else [])))
    message, audience = message_of(call, fields.body, key, topic)
    one = Import(_external_id(call, fields, time), time, key, message, hidden=audience.hidden)
    if destination.group:
        if await core.groups.find(tenant, destination.group) is None:
            raise no_group()
        (receipt,) = await core.imports.group(tenant, destination.group, [one])
    else:
        (receipt,) = await core.imports.direct(tenant, key, peer[0], [one])
    return Sent(key, destination, receipt)


def _external_id(call: Call, fields: Fields, time: int) -> str:
    """What makes a repeated import one: a migration that was broken off begins again, and its messages have no ids."""
    reference = reference_of(call, fields)
    if reference.startswith(CLIENT_REFERENCE):
        return reference
    said = orjson.dumps([time, fields.body], option=orjson.OPT_SORT_KEYS)
    return "said:" + blake2b(said, digest_size=16).hexdigest()


async def _destination(options: Options, call: Call, fields: Fields, sender: str) -> Destination:
    """Where a body wants to go. A group goes before a user: clients post both, when one of them is meant."""
    topic = None
    if not fields.isdisjoint(_ELSEWHERE):
        topic = await _topic(call, fields)
        if _names_group(fields):
            group = await number_of(call, fields) or 0
            if virtual_topic(group) is None:
                if not group:
                    raise no_group()
                return Destination(group=group, topic=topic)
            # The vendor's stand-in for a topic of two users.
            topic = topic or await call.core.topics.find(call.tenant, virtual_topic(group) or 0)
    user = fields.text("to", "contactIds")
    if user is None and topic is not None:
        if isinstance(topic.parties, int):
            return Destination(group=topic.parties, topic=topic)
        if sender not in topic.parties:
            raise not_allowed()
        user = other_of(topic.parties, sender)
    if user is None:
        raise bad_request("to, groupId or clientGroupId is needed")
    await require_known(options, call, [user])
    return Destination(user, topic=topic)


def _names_group(fields: Fields) -> bool:
    """Whether a group is meant; zero stands for none, as in whatever was not set."""
    return fields.value("groupId", "clientGroupId") not in (None, 0, "0", "null", "undefined")


async def _topic(call: Call, fields: Fields) -> Topic | None:
    number = whole(fields.value("conversationId"))
    if not number:
        return None
    topic = await call.core.topics.find(call.tenant, number) if number > 0 else None
    if topic is None:
        raise bad_request("conversation not found")
    return topic


async def _in_topic(call: Call, destination: Destination, sender: str, pxy: dict[str, Any]) -> Destination:
    """The destination in a topic that the body describes, made when there is none."""
    alias, detail = str(pxy["topicId"]), pxy.get("topicDetail")
    creator = await call.core.users.key(call.tenant, sender)
    parties = destination.group or (sender, destination.user)
    topic, _ = await place(call, creator, parties, alias, detail if isinstance(detail, str) else None)
    return msgspec.structs.replace(destination, topic=topic)


def _answer(call: Call, sent: Sent) -> dict[str, Any]:
    ids, receipt, destination = call.core.ids(call.tenant), sent.receipt, sent.destination
    answer: dict[str, Any] = {
        "messageKey": group_key(destination.group, receipt.id)
        if destination.group
        else sent_key(ids, sent.sender.number, receipt.id),
        "createdAt": receipt.time,
    }
    if destination.topic is not None:
        answer["conversationId"] = destination.topic.number
    return answer
