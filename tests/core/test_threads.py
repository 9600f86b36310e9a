import msgspec
import pytest

from core.conversations import Target
from core.core import Core
from core.ids import Parties
from core.messages import Query
from core.model import Outline, Tenant
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
        outline, read = await core.threads.outlined(tenant, ada, whose, query)
        assert read == page
        assert outline is not None
        assert {name: getattr(whole, name) for name in Outline.__struct_fields__} == msgspec.structs.asdict(outline)


async def test_who_is_told_what_a_conversation_is_is_told_its_outline(core: Core, tenant: Tenant) -> None:
    """A stranger may look into a group for his own messages alone, a member who cleared it though nothing is there."""
    ada, eve, mallory = await core.users.keys(tenant, ["ada", "eve", "mallory"])
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada], dialect="plain")).number
    await core.messages.send_group(tenant, eve, [group], text("let me in"), "client:1")
    await core.conversations.clear(tenant, ada, group)
    for user, may_look in ((ada, True), (eve, True), (mallory, False)):
        (whole,) = await core.conversations.whole(tenant, user, [group])
        outline, _ = await core.threads.outlined(tenant, user, group, Query(2))
        assert (whole is not None, outline is not None) == (may_look, may_look)
        if whole is not None and outline is not None:
            assert (whole.conversation, whole.epoch) == (outline.conversation, outline.epoch)


@pytest.mark.parametrize("whose", [("ada", "eve"), 7])
async def test_what_does_not_exist_is_opened_as_nothing(core: Core, tenant: Tenant, whose: Parties) -> None:
    (ada,) = await core.users.keys(tenant, ["ada"])
    outline, page = await core.threads.outlined(tenant, ada, whose, Query(2))
    assert outline is None
    assert page.messages == []
