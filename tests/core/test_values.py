"""What can't be stored, and pages that nobody can be given, are bad requests and nothing else."""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
import pytest

from core.core import Core
from core.errors import Failure, Kind
from core.membership import Waiting
from core.messages import Query
from core.model import Credential, Relation, Tenant, Text
from tests.core.support import START, new_name, old, text

HALF = "a\ud800"
HUGE = 1 << 64
Act = Callable[[], Awaitable[object]]


async def refused(act: Act, reason: str) -> None:
    with pytest.raises(Failure) as caught:
        await act()
    assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, reason)


@pytest.mark.parametrize("limit", [-(1 << 70), -1, 0, 5_001, 1 << 40, 1 << 70])
async def test_no_page_has_so_many_rows(core: Core, tenant: Tenant, limit: int) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada], dialect="plain")).number
    sent = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1"))[0]
    acts: list[Act] = [
        partial(core.conversations.list, tenant, ada, limit),
        partial(core.users.page, tenant, 0, limit),
        partial(core.groups.page, tenant, limit=limit),
        partial(core.groups.joined, tenant, ada, limit=limit),
        partial(core.members.page, tenant, group, limit=limit),
        partial(core.topics.list, tenant, ("ada", "bob"), 0, limit),
        partial(core.relations.page, tenant, ada, Relation.CONTACT, limit),
        partial(core.receipts.of, tenant, sent.id, limit=limit),
        partial(core.receipts.reports, tenant, "ada", "bob", limit=limit),
        partial(core.due.list, tenant, ada, limit=limit),
    ]
    for act in acts:
        await refused(act, "page")


@pytest.mark.parametrize("number", [HUGE, -HUGE, 1 << 300])
async def test_a_number_has_64_bits(core: Core, tenant: Tenant, number: int) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada], dialect="plain")).number
    huge = msgspec.structs.replace(text("ada"), extension={"x": [number]})
    history = msgspec.structs.replace(old("x", START - 1, ada), message=huge)
    acts: list[Act] = [
        partial(core.messages.send_direct, tenant, ada, [bob], huge, "client:1"),
        partial(core.messages.send_group, tenant, ada, [group], huge, "client:1"),
        partial(core.due.send_direct, tenant, ada, [bob], huge, "client:1", START),
        partial(core.imports.direct, tenant, ada, bob, [history]),
        partial(core.groups.update, tenant, group, attributes={"x": number}),
        partial(core.users.register, tenant, "zoe", attributes={"x": number}),
        partial(core.topics.create, tenant, group, creator=ada, dialect="plain", attributes={"x": number}),
    ]
    for act in acts:
        await refused(act, "value")
    # A place that is asked for, however far, is none.
    assert await core.messages.get(tenant, number) is None
    assert await core.users.page(tenant, number if number > 0 else HUGE, 5) == []
    assert (await core.messages.direct_page(tenant, "ada", "bob", Query(5, since=abs(number)))).messages == []


async def test_half_a_pair_is_no_text(core: Core, tenant: Tenant) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    group = (await core.groups.create(tenant, name="", owner=ada, members=[ada], dialect="plain")).number
    sent = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1"))[0]
    acts: list[Act] = [
        partial(core.messages.send_direct, tenant, ada, [bob], text("ada", HALF), "client:2"),
        partial(core.messages.send_direct, tenant, ada, [bob], text("ada"), f"client:{HALF}"),
        partial(core.messages.edit, tenant, sent.id, lambda it: msgspec.structs.replace(it, content=Text(HALF))),
        partial(core.messages.direct_page, tenant, HALF, "bob", Query(5)),
        partial(core.messages.direct_page, tenant, "ada", "bob", Query(5, station=HALF)),
        partial(core.imports.direct, tenant, ada, bob, [old("x", START - 1, ada, HALF)]),
        partial(core.due.send_direct, tenant, ada, [bob], text("ada"), f"client:{HALF}", START),
        partial(core.conversations.direct, tenant, ada, HALF),
        partial(core.conversations.read, tenant, ada, HALF),
        partial(core.users.known_key, tenant, HALF),
        partial(core.users.register, tenant, "zoe", display_name=HALF),
        partial(core.groups.create, tenant, name=HALF, owner=ada, members=[ada], dialect="plain"),
        partial(core.groups.update, tenant, group, description=HALF),
        partial(core.groups.alias, tenant, "plain", HALF),
        partial(core.members.ask, tenant, group, bob, Waiting.REQUEST, HALF),
        partial(core.topics.create, tenant, group, creator=ada, dialect="plain", title=HALF),
        partial(core.topics.newest, tenant, group, HALF),
        partial(core.tenants.find, HALF),
        partial(core.tenants.owners, "plain", HALF),
        partial(core.tenants.add_credential, tenant.name, "plain", new_name(), Credential("secret", "", HALF)),
    ]
    for act in acts:
        await refused(act, "value")
