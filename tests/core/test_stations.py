import pytest

from core import stations
from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.model import Tenant, User
from core.stations import Station
from tests.core.support import START, new_name, opened
from tests.servers import Engine

DIALECT = "plain"
PLACE = "0123456789abcdef0123456789abcdef"
HOUR = 3_600_000


@pytest.fixture
async def ada(core: Core, tenant: Tenant) -> User:
    return await core.users.register(tenant, "ada")


async def log_in(core: Core, tenant: Tenant, user: User, station: str = PLACE, **notes: bytes) -> None:
    await core.stations.bind(tenant, DIALECT, station, user, HOUR, notes)


async def found(core: Core, *tenants: Tenant, station: str = PLACE) -> Station:
    return await core.stations.find(DIALECT, station, tenants)


async def refused(core: Core, *tenants: Tenant, station: str = PLACE, dialect: str = DIALECT) -> None:
    with pytest.raises(Failure) as problem:
        await core.stations.find(dialect, station, tenants)
    assert (problem.value.kind, problem.value.reason) == (Kind.UNAUTHENTICATED, "station")


async def test_a_station_is_its_users_in_the_tenant_of_the_login_alone(core: Core, tenant: Tenant, ada: User) -> None:
    other = await core.tenants.add(new_name())
    await refused(core, tenant, other)
    await log_in(core, tenant, ada)
    station = await found(core, other, tenant)
    assert (station.user.id, station.user.number) == ("ada", ada.number)
    assert (station.principal.tenant.number, station.principal.user) == (tenant.number, "ada")
    await refused(core, other)
    await refused(core)
    await refused(core, tenant, station=PLACE[::-1])
    await refused(core, tenant, dialect="another")


async def test_a_login_ends_the_one_before_at_this_station(core: Core, tenant: Tenant, ada: User) -> None:
    bob = await core.users.register(tenant, "bob")
    await log_in(core, tenant, ada, word=b"ada's")
    before = await found(core, tenant)
    await log_in(core, tenant, bob)
    assert (await found(core, tenant)).user.id == "bob"
    assert await core.stations.notes(DIALECT, await found(core, tenant), "word") == [None]
    assert await core.stations.notes(DIALECT, before, "word") == [None]
    assert await core.stations.note(DIALECT, before, "word", b"late") is None
    assert await core.stations.notes(DIALECT, await found(core, tenant), "word") == [None]


async def test_a_station_ends_with_its_time(core: Core, clock: ManualClock, tenant: Tenant, ada: User) -> None:
    await log_in(core, tenant, ada)
    clock.move(HOUR - 1)
    assert (await found(core, tenant)).user.id == "ada"
    clock.move(1)
    await refused(core, tenant)


@pytest.mark.parametrize("change", ["password", "deactivation", "revocation", "erasure", "reset"])
async def test_a_station_ends_with_what_ends_the_users_tokens(
    core: Core, tenant: Tenant, ada: User, change: str
) -> None:
    await log_in(core, tenant, ada)
    await found(core, tenant)
    match change:
        case "password":
            await core.users.set_password(tenant, "ada", "another")
        case "deactivation":
            await core.users.deactivate(tenant, "ada")
        case "revocation":
            await core.users.revoke(tenant, "ada")
        case "erasure":
            await core.erase.user(tenant, "ada")
            tenant = await core.tenants.find(tenant.name) or tenant
        case "reset":
            tenant = await core.tenants.reset(tenant.name)
    await refused(core, tenant)


async def test_another_worker_knows_a_login_and_its_notes(
    engine: Engine, core: Core, tenant: Tenant, ada: User
) -> None:
    async with opened(engine.url, ManualClock(START)) as second:
        await log_in(core, tenant, ada, seen=b"1", word=b"a")
        station = await second.stations.find(DIALECT, PLACE, [tenant])
        assert await second.stations.notes(DIALECT, station, "word", "seen", "none") == [b"a", b"1", None]
        assert await second.stations.note(DIALECT, station, "seen", b"2") == b"2"
        assert await second.stations.note(DIALECT, station, "word", b"b", first=True) == b"a"
        assert await core.stations.notes(DIALECT, await found(core, tenant), "word", "seen") == [b"a", b"2"]
        # What the second one remembers is of another user by now: it looks anew when it is told that this can't be.
        bob = await core.users.register(tenant, "bob")
        await log_in(core, tenant, bob)
        anew = await second.stations.find(DIALECT, PLACE, [tenant], anew=True)
        assert anew.user.id == "bob"


async def test_something_is_said_of_a_station_once(
    engine: Engine, core: Core, tenant: Tenant, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log_in(core, tenant, ada)
    station = await found(core, tenant)
    assert [await core.stations.is_first(DIALECT, station, name) for name in ("one", "one", "two")] == [
        True,
        False,
        True,
    ]
    async with opened(engine.url, ManualClock(START)) as second:
        assert not await second.stations.is_first(DIALECT, station, "one")
    # What was forgotten here stands in the store.
    monkeypatch.setattr(stations, "_MAXIMUM_REMEMBERED", 1)
    await core.stations.is_first(DIALECT, station, "three")
    assert not await core.stations.is_first(DIALECT, station, "one")


async def test_a_name_that_is_none_is_no_station(core: Core, tenant: Tenant, ada: User) -> None:
    for name in ("", " ", "a\0b", "x" * 256):
        with pytest.raises(Failure) as problem:
            await log_in(core, tenant, ada, name)
        assert problem.value.reason == "name"
