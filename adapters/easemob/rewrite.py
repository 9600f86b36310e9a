"""Editing messages that were sent."""

from typing import Any

import msgspec

from adapters.contract import Call, Reply
from adapters.easemob import content
from adapters.easemob.auth import require_administrator
from adapters.easemob.errors import illegal, invalid_request
from adapters.easemob.newer_messages import read_message
from adapters.easemob.options import NAME, Options
from adapters.easemob.parties import known_message
from adapters.easemob.wire import boolean_of, success, text_of
from core.errors import Failure, Kind
from core.model import Audio, Content, Custom, File, Html, Image, Location, Message, Text, Video

MAXIMUM_EDITS = 10
_EDITS = "edits"
"""Where a message's leftovers count its edits."""
_EDITED_WHOLE = {"txt": (Text, Html), "custom": (Custom,)}
_EDITED_BESIDE: dict[str, tuple[type[Content], ...]] = {
    "img": (Image,),
    "image": (Image,),
    "audio": (Audio,),
    "video": (Video,),
    "file": (File,),
    "loc": (Location,),
}
"""Of these kinds only the extension can be edited."""


async def rewrite(options: Options, call: Call) -> Reply:
    """`PUT /messages/rewrite/{message}`: replaces what a text or a custom message says, and the extension of any that is no
    signal."""
    require_administrator(call)
    if not options.rewrite:
        raise Failure(Kind.FORBIDDEN, "The rewrite message feature is not open.", reason="rewrite")
    request = await read_message(options, call)
    text = call.parameters["message"]
    if not text.isascii() or not text.isdigit():
        raise Failure(Kind.BAD_REQUEST, "Not a message id", reason="message_id", field="message")
    new = request.get("new_msg")
    if new is None or new == {}:
        raise illegal("new_msg is required", "new_msg")
    if not isinstance(new, dict):
        raise invalid_request()
    extension = request.get("new_ext")
    combines = boolean_of(request.get("is_combine_ext", True))
    if combines is None or not (extension is None or isinstance(extension, dict)):
        raise invalid_request()
    number = await known_message(call, text)
    if number is None:
        raise _gone()
    try:
        await call.core.messages.edit(
            call.tenant,
            number,
            lambda message: _edited(options, message, new, extension, combines=combines),
            reference=call.reference,
        )
    except Failure as failure:
        raise (_gone() if failure.kind is Kind.NOT_FOUND else failure) from None
    path = f"/messages/rewrite/{text}"
    return success(call, "put", call.now, {"path": path, "data": "success"})


def _edited(
    options: Options, old: Message, new: dict[str, Any], extension: dict[str, Any] | None, *, combines: bool
) -> Message:
    """The message as it is after the edit. It is this dialect's from then on, whatever it was before."""
    kind = text_of(new.get("type"))
    whole = isinstance(old.content, _EDITED_WHOLE.get(kind or "", ()))
    if not whole and not isinstance(old.content, _EDITED_BESIDE.get(kind or "", ())):
        raise Failure(
            Kind.BAD_REQUEST,
            "The message is of a type that is currently not supported for modification.",
            reason="rewrite",
            field="type",
        )
    own = (old.leftovers or {}) if old.dialect == NAME else {}
    edits = own.get(_EDITS, 0) + 1
    if edits > MAXIMUM_EDITS:
        raise Failure(
            Kind.FORBIDDEN, "The message has reached its edit limit and cannot be modified further.", reason="rewrite"
        )
    said, left = old.content, own
    if whole:
        # What the edit does not name stays: of a custom message either part may be left out.
        said, spelling = content.read(content.write(old, []) | new, strict=options.strict)
        left = {name: value for name, value in own.items() if name not in (content.MSG, content.ABSENT)}
        left |= spelling or {}
    return msgspec.structs.replace(
        old,
        content=said,
        dialect=NAME,
        extension=_combined(old.extension, extension, combines=combines),
        leftovers={**left, _EDITS: edits},
    )


def _combined(old: dict[str, Any] | None, new: dict[str, Any] | None, *, combines: bool) -> dict[str, Any] | None:
    if new is None:
        return old
    return {**(old or {}), **new} if combines else new


def _gone() -> Failure:
    return Failure(Kind.NOT_FOUND, "No such message", reason="rewrite")
