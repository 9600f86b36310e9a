"""Both ends of a translation, pure: what each dialect makes of what its apps send, and what its readers are shown of any
message. The table of losses, and the tests that prove it, go through these alone."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import orjson

from adapters import applozic, chat21, easemob, ozeki
from adapters.applozic import content as applozic_content
from adapters.applozic import files as applozic_files
from adapters.chat21 import content as chat21_content
from adapters.chat21 import files as chat21_files
from adapters.easemob import content as easemob_content
from adapters.ozeki import codec as ozeki_codec
from adapters.ozeki import content as ozeki_content
from adapters.ozeki import files as ozeki_files
from core.ids import Ids
from core.model import Message, MessageKind, Stored, Tenant
from tests.harness import NOON

TENANT = Tenant(7, "tenant", b"0" * 32)
ANOTHER = "another"
"""A dialect that is none of ours."""
_UTC = ZoneInfo("UTC")
_IDS = Ids(TENANT.secret, TENANT.generation)

Losses = Callable[[Message], Sequence[str]]


class Reader(NamedTuple):
    """One kind of reader of a dialect."""

    dialect: str
    losses: Losses
    """What such a reader loses of a message."""
    shown: Callable[[Message], Any]
    """All that such a reader is shown of what it says."""


def _declared(adapter: Any) -> Losses:
    return lambda message: adapter.losses(TENANT, message)


def _by_easemob(message: Message) -> Any:
    return {**easemob_content.write(message, []), "ext": message.extension}


def _by_chat21(message: Message) -> Any:
    content = chat21_files.nowhere(TENANT).shown(message.content)
    return chat21_content.write(content, message.extension, [])


def _by_applozic(message: Message) -> Any:
    fields = applozic_content.write(message, applozic_files.nowhere(TENANT), [])
    return fields | {"conversationId": message.topic}


def _by_ozeki_user(message: Message) -> Any:
    content = ozeki_files.nowhere(TENANT).shown(message.content)
    return ozeki_content.write(message, content, NOON, _UTC, [])


def _written_by_ozeki(message: Message) -> ozeki_codec.Written:
    stored = Stored(1 << 62, 1, NOON, MessageKind.MESSAGE, message)
    return ozeki_codec.written(stored, _IDS, "localhost", ozeki_files.nowhere(TENANT))


def _by_ozeki_client(message: Message) -> Any:
    fields = orjson.loads(_written_by_ozeki(message).fields)
    return fields | {"Data": orjson.loads(b64decode(fields["Data"]))}


READERS: Mapping[str, Reader] = {
    "easemob": Reader("easemob", _declared(easemob.create({})), _by_easemob),
    "chat21": Reader("chat21", _declared(chat21.create({})), _by_chat21),
    "applozic": Reader("applozic", _declared(applozic.create({})), _by_applozic),
    "ozeki, HTTP API user": Reader("ozeki", _declared(ozeki.create({})), _by_ozeki_user),
    "ozeki, chat client": Reader("ozeki", lambda message: list(_written_by_ozeki(message).lost), _by_ozeki_client),
}


def from_easemob(msg: dict[str, Any], extension: dict[str, Any] | None = None) -> Message:
    """The neutral message of a `msg`."""
    content, leftovers = easemob_content.read(msg)
    return Message("ann", content, "easemob", extension, leftovers=leftovers)


def from_chat21(fields: dict[str, Any], extension: dict[str, Any] | None = None) -> Message:
    """The neutral message of the fields of a body, without the names that each body has."""
    body = {"sender_fullname": "ann", "recipient_fullname": "bob", **fields}
    body |= {"attributes": extension} if extension is not None else {}
    return chat21_content.read(body, chat21_files.nowhere(TENANT), "ann", "bob", group=False, chosen=False)


def from_applozic(fields: dict[str, Any], extension: dict[str, Any] | None = None) -> Message:
    """The neutral message of the fields of a body."""
    body = fields | ({"metadata": extension} if extension is not None else {})
    said = applozic_content.read(body, applozic_files.nowhere(TENANT), [])
    return Message("ann", said.content, "applozic", said.extension, leftovers=said.leftovers)


def from_ozeki_user(entry: dict[str, Any], extension: dict[str, Any] | None = None) -> Message:
    """The neutral message of an HTTP API user's."""
    tags = [{"name": name, "value": value} for name, value in (extension or {}).items()]
    fields = ozeki_content.given_fields(entry | ({"tags": tags} if tags else {}), _UTC, [])
    return ozeki_content.read(fields, "ann")


def from_ozeki_client(data: dict[str, Any] | str, extension: dict[str, Any] | None = None) -> Message:
    """The neutral message of a chat client's: what stands in `Data`, in our own codec unless it is a text."""
    if isinstance(data, dict):
        fields = {"text": "", "sender": "ann", "time": "", **data}
        data = b64_json(fields | ({"extension": extension} if extension is not None else {}))
    given = ozeki_codec.given_message({"ID": "1", "Data": data}, NOON)
    return ozeki_codec.to_message(given, "ann", "plain", "here", ozeki_files.nowhere(TENANT), [])


def b64_json(value: Any) -> str:
    """A value as the codec `plain` has it."""
    return b64encode(orjson.dumps(value)).decode()


def as_another(message: Message) -> Message:
    """The message as if no dialect of ours had sent it."""
    return msgspec.structs.replace(message, dialect=ANOTHER, leftovers=None)
