from functools import partial
from typing import Any

import msgspec
import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.membership import Check
from core.messages import Query, kind_of
from core.model import (
    EVERY_KIND,
    Audience,
    Audio,
    Content,
    Custom,
    Event,
    File,
    Html,
    Image,
    Location,
    Message,
    MessageKind,
    Receipt,
    Signal,
    Stored,
    Tenant,
    Text,
    UserKey,
    Video,
)
from tests.core.support import START, old, text, words

Two = list[UserKey]

CONTENTS: list[Content] = [
    Text(""),
    Text("a\0b\n😀 \u202e"),
    Html("<b>x</b>"),
    File("https://example.com/a", "a.txt", "s", 2**40, "text/plain"),
    Image("https://example.com/b", width=1.5, height=2),
    Audio("https://example.com/c", length_seconds=0.25),
    Video("https://example.com/d", thumbnail_url="https://example.com/t", thumbnail_secret="s"),
    Location(-90.0, 180.0, "nowhere"),
    Signal("typing", {"on": True}),
    Custom("order", {"lines": [{"n": 1}]}, "an order"),
    Event("renamed", {"name": None}, "renamed"),
]
EXTENSION: dict[str, Any] = {"": None, "deep": {"list": [1, -1, 2**63, 0.5, True, "名前", {}, []]}}


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> Two:
    return await core.users.keys(tenant, ["ada", "bob"])


async def test_every_content_comes_back_as_it_was_sent(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    messages = [
        Message("ada", content, "plain", EXTENSION, "Ada", "reference", {"x": {"y": [1]}}) for content in CONTENTS
    ]
    receipts = [
        (await core.messages.send_direct(tenant, ada, [bob], message, f"client:{number}"))[0]
        for number, message in enumerate(messages)
    ]
    expected = [
        Stored(receipt.id, receipt.sequence, receipt.time, int(kind_of(message)), message)
        for receipt, message in zip(receipts, messages, strict=True)
    ]
    assert [await core.messages.get(tenant, one.id) for one in receipts] == expected
    page = await core.messages.direct_page(tenant, "bob", "ada", Query(100, newest_first=False, kinds=EVERY_KIND))
    assert (page.messages, page.cursor, page.member) == (expected, 0, True)
    shown = await core.messages.direct_page(tenant, "bob", "ada", Query(100, newest_first=False))
    assert shown.messages == [one for one in expected if one.kind != MessageKind.SIGNAL]


def test_the_kind_follows_from_the_content() -> None:
    kinds = {type(content): kind_of(Message("ada", content, "plain")) for content in CONTENTS}
    assert kinds.pop(Signal) is MessageKind.SIGNAL
    assert kinds.pop(Event) is MessageKind.EVENT
    assert set(kinds.values()) == {MessageKind.MESSAGE}


async def test_an_external_id_is_one_messages_as_long_as_it_is_there(
    core: Core, tenant: Tenant, users: Two, clock: ManualClock
) -> None:
    ada, bob = users

    async def send(sender: UserKey, words: str, name: str = "one") -> Receipt:
        other, reference = bob if sender is ada else ada, f"request:{words}"
        (receipt,) = await core.messages.send_direct(
            tenant, sender, [other], text(sender.id, words), reference, external_id=name
        )
        return receipt

    first = await send(ada, "first")
    another = await send(ada, "another", "two")
    assert (first.repeated, another.repeated, another.sequence) == (False, False, 2)
    # For good, and whoever sends it; not so in another conversation.
    for sender in users:
        clock.move(3 * 86_400_000)
        again = await send(sender, f"again {sender.id}")
        assert again == msgspec.structs.replace(first, repeated=True)
    assert await core.messages.named(tenant, first.conversation, "one") == first.id
    assert await core.messages.named(tenant, first.conversation, "two") == another.id
    for unknown in ("", "three", "x" * 513, "\ud800"):
        assert await core.messages.named(tenant, first.conversation, unknown) is None
    group = await core.groups.create(tenant, name="", owner=ada, members=[ada], dialect="plain")
    (elsewhere,) = await core.messages.send_group(tenant, ada, [group.number], text("ada"), "a", external_id="one")
    assert not elsewhere.repeated
    # Nobody learns of it who may not send there.
    with pytest.raises(Failure) as problem:
        await core.messages.send_group(
            tenant, bob, [group.number], text("bob"), "b", check=Check.MEMBER, external_id="one"
        )
    assert problem.value.reason == "member"
    # An import has it as well, and an imported message's is not sent again.
    assert await core.imports.direct(tenant, ada, bob, [old("one", START, ada)]) == [
        msgspec.structs.replace(first, repeated=True)
    ]
    (imported,) = await core.imports.direct(tenant, ada, bob, [old("old", START, ada)])
    assert await send(ada, "old", "old") == msgspec.structs.replace(imported, repeated=True)
    assert await core.messages.named(tenant, first.conversation, "old") == imported.id
    # One that was recalled keeps its id; what was cleared for all is forgotten.
    assert await core.messages.recall(tenant, another.id)
    assert (await send(ada, "recalled", "two")).repeated
    assert await core.conversations.clear_for_all(tenant, ada, "bob")
    assert await core.messages.named(tenant, first.conversation, "one") is None
    assert not (await send(bob, "anew")).repeated
    assert words(await core.messages.direct_page(tenant, "ada", "bob", Query(10), ada)) == ["anew"]
    for refused in ("x" * 513, "\ud800"):
        with pytest.raises(Failure) as problem:
            await send(ada, "refused", refused)
        assert (problem.value.kind, problem.value.reason) == (Kind.BAD_REQUEST, "external_id")


async def test_receipts_come_in_the_order_of_the_recipients(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    eve = await core.users.key(tenant, "eve")
    first, second, again, own = await core.messages.send_direct(
        tenant, ada, [bob, eve, bob, ada], text("ada"), "client:1"
    )
    assert first.conversation != second.conversation
    assert again == Receipt(first.id, first.conversation, 1, START, True)
    assert not any(one.repeated for one in (first, second, own))
    page = await core.messages.direct_page(tenant, "ada", "ada", Query(10))
    assert [one.id for one in page.messages] == [own.id]
    rows = await core.conversations.list(tenant, ada, 10)
    assert {row.peer for row in rows} == {"ada", "bob", "eve"}


async def test_a_conversation_is_the_same_from_both_sides(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    there = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1"))[0]
    back = (await core.messages.send_direct(tenant, bob, [ada], text("bob"), "client:1"))[0]
    assert (back.conversation, back.sequence, back.time) == (there.conversation, 2, START + 1)
    pages = [await core.messages.direct_page(tenant, *pair, Query(10)) for pair in (("ada", "bob"), ("bob", "ada"))]
    assert pages[0] == pages[1]
    assert [one.id for one in pages[0].messages] == [back.id, there.id]


async def test_names_that_could_be_mistaken_for_each_other_are_not(core: Core, tenant: Tenant) -> None:
    pairs = [("a;b", "c"), ("a", "b;c"), ("a,b", "c"), ("ab", "c"), ("a", "bc"), ("A", "bc"), ("g1", "d1"), ("1", "g")]
    for number, pair in enumerate(pairs):
        sender, recipient = await core.users.keys(tenant, pair)
        await core.messages.send_direct(tenant, sender, [recipient], text(sender.id, str(number)), "client:1")
    for number, pair in enumerate(pairs):
        page = await core.messages.direct_page(tenant, *pair, Query(10))
        assert [one.message.content for one in page.messages] == [Text(str(number))]


async def test_a_message_to_many_groups(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    groups = [
        await core.groups.create(tenant, name=str(number), owner=ada, members=users, dialect="plain")
        for number in range(3)
    ]
    numbers = [group.number for group in groups]
    receipts = await core.messages.send_group(tenant, bob, numbers, text("bob"), "client:1")
    assert len({one.conversation for one in receipts}) == 3
    for number, receipt in zip(numbers, receipts, strict=True):
        page = await core.messages.group_page(tenant, ada, number, Query(10))
        assert [one.id for one in page.messages] == [receipt.id]


async def test_nothing_is_sent_when_the_message_is_too_large(core: Core, tenant: Tenant, users: Two) -> None:
    with pytest.raises(Failure) as caught:
        await core.messages.send_direct(tenant, users[0], users, text("ada", "x" * (1 << 20)), "client:1")
    assert caught.value.kind is Kind.TOO_LARGE
    assert (await core.messages.direct_page(tenant, "ada", "bob", Query(10))).messages == []


async def test_two_that_never_talked_have_an_empty_page(core: Core, tenant: Tenant) -> None:
    for pair in (("ada", "bob"), ("ada", "ada"), ("nobody", "at all")):
        page = await core.messages.direct_page(tenant, *pair, Query(10))
        assert (page.messages, page.cursor, page.member) == ([], 0, True)
    assert await core.messages.send_direct(tenant, await core.users.key(tenant, "ada"), [], text("ada"), "x") == []


async def test_a_page_of_large_messages_comes_in_pieces(core: Core, tenant: Tenant, users: Two) -> None:
    for number in range(60):
        await core.messages.send_direct(tenant, users[0], [users[1]], text("ada", "x" * 100_000), f"request {number}")
    found, pages, cursor = 0, 0, 0
    while pages == 0 or cursor:
        page = await core.messages.direct_page(tenant, "ada", "bob", Query(60, cursor=cursor))
        assert 0 < len(page.messages) <= 11
        found, pages, cursor = found + len(page.messages), pages + 1, page.cursor
    assert (found, pages) == (60, 6)


async def test_an_audience_names_few_since_everybody_looks_at_all_of_it(core: Core, tenant: Tenant) -> None:
    ada, *others = await core.users.keys(tenant, [f"user {number}" for number in range(102)])
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada, *others], dialect="plain")).number
    for audience in (Audience(to=tuple(others)), Audience(without=tuple(others))):
        for send in (
            core.messages.send_group(tenant, ada, [group], text(ada.id), "client:many", audience),
            core.due.send_group(tenant, ada, [group], text(ada.id), "client:many", 0, audience),
        ):
            with pytest.raises(Failure) as caught:
                await send
            assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "audience")
    few = Audience(to=tuple(others[:100]))
    assert len(await core.messages.send_group(tenant, ada, [group], text(ada.id), "client:few", few)) == 1


async def test_very_many_messages_are_hidden_in_pieces(core: Core, tenant: Tenant) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    sent = [
        (await core.messages.send_direct(tenant, ada, [bob], text("ada"), f"client:{number}"))[0].id
        for number in range(450)
    ]
    assert await core.messages.hide(tenant, bob, [*sent, sent[0], sent[200]]) == [True] * 450 + [False] * 2
    assert (await core.messages.direct_page(tenant, "ada", "bob", Query(500), bob)).messages == []
    assert await core.messages.hide(tenant, ada, [sent[3], sent[3]]) == [True, False]


async def test_a_repeated_edit_undoes_nobody_elses(core: Core, tenant: Tenant) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    sent = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1"))[0]

    async def edit(words: str, reference: str) -> Content:
        change = partial(msgspec.structs.replace, content=Text(words))
        return (await core.messages.edit(tenant, sent.id, change, reference=reference)).message.content

    assert await edit("one", "client:2") == Text("one")
    assert await edit("two", "client:3") == Text("two")
    assert await edit("one", "client:2") == Text("two")
    assert await edit("one", "client:4") == Text("one")
