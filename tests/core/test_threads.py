import pytest

from core.conversations import Target
from core.core import Core
from core.ids import Parties
from core.messages import Query
from core.model import Tenant
from tests.core.support import text


async def test_a_conversation_is_opened_as_its_parts_are_read(core: Core, tenant: Tenant) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    group = (await core.groups.create(tenant, name="both", owner=ada, members=[ada, bob], dialect="plain")).number
    for number in range(3):
        await core.messages.send_direct(tenant, bob, [ada], text("bob"), f"client:{number}")
        await core.messages.send_group(tenant, bob, [group], text("bob"), f"client:{number}")
    query = Query(2)
    opened = await core.threads.open(tenant, ada, bob, query)
    assert opened.page == await core.messages.page(tenant, ("ada", "bob"), query, ada)
    conversations: list[tuple[Parties, Target]] = [(("ada", "bob"), "bob"), (group, group)]
    for whose, target in conversations:
        (whole,) = await core.conversations.whole(tenant, ada, [target])
        page = await core.messages.page(tenant, whose, query, ada)
        assert whole is not None
        assert len(page.messages) == 2
        assert await core.threads.whole(tenant, ada, whose, query) == (whole, page)


@pytest.mark.parametrize("whose", [("ada", "eve"), 7])
async def test_what_does_not_exist_is_opened_as_nothing(core: Core, tenant: Tenant, whose: Parties) -> None:
    (ada,) = await core.users.keys(tenant, ["ada"])
    whole, page = await core.threads.whole(tenant, ada, whose, Query(2))
    assert whole is None
    assert page.messages == []
