import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest

from core.core import Core
from core.errors import Failure, Kind, StaleTenant
from core.messages import Query
from core.model import Application, Credential, Tenant
from core.tenants import applications_of, credentials_of
from tests.core.store.rows import of_tenant
from tests.core.support import new_name, opened, text
from tests.servers import Engine

Act = Callable[[Tenant], Awaitable[object]]


@pytest.fixture
async def other(engine: Engine) -> AsyncIterator[Core]:
    """Another worker."""
    async with opened(engine.url) as found:
        yield found


def secret(name: str, value: str = "secret") -> Credential:
    return Credential("secret", name, value)


async def test_a_tenant_is_found_by_its_name(core: Core) -> None:
    name = new_name()
    assert await core.tenants.find(name) is None
    tenant = await core.tenants.add(name)
    assert (tenant.name, tenant.generation, tenant.version, tenant.applications) == (name, 1, 1, ())
    assert (len(tenant.secret), len(tenant.signing_keys)) == (32, 1)
    assert await core.tenants.find(name) == tenant
    with pytest.raises(Failure) as caught:
        await core.tenants.add(name)
    assert (caught.value.kind, caught.value.reason, caught.value.subject) == (Kind.CONFLICT, "tenant", name)
    assert await core.tenants.find(name) == tenant
    second = await core.tenants.add(new_name())
    assert second.number > tenant.number
    assert second.secret != tenant.secret
    listed = [one for one in await core.tenants.list() if one in (tenant, second)]
    assert listed == [tenant, second]


@pytest.mark.parametrize("name", ["", " x", "x\n", "\ud800"])
async def test_a_name_that_cannot_be_held_is_refused(core: Core, tenant: Tenant, name: str) -> None:
    for act in (core.tenants.add(name), core.tenants.add_credential(tenant.name, "plain", name, secret(""))):
        with pytest.raises(Failure) as caught:
            await act
        assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "name")


async def test_a_dialect_leads_to_all_who_have_an_application_in_it(core: Core, other: Core) -> None:
    dialect = new_name()
    assert await core.tenants.owners(dialect, None) == ()
    names = [new_name() for _ in range(3)]
    for name in names:
        await core.tenants.add(name)
        await core.tenants.add_credential(name, "plain", name, secret("one"))
        for application in ("first", "second"):
            await core.tenants.add_credential(name, dialect, application, secret("one"))
    assert [owner.name for owner in await core.tenants.owners(dialect, None)] == names
    assert await core.tenants.owners(dialect, None) == await other.tenants.owners(dialect, None)
    assert await core.tenants.remove(names[1])
    # Whoever has an older view finds out with the first write, as of an application's owners.
    assert [owner.name for owner in await core.tenants.owners(dialect, None)] == [names[0], names[2]]


async def test_an_application_keeps_its_place_among_a_tenants(core: Core) -> None:
    name = (await core.tenants.add(new_name())).name
    for application, key in (("first", "1"), ("second", "2"), ("first", "3")):
        tenant = await core.tenants.add_credential(name, "plain", application, secret(key))
    assert [(each.name, len(each.credentials)) for each in tenant.applications] == [("first", 2), ("second", 1)]


async def test_an_application_leads_to_all_its_owners(core: Core, other: Core) -> None:
    application = new_name()
    assert await core.tenants.owners("plain", application) == ()
    names = [new_name(), new_name()]
    for name in names:
        await core.tenants.add(name)
        await core.tenants.add_credential(name, "plain", application, secret("", name))
    owners = await core.tenants.owners("plain", application)
    assert [owner.name for owner in owners] == names
    assert owners == await other.tenants.owners("plain", application)
    assert await core.tenants.owners("other", application) == ()
    # The same view for as long as nothing has changed: what was verified against it stays verified.
    assert (await core.tenants.owners("plain", application))[0] is owners[0]


async def test_credentials_are_kept_by_kind_and_name(core: Core, tenant: Tenant) -> None:
    for application, credential in (
        ("shop", secret("a")),
        ("shop", secret("b")),
        ("shop", Credential("other", "a", "kept")),
        ("pub", secret("a")),
        ("shop", secret("a", "newer")),
    ):
        changed = await core.tenants.add_credential(tenant.name, "plain", application, credential)
    assert changed.version == 6
    assert await core.tenants.find(tenant.name) == changed
    assert {one.name: one.credentials for one in applications_of(changed, "plain")} == {
        "shop": (secret("b"), Credential("other", "a", "kept"), secret("a", "newer")),
        "pub": (secret("a"),),
    }
    assert applications_of(changed, "other") == []
    assert credentials_of(changed, "plain", "shop", "secret") == [secret("b"), secret("a", "newer")]
    assert credentials_of(changed, "plain", "none", "secret") == []
    assert credentials_of(changed, "other", "shop", "secret") == []


async def test_an_unknown_tenant_is_not_found(core: Core) -> None:
    name = new_name()
    for act in (
        core.tenants.add_credential(name, "plain", "shop", secret("")),
        core.tenants.rotate_signing_key(name),
        core.tenants.reset(name),
        core.tenants.set_outbox(name, True),
    ):
        with pytest.raises(Failure) as caught:
            await act
        assert (caught.value.kind, caught.value.reason) == (Kind.NOT_FOUND, "tenant")
    assert not await core.tenants.remove(name)


async def test_signing_keys_rotate_and_the_newest_earlier_ones_go_on(core: Core, tenant: Tenant) -> None:
    keys = tenant.signing_keys
    for keep in (1, 1, 2, 0):
        changed = await core.tenants.rotate_signing_key(tenant.name, keep)
        assert changed.signing_keys[1:] == keys[:keep]
        assert changed.signing_keys[0] not in keys
        keys = changed.signing_keys


async def test_changes_at_once_are_all_made(core: Core, other: Core, tenant: Tenant) -> None:
    acts = [
        worker.tenants.add_credential(tenant.name, "plain", f"app {number}", secret(""))
        for number, worker in enumerate([core, other] * 5)
    ]
    await asyncio.gather(*acts)
    changed = await core.tenants.find(tenant.name)
    assert changed is not None
    assert {one.name for one in changed.applications} == {f"app {number}" for number in range(10)}
    assert changed.version == 11
    # The last one is what all partitions go by: none of them refuses it.
    assert await core.users.page(changed, 0, 10) == []


async def everything_of(core: Core, tenant: Tenant) -> list[Act]:
    """Calls of every kind, on a tenant with a bit of everything."""
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    await core.users.register(tenant, "ada", password="secret")
    receipt = (await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1"))[0]
    group = await core.groups.create(tenant, name="", owner=ada, members=[ada], dialect="plain", alias="lobby")
    await core.messages.send_group(tenant, ada, [group.number], text("ada"), "client:1")
    query = Query(10)
    return [
        lambda view: core.users.key(view, "new"),
        lambda view: core.users.known_key(view, "unknown"),
        lambda view: core.users.find(view, "ada"),
        lambda view: core.users.register(view, "bob"),
        lambda view: core.users.claim(view, "bob"),
        lambda view: core.users.check_password(view, "ada", "secret"),
        lambda view: core.users.page(view, 0, 10),
        lambda view: core.messages.send_direct(view, ada, [bob], text("ada"), "client:2"),
        lambda view: core.messages.send_direct(view, ada, [bob], text("ada"), "client:1"),
        lambda view: core.messages.send_group(view, ada, [group.number], text("ada"), "client:2"),
        lambda view: core.messages.direct_page(view, "ada", "bob", query),
        lambda view: core.messages.group_page(view, ada, group.number, query),
        lambda view: core.messages.get(view, receipt.id),
        lambda view: core.conversations.list(view, ada, 10),
        lambda view: core.conversations.direct(view, ada, "bob"),
        lambda view: core.groups.create(view, name="", owner=ada, members=[ada], dialect="plain"),
        lambda view: core.groups.create(view, name="", owner=ada, members=[ada], dialect="plain", alias="new"),
        lambda view: core.groups.alias(view, "plain", "lobby"),
        lambda view: core.groups.place(view, "plain", "new"),
        lambda view: core.groups.find(view, group.number),
        lambda view: core.groups.detail(view, group.number),
        lambda view: core.groups.update(view, group.number, name="new"),
        lambda view: core.groups.add(view, group.number, [bob]),
        lambda view: core.groups.remove(view, group.number, [ada]),
    ]


async def test_an_older_view_is_refused_with_no_effect(engine: Engine, core: Core, other: Core, tenant: Tenant) -> None:
    acts = await everything_of(core, tenant)
    changed = await other.tenants.rotate_signing_key(tenant.name)
    before = of_tenant(engine, tenant.number)
    for act in acts:
        with pytest.raises(StaleTenant) as caught:
            await act(tenant)
        assert caught.value.tenant == tenant.number
    assert of_tenant(engine, tenant.number) == before
    for act in acts:
        await act(changed)


async def test_a_view_reloads(core: Core, other: Core, tenant: Tenant) -> None:
    application = new_name()
    await core.tenants.add_credential(tenant.name, "plain", application, secret(""))
    view = (await core.tenants.owners("plain", application))[0]
    changed = await other.tenants.rotate_signing_key(tenant.name)
    await core.tenants.reload(tenant.number)
    found = (await core.tenants.owners("plain", application))[0]
    assert found == changed != view


async def test_a_reset_empties_one_tenant_and_no_other(engine: Engine, core: Core, other: Core, tenant: Tenant) -> None:
    neighbour = await core.tenants.add(new_name())
    for one in (tenant, neighbour):
        await everything_of(core, one)
    kept = of_tenant(engine, neighbour.number)
    ada = await core.users.key(tenant, "ada")
    old = (await core.messages.direct_page(tenant, "ada", "bob", Query(10))).messages[0]

    reset = await other.tenants.reset(tenant.name)
    assert reset == msgspec.structs.replace(tenant, generation=2, version=2)
    assert of_tenant(engine, neighbour.number) == kept
    for worker in (core, other):
        assert await worker.users.known_key(reset, "ada") is None
        assert await worker.users.page(reset, 0, 10) == []
        assert await worker.messages.get(reset, old.id) is None
        assert (await worker.messages.direct_page(reset, "ada", "bob", Query(10))).messages == []
        assert await worker.groups.alias(reset, "plain", "lobby") is None
        assert await worker.groups.find(reset, 1) is None
        assert await worker.conversations.list(reset, ada, 10) == []
    # What comes to lie in the same place has another id, and the same reference is a new message.
    await everything_of(core, reset)
    new = (await core.messages.direct_page(reset, "ada", "bob", Query(10))).messages[0]
    assert new.sequence == old.sequence
    assert new.id != old.id
    assert await core.messages.get(reset, old.id) is None
    assert len((await core.messages.direct_page(neighbour, "ada", "bob", Query(10))).messages) == 1


async def test_a_reset_amid_sends_leaves_nothing_behind(core: Core, other: Core, tenant: Tenant) -> None:
    ada, *others = await core.users.keys(tenant, ["ada", *(f"user {number}" for number in range(100))])

    async def send(number: int) -> bool:
        try:
            await core.messages.send_direct(tenant, ada, [others[number % 100]], text("ada"), f"request {number}")
        except StaleTenant:
            return False
        return True

    sends = [asyncio.create_task(send(number)) for number in range(1_000)]
    reset = await other.tenants.reset(tenant.name)
    await asyncio.gather(*sends)
    assert not any(await asyncio.gather(*(send(number) for number in range(1_000, 1_100))))
    assert await other.conversations.list(reset, ada, 1000) == []


async def test_a_removed_tenant_is_unknown(engine: Engine, core: Core, other: Core, tenant: Tenant) -> None:
    application = new_name()
    view = await core.tenants.add_credential(tenant.name, "plain", application, secret(""))
    sharing = await core.tenants.add(new_name())
    sharing = await core.tenants.add_credential(sharing.name, "plain", application, secret(""))
    acts = await everything_of(core, view)
    assert await other.tenants.remove(tenant.name)
    assert not await other.tenants.remove(tenant.name)
    assert await core.tenants.find(tenant.name) is None
    assert tenant.number not in {one.number for one in await core.tenants.list()}
    before = of_tenant(engine, tenant.number)
    for act in acts:
        with pytest.raises(StaleTenant):
            await act(view)
    assert of_tenant(engine, tenant.number) == before
    await core.tenants.reload(tenant.number)
    assert await core.tenants.owners("plain", application) == (sharing,)
    # The name is free again, for a tenant that has nothing of the old one.
    again = await core.tenants.add(tenant.name)
    assert again.number > sharing.number
    assert again.secret != tenant.secret
    assert await core.users.page(again, 0, 10) == []


async def test_tenants_with_equal_names_and_ids_never_meet(core: Core) -> None:
    tenants = [await core.tenants.add(new_name()) for _ in range(2)]
    for tenant in tenants:
        await everything_of(core, tenant)
    ids = []
    for tenant in tenants:
        page = await core.messages.direct_page(tenant, "ada", "bob", Query(10))
        assert len(page.messages) == 1
        ids.append(page.messages[0].id)
    assert await core.messages.get(tenants[0], ids[1]) is None
    assert await core.messages.get(tenants[1], ids[0]) is None
    assert core.ids(tenants[0]).uuid(1) != core.ids(tenants[1]).uuid(1)


def test_applications_are_told_by_dialect() -> None:
    tenant = Tenant(1, "x", b"", applications=(Application("a", "one"), Application("b", "one")))
    assert applications_of(tenant, "a") == [Application("a", "one")]
