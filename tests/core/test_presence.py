"""Who is online where."""

import pytest

from core import presence
from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.model import Presence, Station, Tenant
from tests.core.support import START


async def test_a_user_is_online_as_long_as_it_is_said(core: Core, tenant: Tenant, clock: ManualClock) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    assert await core.presence.read(tenant, [ada, bob]) == [Presence(), Presence()]
    assert await core.presence.set(tenant, ada, "phone", 60_000, "busy")
    clock.move(10_000)
    assert await core.presence.set(tenant, ada, "desk", 60_000)
    assert not await core.presence.set(tenant, ada, "desk", 30_000, "名前")
    phone, desk = Station("phone", START + 60_000, "busy"), Station("desk", START + 40_000, "名前")
    none, both = await core.presence.read(tenant, [bob, ada])
    assert (none, both) == (Presence(), Presence(START + 10_000, (desk, phone)))
    assert (none.online, both.online) == (False, True)
    clock.move(30_000)
    assert await core.presence.read(tenant, [ada]) == [Presence(START + 10_000, (phone,))]
    clock.move(20_000)
    # Nobody said anything since.
    assert await core.presence.read(tenant, [ada]) == [Presence(START + 10_000)]
    assert not await core.presence.clear(tenant, ada, "phone")
    assert await core.presence.read(tenant, [ada]) == [Presence(START + 10_000)]
    assert await core.presence.set(tenant, ada, "phone", 60_000)


async def test_who_says_so_is_gone(core: Core, tenant: Tenant, clock: ManualClock) -> None:
    ada = await core.users.key(tenant, "ada")
    for station in ("a", "b", "c"):
        await core.presence.set(tenant, ada, station, 60_000)
    clock.move(5)
    assert await core.presence.clear(tenant, ada, "b")
    assert not await core.presence.clear(tenant, ada, "b")
    assert await core.presence.read(tenant, [ada]) == [
        Presence(START + 5, (Station("a", START + 60_000), Station("c", START + 60_000)))
    ]
    clock.move(5)
    assert await core.presence.clear(tenant, ada)
    assert not await core.presence.clear(tenant, ada)
    assert await core.presence.read(tenant, [ada]) == [Presence(START + 10)]


async def test_many_are_read_in_their_order(core: Core, tenant: Tenant) -> None:
    users = await core.users.keys(tenant, [f"user {number}" for number in range(100)])
    for user in users[::3]:
        await core.presence.set(tenant, user, "phone", 1_000)
    found = await core.presence.read(tenant, [*users, users[0]])
    assert [one.online for one in found] == [number % 3 == 0 for number in range(100)] + [True]
    assert await core.presence.read(tenant, []) == []


async def test_stations_are_bounded(
    core: Core, tenant: Tenant, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "MAXIMUM_STATIONS", 3)
    ada = await core.users.key(tenant, "ada")
    for number, lifetime in enumerate((400, 100, 300, 200)):
        await core.presence.set(tenant, ada, str(number), lifetime)
    (found,) = await core.presence.read(tenant, [ada])
    assert [station.name for station in found.stations] == ["0", "2", "3"]
    clock.move(250)
    # What is over makes room.
    await core.presence.set(tenant, ada, "5", 40)
    await core.presence.set(tenant, ada, "4", 100)
    (found,) = await core.presence.read(tenant, [ada])
    assert [station.name for station in found.stations] == ["0", "2", "4"]


@pytest.mark.parametrize(
    ("station", "status", "kind"),
    [
        ("", "", Kind.BAD_REQUEST),
        ("a\0", "", Kind.BAD_REQUEST),
        ("phone", "x" * 1_025, Kind.TOO_LARGE),
        ("phone", "\ud800", Kind.TOO_LARGE),
    ],
)
async def test_what_can_not_be_said(core: Core, tenant: Tenant, station: str, status: str, kind: Kind) -> None:
    ada = await core.users.key(tenant, "ada")
    with pytest.raises(Failure) as caught:
        await core.presence.set(tenant, ada, station, 1_000, status)
    assert caught.value.kind is kind
    assert await core.presence.read(tenant, [ada]) == [Presence()]
