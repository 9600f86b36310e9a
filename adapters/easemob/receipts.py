"""What became of group messages: who has read one."""

from adapters.contract import Call, Reply
from adapters.easemob.auth import require_administrator
from adapters.easemob.errors import illegal
from adapters.easemob.parties import known_group, known_message, lies_in
from adapters.easemob.users import names_of
from adapters.easemob.wire import page_size, success
from core.errors import Failure, Kind
from core.ids import USER
from core.model import UserReceipt

_DEFAULT_LIMIT = 50
_MAXIMUM_LIMIT = 500
_AT_ONCE = 1_000


async def group_acks(call: Call) -> Reply:
    """`GET /chatgroups/{group}/acks/{message}`: who has read the message and when, a page of them. A receipt is known of
    whoever read the conversation, in whatever dialect, and whether or not the message asked for it."""
    require_administrator(call)
    given, text = call.request.query, call.parameters["message"]
    limit = page_size(call, "limit", _DEFAULT_LIMIT, _MAXIMUM_LIMIT)
    after = _key(call, given["key"]) if given.get("key") else 0
    readers = await _readers(call, await _message_of_group(call, text))
    page = [one for one in readers if one.user.number > after][:limit]
    names = await names_of(call, [one.user.id for one in page])
    ids = call.core.ids(call.tenant)
    rows = [
        {"username": name, "meta_id": ids.uuid(USER | one.user.number), "timestamp": one.read}
        for name, one in zip(names, page, strict=True)
    ]
    is_last = not page or page[-1] is readers[-1]
    data = {
        "ackmid": text,
        "userlist": rows,
        "total": len(readers),
        "next_key": "" if is_last else rows[-1]["meta_id"],
        "is_last": is_last,
        "timestamp": call.now,
    }
    return success(call, "group_read_ack", call.now, {"entities": [], "data": data})


async def _message_of_group(call: Call, text: str) -> int:
    """The number of a message, which has to be one of the group in the path."""
    group = await known_group(call, call.parameters["group"])
    if group is None or await call.core.groups.find(call.tenant, group) is None:
        raise Failure(Kind.NOT_FOUND, "No such group", reason="group", subject=call.parameters["group"])
    number = await known_message(call, text)
    stored = await call.core.messages.get(call.tenant, number) if number is not None else None
    if stored is not None and await lies_in(call, stored, group):
        return stored.id
    raise Failure(Kind.NOT_FOUND, "No such message", reason="message", subject=text)


async def _readers(call: Call, message: int) -> list[UserReceipt]:
    found: list[UserReceipt] = []
    after = 0
    while True:
        some = await call.core.receipts.of(call.tenant, message, after=after, limit=_AT_ONCE)
        found += [one for one in some if one.read is not None]
        if len(some) < _AT_ONCE:
            return found
        after = some[-1].user.number


def _key(call: Call, text: str) -> int:
    value = call.core.ids(call.tenant).from_uuid(text)
    if value is None or not value & USER:
        raise illegal("key is not legal", "key")
    return value ^ USER
