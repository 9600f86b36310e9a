"""Single messages: several by their keys, and changes of their metadata."""

import asyncio

import msgspec
import orjson

from adapters.applozic import lookup, threads, wire
from adapters.applozic.errors import bad_request, not_allowed
from adapters.contract import Call, Reply
from core.messages import Query
from core.model import Message

_MAXIMUM_KEYS = 200
_HIDING = frozenset({"category", "hide", "show", "AL_DELETE_GROUP_MESSAGE_FOR_ALL"})
"""Metadata by which clients show a message to nobody: for its sender to say."""
_MAXIMUM_BYTES = 32_768
"""Of a message's metadata to which others add."""


async def detail(call: Call) -> Reply:
    """GET message/detail: the messages of `keys`, those that the caller sees, in the order of the keys."""
    fields = await wire.read(call)
    keys = list(dict.fromkeys(fields.texts("keys", "key", commas=True)))
    if len(keys) > _MAXIMUM_KEYS:
        raise bad_request(f"at most {_MAXIMUM_KEYS} messages are given at once")
    user = await lookup.caller(call, fields)
    found = await asyncio.gather(*(lookup.message_of(call, user, key) for key in keys))
    shown = [(one.target, one.stored) for one in found if one is not None]
    targets = list(dict.fromkeys(target for target, _ in shown))
    pages = await asyncio.gather(*(threads.page(call, user, target, Query(1, progress=True)) for target in targets))
    progress = {target: page.progress for target, page in zip(targets, pages, strict=True)}
    return wire.written_reply(await threads.rows_of(call, user, shown, progress))


async def update_metadata(call: Call) -> Reply:
    """POST message/update/metadata: merges into a message's metadata. Whoever sees it may, as reactions to a message are kept
    there; but none other than the sender hides it from all, or makes it large."""
    fields = await wire.read(call)
    metadata = fields.metadata("metadata")
    found = await lookup.message(call, fields)
    if found is None or metadata is None:
        raise bad_request("key and metadata are needed")
    is_own = call.authenticated.administrator or found.stored.message.sender == found.user.id
    if not is_own and not _HIDING.isdisjoint(metadata):
        raise not_allowed()

    def changed(message: Message) -> Message:
        extension = {**(message.extension or {}), **metadata}
        if not is_own and len(orjson.dumps(extension)) > _MAXIMUM_BYTES:
            raise bad_request(f"metadata has more than {_MAXIMUM_BYTES} bytes")
        return msgspec.structs.replace(message, extension=extension or None)

    await call.core.messages.edit(call.tenant, found.stored.id, changed, reference=call.reference)
    return wire.success(call)
