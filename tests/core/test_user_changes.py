"""What of a user can change, and how every worker soon knows whose tokens have ended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from redis import Redis

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.model import Credential, Principal, Tenant, User
from core.store import changes
from core.store.keys import system_key
from tests.core.support import START, new_name, opened
from tests.servers import Engine

DIALECT = "plain"

Change = Callable[[Core, Tenant], Awaitable[object]]


class Worker:
    """A core that verifies tokens as adapters do."""

    def __init__(self, core: Core, application: str) -> None:
        self.core = core
        self.application = application
        self.asked = 0

    async def principal(self, token: str) -> Principal:
        tenants = await self.core.tenants.owners(DIALECT, self.application)
        known = self.core.tokens.remembered(DIALECT, self.application, token, tenants)
        if known is not None:
            return known
        self.asked += 1
        claims = self.core.tokens.verify(tenants[0], token)
        user = await self.core.users.of_token(tenants[0], claims)
        principal = Principal(tenants[0], user.id)
        self.core.tokens.remember(DIALECT, self.application, token, principal, claims.expires, user)
        return principal

    async def holds(self, token: str) -> bool:
        try:
            return (await self.principal(token)).user == "ada"
        except Failure as failure:
            if (failure.kind, failure.reason) != (Kind.UNAUTHENTICATED, "unknown"):
                raise
            return False


@pytest.fixture
async def tenant(core: Core) -> Tenant:
    tenant = await core.tenants.add(new_name())
    return await core.tenants.add_credential(tenant.name, DIALECT, tenant.name, Credential("key", "", "key"))


@pytest.fixture
async def workers(engine: Engine, core: Core, tenant: Tenant, clock: ManualClock) -> AsyncIterator[list[Worker]]:
    async with opened(engine.url, clock) as other:
        yield [Worker(one, tenant.name) for one in (core, other)]


def mint(core: Core, tenant: Tenant, user: User) -> str:
    return core.tokens.mint(tenant, DIALECT, tenant.name, 0, user)


async def refused(act: Awaitable[object]) -> tuple[Kind, str]:
    with pytest.raises(Failure) as caught:
        await act
    return caught.value.kind, caught.value.reason


async def test_a_profile_changes_in_what_is_the_apps(core: Core, tenant: Tenant, clock: ManualClock) -> None:
    made = await core.users.register(tenant, "Ada", password="secret", attributes={"a": [1]}, leftovers={"plain": {}})
    assert await core.users.find(tenant, "Ada") == made
    assert (made.attributes, made.leftovers) == ({"a": [1]}, {"plain": {}})
    clock.move(1_000)

    def change(user: User) -> User:
        more = {**(user.attributes or {}), "b": None, "名前": {"deep": 2**63}}
        return User("else", 0, 0, 0, "Ada L.", active=False, version=9, attributes=more)

    changed = await core.users.update(tenant, "ADA", change, folded=True)
    expected = msgspec.structs.replace(
        made, name="Ada L.", modified=START + 1_000, leftovers=None, attributes={"a": [1], "b": None, "名前": {"deep": 2**63}}
    )  # fmt: skip
    assert changed == expected == await core.users.find(tenant, "Ada")
    assert await core.users.check_password(tenant, "Ada", "secret") == expected


async def test_changes_at_the_same_moment_are_all_made(core: Core, tenant: Tenant) -> None:
    await core.users.register(tenant, "ada")

    def adding(key: str) -> Callable[[User], User]:
        return lambda user: msgspec.structs.replace(user, attributes={**(user.attributes or {}), key: True})

    keys = [str(number) for number in range(10)]
    await asyncio.gather(*(core.users.update(tenant, "ada", adding(key)) for key in keys))
    user = await core.users.find(tenant, "ada")
    assert user is not None
    assert sorted(user.attributes or {}) == keys


async def test_a_profile_written_before_it_had_attributes_can_be_changed(
    engine: Engine, core: Core, tenant: Tenant
) -> None:
    made = await core.users.register(tenant, "ada", display_name="Ada")
    old = msgspec.msgpack.encode(msgspec.msgpack.decode(msgspec.msgpack.encode(made))[:8])
    for server in engine.servers:
        with Redis.from_url(server.url) as client:
            for key in client.scan_iter(match=f"cg{{*}}{tenant.number}:1:p", count=1000):
                assert client.hset(key, "ada", old) == 0
    assert await core.users.find(tenant, "ada") == made
    changed = await core.users.update(tenant, "ada", lambda user: msgspec.structs.replace(user, attributes={"a": 1}))
    assert changed == msgspec.structs.replace(made, attributes={"a": 1})


async def test_nobody_changes_who_is_not_registered(core: Core, tenant: Tenant) -> None:
    await core.users.key(tenant, "addressed")
    for name in ("nobody", "addressed", "", "a\0", "\ud800"):
        for act in (
            core.users.update(tenant, name, lambda user: user),
            core.users.set_password(tenant, name, "new"),
            core.users.revoke(tenant, name),
            core.users.deactivate(tenant, name, folded=True),
            core.users.activate(tenant, name),
        ):
            assert await refused(act) == (Kind.NOT_FOUND, "user")
        if name not in ("", "a\0", "\ud800"):
            assert await core.users.change_password(tenant, name, "old", "new") is None


async def test_a_profile_has_a_bound(core: Core, tenant: Tenant) -> None:
    many: dict[str, Any] = {"a": "x" * (1 << 16)}
    await core.users.register(tenant, "ada")
    act = core.users.update(tenant, "ada", lambda user: msgspec.structs.replace(user, attributes=many))
    assert await refused(act) == (Kind.TOO_LARGE, "user")
    assert await refused(core.users.register(tenant, "bob", attributes=many)) == (Kind.TOO_LARGE, "user")
    assert await core.users.find(tenant, "bob") is None


async def test_profiles_of_many_in_their_order(core: Core, tenant: Tenant) -> None:
    made = {name: await core.users.register(tenant, name) for name in ("ada", "Bob", "BOB", "zoë")}
    await core.users.key(tenant, "addressed")
    names = ["zoë", "nobody", "bob", "ada", "Bob", "a\0", "ada", "addressed", "BOB"]
    assert await core.users.find_many(tenant, names) == [made.get(name) for name in names]
    folded = await core.users.find_many(tenant, ["bOb", "ZOË", "x", "BOB"], folded=True)
    assert folded == [made["Bob"], made["zoë"], None, made["Bob"]]
    assert await core.users.find_many(tenant, []) == []


async def test_another_password_opens_and_the_old_one_does_not(core: Core, tenant: Tenant) -> None:
    made = await core.users.register(tenant, "Ada", password="old", folded=True)
    for _ in range(10):
        assert await core.users.check_password(tenant, "ada", "wrong") is None
    assert await refused(core.users.check_password(tenant, "ada", "old")) == (Kind.RATE_LIMITED, "login")
    changed = await core.users.set_password(tenant, "ADA", "new", folded=True)
    assert changed == msgspec.structs.replace(made, version=2)
    # Whoever was locked out may log in.
    assert await core.users.check_password(tenant, "ada", "new") == changed
    assert await core.users.check_password(tenant, "ada", "old") is None
    assert await core.users.change_password(tenant, "ada", "old", "newest") is None
    newest = await core.users.change_password(tenant, "Ada", "new", "newest", folded=True)
    assert newest is not None
    assert newest.version == 3
    assert await core.users.check_password(tenant, "ada", "newest") == newest
    # Who never had one gets one.
    await core.users.claim(tenant, "bob")
    assert await core.users.check_password(tenant, "bob", "first") is None
    assert await core.users.set_password(tenant, "bob", "first") == await core.users.check_password(
        tenant, "bob", "first"
    )


async def test_a_deactivated_user_logs_in_no_more(core: Core, tenant: Tenant, clock: ManualClock) -> None:
    made = await core.users.register(tenant, "ada", password="secret")
    clock.move(1)
    gone = await core.users.deactivate(tenant, "ada")
    assert gone == msgspec.structs.replace(made, active=False, version=2, modified=START + 1)
    clock.move(1)
    assert await core.users.deactivate(tenant, "ada") == gone
    assert await core.users.check_password(tenant, "ada", "wrong") is None
    assert await refused(core.users.check_password(tenant, "ada", "secret")) == (Kind.UNAUTHENTICATED, "inactive")
    assert await refused(core.users.claim(tenant, "ada")) == (Kind.UNAUTHENTICATED, "inactive")
    assert await core.users.find(tenant, "ada") == gone
    back = await core.users.activate(tenant, "ada")
    assert back == msgspec.structs.replace(gone, active=True, modified=START + 2)
    clock.move(1)
    assert await core.users.activate(tenant, "ada") == back
    assert await core.users.check_password(tenant, "ada", "secret") == back
    assert await core.users.claim(tenant, "ada") == back


ENDS: dict[str, Change] = {
    "another password": lambda core, tenant: core.users.set_password(tenant, "ada", "new"),
    "deactivation": lambda core, tenant: core.users.deactivate(tenant, "ada"),
    "revocation": lambda core, tenant: core.users.revoke(tenant, "ada"),
    "erasure": lambda core, tenant: core.erase.user(tenant, "ada"),
}


@pytest.mark.parametrize("change", ENDS.values(), ids=ENDS)
async def test_tokens_end_with_every_worker_within_about_a_second(
    core: Core, tenant: Tenant, workers: list[Worker], change: Change
) -> None:
    ada = await core.users.register(tenant, "ada", password="secret")
    bob = await core.users.register(tenant, "bob")
    token, others = mint(core, tenant, ada), mint(core, tenant, bob)
    for worker in workers:
        assert await worker.holds(token)
        assert (await worker.principal(others)).user == "bob"
        assert await worker.holds(token)
        assert worker.asked == 2
    await change(core, tenant)
    # Who changed it knows at once, another worker soon.
    began = asyncio.get_running_loop().time()
    assert not await workers[0].holds(token)
    while await workers[1].holds(token):
        assert asyncio.get_running_loop().time() - began < 5
        await asyncio.sleep(0.02)
    for worker in workers:
        assert not await worker.holds(token)
        assert (await worker.principal(others)).user == "bob"
    found = await core.tenants.find(tenant.name)
    assert found is not None
    if change is ENDS["deactivation"]:
        await core.users.activate(found, "ada")
    if change is ENDS["erasure"]:
        # Whoever takes the name is another user, even in the same version.
        assert (await core.users.register(found, "ada")).version == ada.version
    user = await core.users.find(found, "ada")
    assert user is not None
    fresh = mint(core, found, user)
    for worker in workers:
        assert not await worker.holds(token)
        assert await worker.holds(fresh)


async def test_a_name_nobody_registered_has_no_token(core: Core, tenant: Tenant, workers: list[Worker]) -> None:
    token = mint(core, tenant, User("ada", 5, START, START))
    assert not await workers[0].holds(token)


async def test_a_profile_ends_no_tokens_and_costs_no_look(core: Core, tenant: Tenant, workers: list[Worker]) -> None:
    ada = await core.users.register(tenant, "ada")
    token = mint(core, tenant, ada)
    assert await workers[0].holds(token)
    await core.users.update(tenant, "ada", lambda user: msgspec.structs.replace(user, name="Ada"))
    await core.users.activate(tenant, "ada")
    assert await workers[0].holds(token)
    assert workers[0].asked == 1


class Heard:
    """What a reader of the stream is told."""

    def __init__(self) -> None:
        self.versions: dict[int, int] = {}
        self.doubts = 0

    def changed(self, tenant: int, generation: int, user: int, version: int) -> None:
        assert (tenant > 0, generation) == (True, 1)
        self.versions[user] = version

    def unsure(self) -> None:
        self.doubts += 1


async def test_who_has_read_too_seldom_believes_nothing(
    core: Core, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_KEPT", 4)
    heard = Heard()
    reader = changes.UserChanges(core.store, heard)
    writer = changes.UserChanges(core.store, Heard())
    await reader.read()
    doubts, users = heard.doubts, [User(str(number), number, START, START, version=7) for number in range(9)]
    for user in users[:3]:
        await writer.write(tenant, user)
    await reader.read()
    assert (heard.versions, heard.doubts) == ({0: 7, 1: 7, 2: 7}, doubts)
    await reader.read()
    assert heard.doubts == doubts
    for user in users[3:]:
        await writer.write(tenant, user)
    assert await core.store.command(0, "XLEN", system_key("changes")) == 4
    await reader.read()
    assert heard.doubts == doubts + 1
    assert set(heard.versions) == {0, 1, 2, 5, 6, 7, 8}
    # And now and then anyway: whoever changed a user may have died before saying so.
    monkeypatch.setattr(changes, "_ANEW_SECONDS", 0)
    await reader.read()
    assert heard.doubts == doubts + 2


async def test_a_reader_that_fails_asks_again(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = changes.UserChanges(core.store, Heard())

    async def away(*_: object) -> None:
        raise Failure(Kind.STORE_UNAVAILABLE, "away")

    assert not reader.fresh
    with monkeypatch.context() as patch:
        patch.setattr(core.store, "command", away)
        with pytest.raises(Failure):
            await reader.read()
    assert not reader.fresh
    await reader.read()
    assert reader.fresh
