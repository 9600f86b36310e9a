"""What was sent: as a file for each hour, and by the query of the vendor's first years."""

import asyncio
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from heapq import nsmallest
from typing import Any, NamedTuple

import msgspec
import orjson

from adapters.contract import Call, Reply
from adapters.easemob.auth import application_of, require_administrator
from adapters.easemob.errors import illegal, unknown_application
from adapters.easemob.options import NAME, Options
from adapters.easemob.records import KINDS, conversation_of, record
from adapters.easemob.wire import echoed, page_size, success
from core.errors import Failure, Kind
from core.feeds import HOUR_MS, MAXIMUM_HOURS
from core.ids import Parties
from core.messages import Query
from core.model import Principal, Stored, Tenant

_HOUR = re.compile(r"\d{10}", re.ASCII)
_FILE = re.compile(r"(\d{10})\.gz", re.ASCII)
SIGNATURE = "Signature"
"""The part of a link's query that opens the file."""
_LINK_SECONDS = 1800
_LINK_DIALECT = f"{NAME}.history"
"""What the token in a link says instead of the dialect, so that it opens nothing else."""
_GZIP = 16 + zlib.MAX_WBITS
_MAXIMUM_FILE_BYTES = 256 << 20

# Of words with one blank between them: where any number may stand, and several may meet, a pattern tries all ways to share them.
_QUERY = re.compile(
    r"select \* ?(?:where (?P<where>.+?))? ?(?:order by timestamp(?: (?P<order>asc|desc))?)?", re.IGNORECASE
)
_CONDITION = re.compile(r"timestamp ?(<=|>=|<|>|=) ?'?(\d{1,15})'?", re.IGNORECASE | re.ASCII)
_DEFAULT_LIMIT = 10
_MAXIMUM_LIMIT = 1_000
_CONVERSATIONS_AT_ONCE = 50
_AHEAD_MS = 2_000
"""How far a message's time may run ahead of this worker's clock, and more."""

_Row = tuple[int, int, Parties, Stored]
"""Time, message id, whose conversation, message; by the first two they are ordered."""


class _Asked(NamedTuple):
    """Times (`since <= time < until`, ms) and order of a query."""

    since: int
    until: int
    newest_first: bool


async def hour(options: Options, call: Call) -> Reply:
    """`GET /chatmessages/{time}`: where the file of an hour is. The hour that runs is answered too, as far as it is over;
    the vendor takes hours to make a file."""
    require_administrator(call)
    name = call.parameters["time"]
    number = _hour(options, name)
    application = application_of(call.request)
    if number is None:
        raise illegal(f"illegal arguments: appkey: {application}, time: {name}", "time")
    running = call.now // HOUR_MS
    if number <= running - MAXIMUM_HOURS:
        raise illegal(
            f"illegal arguments: appkey: {application}, time: {name}, maybe chat message history is expired or unstored",
            "time",
        )
    if number > running or not await call.core.feeds.active(call.tenant, number, number):
        text = f"Failed to find chat message history download url for appkey: {application}, time: {name}"
        raise Failure(Kind.NOT_FOUND, text, reason="history")
    token = call.core.tokens.mint(call.tenant, _LINK_DIALECT, f"{application} {name}", _LINK_SECONDS)
    base = "/".join(call.request.path.split("/")[:3])
    url = f"{call.request.origin}{base}/chatmessages/files/{name}.gz?{SIGNATURE}={token}"
    return success(call, "get", call.now, {"data": [{"url": url}]})


async def file(options: Options, call: Call) -> Reply:
    """`GET /chatmessages/files/{name}`: the records of an hour, one a line, compressed. The link itself is the credential,
    as at the vendor's."""
    match = _FILE.fullmatch(call.parameters["name"])
    call.principal = Principal(_tenant_of_link(call, match[1] if match else ""))
    number = _hour(options, match[1]) if match else None
    if number is None:
        raise Failure(Kind.NOT_FOUND, "No such file", reason="history")
    packer = zlib.compressobj(wbits=_GZIP)
    pieces, size = [], 0
    async for line in _lines(call, number):
        piece = packer.compress(line)
        pieces.append(piece)
        size += len(piece)
        if size > _MAXIMUM_FILE_BYTES:
            raise Failure(Kind.TOO_LARGE, "The history of this hour is too large")
    pieces.append(packer.flush())
    return Reply(200, b"".join(pieces), [(b"content-type", b"application/gzip")])


async def query(call: Call) -> Reply:
    """`GET /chatmessages?ql=select * where timestamp>…`: records of the last 31 days in order of time."""
    require_administrator(call)
    given = call.request.query
    asked = _asked(given.get("ql", ""), call.now)
    limit = page_size(call, "limit", _DEFAULT_LIMIT, _MAXIMUM_LIMIT)
    rows = await _rows(call, asked, limit, _cursor(given["cursor"]) if given.get("cursor") else None)
    page, losses = rows[:limit], dict[str, None]()
    entities = [await _entity(call, row, losses) for row in page]
    call.losses.extend(losses)
    fields: dict[str, Any] = {
        "params": echoed(call),
        "path": "/chatmessages",
        "entities": entities,
        "count": len(entities),
    }
    if len(rows) > limit:
        # On the last page there is none: clients go on until it is missing.
        fields["cursor"] = urlsafe_b64encode(b"%d %d" % page[-1][:2]).decode()
    return success(call, "get", call.now, fields)


def _hour(options: Options, text: str) -> int | None:
    """The hour since the epoch that `yyyyMMddHH` names in the zone of the application."""
    if not _HOUR.fullmatch(text):
        return None
    zone = timezone(timedelta(hours=options.history_zone_hours))
    try:
        start = datetime.strptime(text, "%Y%m%d%H").replace(tzinfo=zone)
    except ValueError:  # no such day
        return None
    return int(start.timestamp()) * 1000 // HOUR_MS


def _tenant_of_link(call: Call, name: str) -> Tenant:
    """The tenant that made a link to the file of this hour."""
    if not call.tenants:
        raise unknown_application()
    problem = Failure(Kind.UNAUTHENTICATED, "No link", reason="missing")
    for tenant in call.tenants:
        try:
            claims = call.core.tokens.verify(tenant, call.request.query.get(SIGNATURE, ""))
        except Failure as failure:
            problem = failure
            continue
        if (claims.dialect, claims.application) == (_LINK_DIALECT, f"{application_of(call.request)} {name}"):
            return tenant
    raise problem


async def _lines(call: Call, number: int) -> AsyncIterator[bytes]:
    """The records of an hour, as lines of JSON, some at a time."""
    losses: dict[str, None] = {}
    async for portion in call.core.feeds.hour(call.tenant, number):
        found = [stored for stored in portion.messages if 1 << stored.kind & KINDS]
        if found:
            conversation = await conversation_of(call, portion.parties, found)
            lost: list[str] = []
            lines = [orjson.dumps(record(conversation, stored, lost)) for stored in found]
            losses |= dict.fromkeys(lost)
            yield b"\n".join(lines) + b"\n"
    call.losses.extend(losses)


async def _rows(call: Call, asked: _Asked, limit: int, cursor: tuple[int, int] | None) -> list[_Row]:
    """The next rows of a query, one more than a page. Each conversation gives as many as a page takes, since all may be its
    own."""
    sign = -1 if asked.newest_first else 1
    since, until = max(asked.since, call.now - (MAXIMUM_HOURS - 2) * HOUR_MS), asked.until
    if cursor is not None:
        since, until = (since, min(until, cursor[0] + 1)) if asked.newest_first else (max(since, cursor[0]), until)
    if since >= until:
        return []
    active = await call.core.feeds.active(call.tenant, since // HOUR_MS, (until - 1) // HOUR_MS)
    # One more for the next page's sake, and one for the row at the cursor itself.
    wanted = Query(limit + 2, newest_first=asked.newest_first, since=since, until=until, kinds=KINDS)
    rows: list[_Row] = []
    for start in range(0, len(active), _CONVERSATIONS_AT_ONCE):
        some = active[start : start + _CONVERSATIONS_AT_ONCE]
        pages = await asyncio.gather(*(_messages(call, each.parties, wanted) for each in some))
        rows += [
            (stored.time, stored.id, each.parties, stored)
            for each, messages in zip(some, pages, strict=True)
            for stored in messages
            if cursor is None or (stored.time * sign, stored.id * sign) > (cursor[0] * sign, cursor[1] * sign)
        ]
        rows = nsmallest(limit + 1, rows, key=lambda row: (row[0] * sign, row[1] * sign))
    return rows


async def _messages(call: Call, parties: Parties, wanted: Query) -> list[Stored]:
    """The first messages of a conversation that are wanted. A page may come short of them and still go on."""
    found: list[Stored] = []
    while True:
        page = await call.core.messages.page(call.tenant, parties, wanted)
        found += page.messages
        if not page.cursor or len(found) >= wanted.limit:
            return found
        wanted = msgspec.structs.replace(wanted, cursor=page.cursor)


async def _entity(call: Call, row: _Row, losses: dict[str, None]) -> dict[str, Any]:
    time, number, parties, stored = row
    lost: list[str] = []
    fields = record(await conversation_of(call, parties, [stored]), stored, lost)
    losses |= dict.fromkeys(lost)
    uuid = call.core.ids(call.tenant).uuid(number)
    return {"uuid": uuid, "type": "chatmessage", "created": time, "modified": stored.message.edited or time, **fields}


def _asked(text: str, now: int) -> _Asked:
    """What a query asks for. Raises *bad request* for all that is not about times."""
    match = _QUERY.fullmatch(" ".join(text.split()))
    if match is None:
        raise _unsupported()
    since, until = 0, now + _AHEAD_MS
    for part in re.split(" and ", match["where"], flags=re.IGNORECASE) if match["where"] else ():
        condition = _CONDITION.fullmatch(part)
        if condition is None:
            raise _unsupported()
        comparison, time = condition[1], int(condition[2])
        if comparison in (">", ">=", "="):
            since = max(since, time + (comparison == ">"))
        if comparison in ("<", "<=", "="):
            until = min(until, time + (comparison != "<"))
    return _Asked(since, until, (match["order"] or "asc").lower() == "desc")


def _cursor(text: str) -> tuple[int, int]:
    """Time and id of the last row of the page before."""
    try:
        time, number = urlsafe_b64decode(text).split(b" ")
        return int(time), int(number)
    except ValueError:
        raise illegal("cursor is not legal", "cursor") from None


def _unsupported() -> Failure:
    return illegal("This chatmessage request is not supported", "ql")
