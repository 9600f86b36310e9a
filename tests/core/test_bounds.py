"""That no script looks at more than it can in a few milliseconds: counted in commands, since times depend on the machine."""

import msgspec

from core.clock import ManualClock
from core.core import Core
from core.messages import Query
from core.model import Audience, Tenant
from tests.core.support import old, text
from tests.servers import Engine


async def test_a_recall_in_a_large_group_that_many_left_looks_at_so_much_only(
    engine: Engine, core: Core, clock: ManualClock, tenant: Tenant
) -> None:
    ada, *others = await core.users.keys(tenant, [f"user {number}" for number in range(200)])
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada, *others], dialect="plain")).number
    await core.messages.send_group(tenant, ada, [group], text("first"), "client:first")
    for number in range(100):
        clock.move(1)
        audience = Audience(to=tuple(others[:50]))
        await core.messages.send_group(tenant, ada, [group], text("some"), f"client:{number}", audience)
    clock.move(1)
    last = (await core.messages.send_group(tenant, ada, [group], text("last"), "client:last"))[0]
    await core.groups.remove(tenant, group, others[50:])
    before = commands(engine, "hget")
    assert await core.messages.recall(tenant, last.id)
    assert commands(engine, "hget") - before < 1_000
    for user in (others[50], others[-1]):
        found = await core.conversations.list(tenant, user, 5)
        assert [row.last.message.sender for row in found if row.last is not None] == ["first"]


async def test_a_page_of_large_messages_is_a_megabyte_or_two_and_goes_on(
    core: Core, clock: ManualClock, tenant: Tenant
) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    topic, _ = await core.topics.create(tenant, ("ada", "bob"), creator=ada, dialect="plain")
    small, large = (msgspec.structs.replace(text("ada", "x" * size), topic=topic.number) for size in (1, 300_000))
    imports = [old(f"old {number}", clock.now() - 50 + number, ada) for number in range(20)]
    await core.imports.direct(tenant, ada, bob, [msgspec.structs.replace(each, message=large) for each in imports])
    for number in range(40):
        clock.move(1)
        await core.messages.send_direct(tenant, ada, [bob], large if number % 8 else small, f"client:{number}")
    for newest_first in (True, False):
        for of_topic in (0, topic.number):
            times: list[int] = []
            query = Query(50, newest_first=newest_first, topic=of_topic)
            for _ in range(60):
                page = await core.messages.direct_page(tenant, "ada", "bob", query, bob)
                assert len(page.messages) <= 10  # a megabyte of each lane
                times += [one.time for one in page.messages]
                if not page.cursor:
                    break
                query = msgspec.structs.replace(query, cursor=page.cursor)
            assert len(times) == 60
            assert times == sorted(set(times), reverse=newest_first)


def commands(engine: Engine, name: str) -> int:
    """How many of these commands the servers have carried out, those of scripts too."""
    count = 0
    for server in engine.servers:
        with server.client() as client:
            count += int(client.info("commandstats").get(f"cmdstat_{name}", {"calls": 0})["calls"])
    return count
