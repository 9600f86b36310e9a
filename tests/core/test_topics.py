"""Topics: their profiles, and the messages that belong to them."""

import asyncio
from typing import Any, cast

import msgspec
import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.ids import Parties, bucket_of
from core.imports import Import
from core.messages import Query
from core.model import EVERY_KIND, Audience, Message, Signal, Stored, Tenant, Text, Topic, TopicChanges, UserKey
from core.store import scripts
from core.store.keys import partition_of
from tests.core.store.rows import of_tenant
from tests.core.support import START, text
from tests.servers import Engine

HOUR = 3_600_000
Two = list[UserKey]


@pytest.fixture
async def users(core: Core, tenant: Tenant) -> Two:
    return await core.users.keys(tenant, ["ada", "bob"])


def about(sender: str, topic: int, words: str = "hello") -> Message:
    return msgspec.structs.replace(text(sender, words), topic=topic)


async def new(core: Core, tenant: Tenant, users: Two, alias: str | None = None) -> Topic:
    topic, created = await core.topics.create(tenant, ("ada", "bob"), creator=users[0], dialect="plain", alias=alias)
    assert created
    return topic


async def texts(
    core: Core, tenant: Tenant, topic: int, query: Query | None = None, viewer: UserKey | None = None
) -> list[str]:
    """Every page, oldest first unless something else is asked."""
    query = query or Query(2, newest_first=False)
    found: list[Stored] = []
    for _ in range(2_000):
        page = await core.topics.page(tenant, topic, query, viewer)
        found += page.messages
        if not page.cursor:
            return [one.message.content.text for one in found if isinstance(one.message.content, Text)]
        query = msgspec.structs.replace(query, cursor=page.cursor)
    raise AssertionError("the pages have no end")


async def test_a_topic_has_a_profile(core: Core, clock: ManualClock, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    group = (await core.groups.create(tenant, name="group", owner=ada, members=users, dialect="plain")).number
    topic, created = await core.topics.create(
        tenant,
        ("bob", "ada"),
        creator=bob,
        dialect="plain",
        title="Shoes",
        alias="product 1",
        attributes={"price": 9.5},
        leftovers={"detail": "{ }"},
    )
    expected = Topic(
        number=1,
        parties=("ada", "bob"),
        creator="bob",
        created=START,
        modified=START,
        title="Shoes",
        alias="product 1",
        attributes={"price": 9.5},
        leftovers={"plain": {"detail": "{ }"}},
    )
    assert (topic, created) == (expected, True)
    other, _ = await core.topics.create(tenant, group, creator=ada, dialect="plain")
    assert (other.number, other.parties, other.open) == (2, group, True)
    assert await core.topics.find(tenant, 1) == topic
    assert await core.topics.find(tenant, 2) == other
    clock.move(5)
    closed = await core.topics.update(tenant, 1, open=False, title=None)
    assert closed == msgspec.structs.replace(expected, open=False, title=None, modified=START + 5)
    assert await core.topics.find(tenant, 1) == closed
    assert await core.topics.list(tenant, ("ada", "bob")) == [closed]
    assert await core.topics.list(tenant, group) == [other]


async def test_a_profile_has_a_bound(core: Core, tenant: Tenant, users: Two) -> None:
    topic, deep = await new(core, tenant, users), cast("Any", 1)
    for _ in range(5_000):
        deep = [deep]
    for many, refused in (
        ({"a": "x" * (1 << 14)}, (Kind.TOO_LARGE, "topic")),
        ({"a": deep}, (Kind.BAD_REQUEST, "value")),
    ):
        parties: Parties = ("ada", "bob")
        for act in (
            core.topics.create(tenant, parties, creator=users[0], dialect="plain", attributes=many),
            core.topics.update(tenant, topic.number, attributes=many),
        ):
            with pytest.raises(Failure) as caught:
                await act
            assert (caught.value.kind, caught.value.reason) == refused
    assert await core.topics.list(tenant, ("ada", "bob")) == [topic]


async def test_what_is_not_there_is_not_found(core: Core, tenant: Tenant, users: Two) -> None:
    assert await core.topics.find(tenant, 1) is None
    assert await core.topics.newest(tenant, ("ada", "bob"), "product") is None
    assert await core.topics.list(tenant, ("ada", "bob")) == []
    await new(core, tenant, users)
    assert await core.topics.newest(tenant, ("ada", "bob"), "product") is None
    assert await core.topics.list(tenant, ("ada", "eve")) == []
    for act in (core.topics.update(tenant, 2, open=False), core.topics.page(tenant, 2, Query(1))):
        with pytest.raises(Failure) as caught:
            await act
        assert (caught.value.kind, caught.value.reason, caught.value.subject) == (Kind.NOT_FOUND, "topic", "2")
    with pytest.raises(Failure) as caught:
        await new(core, tenant, users, alias="")
    assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "name")


async def test_several_topics_come_in_the_order_asked_for(core: Core, tenant: Tenant, users: Two) -> None:
    ada, _ = users
    group = (await core.groups.create(tenant, name="group", owner=ada, members=users, dialect="plain")).number
    one, two = [await new(core, tenant, users) for _ in range(2)]
    three, _ = await core.topics.create(tenant, group, creator=ada, dialect="plain")
    pair = ("bob", "ada")
    wanted: list[tuple[Parties, int]] = [
        (group, three.number),
        (pair, two.number),
        (pair, three.number),
        (pair, one.number),
        (("a", "b"), 1),
    ]
    assert await core.topics.several(tenant, [*wanted, wanted[1]]) == [three, two, None, one, None, two]
    assert await core.topics.several(tenant, []) == []


async def test_all_topics_of_a_name_are_found(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    eve = await core.users.key(tenant, "eve")
    group = (await core.groups.create(tenant, name="group", owner=ada, members=users, dialect="plain")).number
    wanted = [await new(core, tenant, users, "a") for _ in range(2)]
    for parties in (("eve", "bob"), group):
        one, _ = await core.topics.create(tenant, parties, creator=bob, dialect="plain", alias="a")
        wanted.append(one)
    for other in ("a b", "aa", "A", "b"):
        await core.topics.create(tenant, ("eve", "ada"), creator=eve, dialect="plain", alias=other)
    found: list[Topic] = []
    after = 0
    for _ in range(3):
        some, after = await core.topics.named(tenant, "a", after, 2)
        found += some
        if not after:
            break
    assert found == wanted
    assert await core.topics.named(tenant, "nobody's") == ([], 0)
    # Of one whose creation was broken off only the name is there.
    await core.store.call(tenant, scripts.NAME_TOPIC, partition_of(bucket_of("a")), "a", "0000004711")
    assert (await core.topics.named(tenant, "a"))[0] == wanted
    with pytest.raises(Failure) as caught:
        await core.topics.named(tenant, "a\n")
    assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "name")


async def test_topics_are_listed_in_the_order_of_creation(core: Core, tenant: Tenant, users: Two) -> None:
    topics = [await new(core, tenant, users, alias="7") for _ in range(12)]
    found: list[Topic] = []
    for _ in range(4):
        page = await core.topics.list(tenant, ("bob", "ada"), found[-1].number if found else 0, 5)
        found += page
        assert len(page) == min(5, 12 - len(found) + len(page))
    assert found == topics
    assert await core.topics.newest(tenant, ("ada", "bob"), "7") == topics[-1]


async def test_once_gives_the_newest_of_an_alias(core: Core, clock: ManualClock, tenant: Tenant, users: Two) -> None:
    ada, _ = users

    async def once(alias: str | None, reference: str | None = None) -> tuple[int, bool]:
        topic, created = await core.topics.create(
            tenant, ("ada", "bob"), creator=ada, dialect="plain", alias=alias, once=True, reference=reference
        )
        return topic.number, created

    assert await once("a", "client:1") == (1, True)
    assert await once("a", "client:2") == (1, False)
    # Its own repeat, after a lost answer.
    assert await once("a", "client:1") == (1, True)
    assert await once("b") == (2, True)
    third = await new(core, tenant, users, alias="a")
    assert await once("a") == (third.number, False)
    assert await once("a", "client:1") == (1, True)
    assert (await once(None))[1]
    assert (await once(None))[1]
    await core.topics.update(tenant, third.number, open=False)
    assert await once("a") == (third.number, False)


async def test_of_many_that_want_one_topic_one_makes_it(core: Core, tenant: Tenant, users: Two) -> None:
    done = await asyncio.gather(
        *(
            core.topics.create(tenant, pair, creator=users[0], dialect="plain", alias="a", once=True)
            for pair in [("ada", "bob"), ("bob", "ada")] * 10
        )
    )
    assert [created for _, created in done].count(True) == 1
    assert len({topic.number for topic, _ in done}) == 1
    assert len(await core.topics.list(tenant, ("ada", "bob"))) == 1


async def test_a_repeated_creation_gives_the_first_topic(core: Core, tenant: Tenant, users: Two) -> None:
    done = [
        await core.topics.create(
            tenant, ("ada", "bob"), creator=users[0], dialect="plain", title=title, reference="client:1"
        )
        for title in ("first", "second")
    ]
    assert done[0] == done[1]
    assert len(await core.topics.list(tenant, ("ada", "bob"))) == 1


async def test_changes_at_once_are_all_kept(core: Core, tenant: Tenant, users: Two) -> None:
    topic = await new(core, tenant, users)
    changes: list[TopicChanges] = [{"title": "new"}, {"open": False}, {"attributes": {"a": 1}}]
    await asyncio.gather(*(core.topics.update(tenant, topic.number, **change) for change in changes))
    found = await core.topics.find(tenant, topic.number)
    assert found is not None
    assert (found.title, found.open, found.attributes) == ("new", False, {"a": 1})


async def test_a_topic_s_page_shows_its_messages_alone(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    first, second = await new(core, tenant, users), await new(core, tenant, users)
    for number in range(12):
        topic = (None, first.number, second.number)[number % 3]
        message = msgspec.structs.replace(text("ada", str(number)), topic=topic)
        await core.messages.send_direct(tenant, ada, [bob], message, f"client:{number}")
        clock.move(10)
    assert await texts(core, tenant, first.number) == ["1", "4", "7", "10"]
    assert await texts(core, tenant, second.number) == ["2", "5", "8", "11"]
    for limit in range(1, 6):
        assert await texts(core, tenant, first.number, Query(limit)) == ["10", "7", "4", "1"]
        for newest_first in (True, False):
            query = Query(limit, newest_first, since=START + 40, until=START + 100)
            assert await texts(core, tenant, first.number, query) == ["7", "4"][:: 1 if newest_first else -1]
    # Without a topic all of them are there, and closing changes nothing.
    await core.topics.update(tenant, first.number, open=False)
    await core.messages.send_direct(tenant, ada, [bob], about("ada", first.number, "closed"), "client:closed")
    page = await core.messages.direct_page(tenant, "ada", "bob", Query(100))
    assert len(page.messages) == 13
    assert page.messages[0].message.topic == first.number
    page = await core.messages.direct_page(tenant, "ada", "bob", Query(1, topic=first.number), bob)
    assert page.messages[0].message.content == Text("closed")


async def test_a_topic_s_page_is_what_the_viewer_sees_of_it(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    eve, late = await core.users.keys(tenant, ["eve", "late"])
    group = (await core.groups.create(tenant, name="group", owner=ada, members=[ada, bob], dialect="plain")).number
    topic, _ = await core.topics.create(tenant, group, creator=ada, dialect="plain")
    sent = []
    for number in range(6):
        audience = Audience(to=(bob,)) if number == 3 else Audience()
        message = about("eve" if number == 4 else "ada", topic.number, str(number))
        sender = eve if number == 4 else ada
        sent += await core.messages.send_group(tenant, sender, [group], message, f"client:{number}", audience)
        clock.move(10)
        if number == 2:
            await core.groups.add(tenant, group, [late])
    signal = msgspec.structs.replace(Message("ada", Signal("wave"), "plain"), topic=topic.number)
    await core.messages.send_group(tenant, ada, [group], signal, "client:signal")
    await core.messages.recall(tenant, sent[0].id)
    await core.messages.hide(tenant, bob, [sent[1].id])
    for viewer, expected in ((None, "12345"), (ada, "12345"), (bob, "2345"), (late, "45"), (eve, "4")):
        assert await texts(core, tenant, topic.number, viewer=viewer) == list(expected), viewer
    page = await core.topics.page(tenant, topic.number, Query(100, kinds=EVERY_KIND), ada)
    assert [one.kind for one in page.messages] == [1, 0, 0, 0, 0, 0]
    page = await core.topics.page(tenant, topic.number, Query(1), eve)
    assert not page.member


async def test_imports_stand_among_a_topic_s_messages(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    topic = await new(core, tenant, users)
    for number in range(3):
        await core.messages.send_direct(tenant, ada, [bob], about("ada", topic.number, f"live {number}"), f"{number}")
        clock.move(10)
    times = {"a": START - 10, "c": START + 25, "b": START + 5, "b2": START + 5}
    await core.imports.direct(
        tenant, ada, bob, [Import(name, time, bob, about("bob", topic.number, name)) for name, time in times.items()]
    )
    await core.imports.direct(tenant, ada, bob, [Import("none", START + 7, bob, text("bob", "none"))])
    expected = ["a", "live 0", "b", "b2", "live 1", "live 2", "c"]
    for limit in range(1, 9):
        assert await texts(core, tenant, topic.number, Query(limit, newest_first=False)) == expected
        assert await texts(core, tenant, topic.number, Query(limit), bob) == expected[::-1]


async def test_a_page_of_a_long_topic_says_where_to_go_on(
    core: Core, clock: ManualClock, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    topic = await new(core, tenant, users)
    await core.messages.send_direct(tenant, ada, [bob], about("ada", topic.number, "first"), "client:first")
    signal = msgspec.structs.replace(Message("ada", Signal("wave"), "plain"), topic=topic.number)
    for start in range(0, 2_500, 500):
        clock.move(500)
        await asyncio.gather(
            *(core.messages.send_direct(tenant, ada, [bob], signal, f"request {start + n}") for n in range(500))
        )
    page = await core.topics.page(tenant, topic.number, Query(10), bob)
    assert page.messages == []
    assert page.cursor > START
    assert await texts(core, tenant, topic.number, Query(10), bob) == ["first"]


def stored(engine: Engine, tenant: Tenant) -> dict[bytes, bytes]:
    """All keys but the versions of partitions, which a look may write."""
    return {key: value for key, value in of_tenant(engine, tenant.number).items() if key.count(b":")}


async def test_a_topic_of_another_conversation_is_refused_before_anything_is_written(
    engine: Engine, core: Core, tenant: Tenant, users: Two
) -> None:
    ada, bob = users
    eve = await core.users.key(tenant, "eve")
    group = (await core.groups.create(tenant, name="group", owner=ada, members=users, dialect="plain")).number
    topic = await new(core, tenant, users)
    before = stored(engine, tenant)
    for act in (
        core.messages.send_direct(tenant, ada, [eve], about("ada", topic.number), "client:1"),
        core.messages.send_direct(tenant, ada, [bob, eve], about("ada", topic.number), "client:1"),
        core.messages.send_direct(tenant, ada, [bob], about("ada", topic.number + 1), "client:1"),
        core.messages.send_group(tenant, ada, [group], about("ada", topic.number), "client:1"),
        core.messages.send_group(tenant, ada, [group, group + 1], about("ada", topic.number), "client:1"),
    ):
        with pytest.raises(Failure) as caught:
            await act
        assert (caught.value.kind, caught.value.reason) == (Kind.NOT_FOUND, "topic")
    assert stored(engine, tenant) == before
    receipts = await core.messages.send_direct(tenant, ada, [bob, bob], about("ada", topic.number), "client:1")
    assert [one.repeated for one in receipts] == [False, True]


async def test_an_edit_leaves_the_topic(core: Core, tenant: Tenant, users: Two) -> None:
    ada, bob = users
    topic = await new(core, tenant, users)
    sent = (await core.messages.send_direct(tenant, ada, [bob], about("ada", topic.number), "client:1"))[0]
    with pytest.raises(Failure) as caught:
        await core.messages.edit(tenant, sent.id, lambda message: msgspec.structs.replace(message, topic=None))
    assert caught.value.kind is Kind.BAD_REQUEST
    await core.messages.edit(tenant, sent.id, lambda message: msgspec.structs.replace(message, content=Text("changed")))
    assert await texts(core, tenant, topic.number) == ["changed"]


async def test_a_crash_while_creating_leaves_nothing_that_shows(core: Core, tenant: Tenant, users: Two) -> None:
    for turns in range(12):
        task = asyncio.create_task(
            core.topics.create(
                tenant, ("ada", "bob"), creator=users[0], dialect="plain", alias=str(turns), reference=f"client:{turns}"
            )
        )
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        again, _ = await core.topics.create(
            tenant, ("ada", "bob"), creator=users[0], dialect="plain", alias=str(turns), reference=f"client:{turns}"
        )
        assert await core.topics.find(tenant, again.number) == again
    listed = await core.topics.list(tenant, ("ada", "bob"))
    assert [topic.alias for topic in listed] == [str(number) for number in range(12)]


async def test_whose_it_is_are_names(core: Core, tenant: Tenant) -> None:
    ada = await core.users.key(tenant, "ada")
    for other in ("", "a\0b", "\ud800", "x" * 256):
        with pytest.raises(Failure) as caught:
            await core.topics.create(tenant, ("ada", other), creator=ada, dialect="plain")
        assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "name")
