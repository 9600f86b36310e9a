"""Every kind of message of each dialect, read in each of the others over real HTTP: what is lost is what is declared."""

from collections.abc import AsyncIterator, Sequence

import pytest

from core.messages import Query
from core.model import Message
from tests.across import Four, OzekiUser, opened
from tests.documents.ends import READERS, b64_json
from tests.documents.kinds import SENDERS
from tests.documents.losses import lost_at, staying
from tests.servers import Engine

KINDS = [(name, kind) for name, sender in SENDERS.items() for kind in sender.samples]
USER = OzekiUser.NAME


@pytest.fixture
async def four(embedded_engine: Engine) -> AsyncIterator[Four]:
    async with opened(embedded_engine.url) as four:
        yield four


async def send(four: Four, name: str, kind: str, sender: str, to: str) -> str:
    """Send a sample; what its sender is told of losses."""
    fields, extension = SENDERS[name].samples[kind]
    match name:
        case "easemob":
            await four.easemob.say(sender, to, fields, extension)
            return four.easemob.losses
        case "chat21":
            await four.chat21.say(sender, to, fields | ({"attributes": extension} if extension else {}))
            return four.chat21.losses
        case "applozic":
            await four.applozic.say(sender, to, fields | ({"metadata": extension} if extension else {}))
            return four.applozic.losses
        case "ozeki, chat client":
            if isinstance(fields, dict):
                whole = {"text": "", "sender": "", "time": "", **fields}
                fields = b64_json(whole | ({"extension": extension} if extension else {}))
            await four.ozeki.say(sender, to, fields)
            return four.ozeki.losses
    tags = [{"name": each, "value": value} for each, value in (extension or {}).items()]
    await four.ozeki_user.say(to, fields | ({"tags": tags} if tags else {}))
    return four.ozeki_user.losses


async def read(four: Four, name: str, viewer: str, other: str) -> str:
    """Read the conversation; what the reader is told of losses."""
    match name:
        case "easemob":
            await four.easemob.records(viewer, other)
            return four.easemob.losses
        case "chat21":
            await four.chat21.rows(viewer, other)
            return four.chat21.losses
        case "applozic":
            await four.applozic.rows(viewer, other)
            return four.applozic.losses
        case "ozeki, chat client":
            client = await four.ozeki.client(viewer)
            await client.download(await four.ozeki.conversation(viewer, other))
            return client.losses
    await four.ozeki_user.folder("inbox")
    return four.ozeki_user.losses


def header(losses: Sequence[str]) -> str:
    return "; ".join(losses)


async def stored(four: Four, one: str, other: str) -> Message:
    page = await four.house.core.messages.direct_page(four.house.tenant, one, other, Query(1))
    return page.messages[0].message


@pytest.mark.parametrize(("name", "kind"), KINDS)
async def test_what_is_lost_is_what_is_declared(four: Four, name: str, kind: str) -> None:
    expected = SENDERS[name].message(kind)
    sender = USER if name == "ozeki, HTTP API user" else "user1"
    assert await send(four, name, kind, sender, "user2") == header(staying(expected))
    found = await stored(four, sender, "user2")
    assert (found.content, found.extension, found.dialect) == (expected.content, expected.extension, expected.dialect)
    for reader, end in READERS.items():
        if reader == name:
            continue
        if reader == "ozeki, HTTP API user":
            await send(four, name, kind, sender, USER)
        told = await read(four, reader, "user2", sender)
        assert told == header(lost_at(end, expected)), reader
