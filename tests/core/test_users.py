import asyncio

import msgspec
import pytest

from core import users
from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.ids import BUCKETS, bucket_of
from core.messages import Query
from core.model import Tenant, User
from core.store.keys import TAGS
from core.users import hash_password
from tests.core.store.rows import of_tenant
from tests.core.support import START, opened, text
from tests.servers import Engine

BAD_NAMES = ["", " ada", "ada\n", "a\0b", "\ud800", "x" * 256]


async def test_an_addressed_name_has_a_place_and_no_profile(core: Core, tenant: Tenant) -> None:
    assert await core.users.known_key(tenant, "ada") is None
    key = await core.users.key(tenant, "ada")
    assert (key.id, key.number % BUCKETS) == ("ada", bucket_of("ada"))
    assert await core.users.known_key(tenant, "ada") == await core.users.key(tenant, "ada") == key
    assert await core.users.known_keys(tenant, ["bob", "ada", "bob"]) == [None, key, None]
    assert await core.users.known_key(tenant, "bob") is None
    assert await core.users.find(tenant, "ada") is None
    assert await core.users.page(tenant, 0, 10) == []
    assert await core.users.check_password(tenant, "ada", "") is None


async def test_a_registered_name_keeps_its_place_and_its_messages(core: Core, tenant: Tenant) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    await core.messages.send_direct(tenant, ada, [bob], text("ada"), "client:1")
    user = await core.users.register(tenant, "bob", display_name="Bob the Builder")
    assert user == User("bob", bob.number, START, START, "Bob the Builder")
    assert await core.users.find(tenant, "bob") == user
    assert [row.peer for row in await core.conversations.list(tenant, bob, 10)] == ["ada"]
    assert len((await core.messages.direct_page(tenant, "bob", "ada", Query(10))).messages) == 1
    with pytest.raises(Failure) as caught:
        await core.users.register(tenant, "bob", display_name="Another")
    assert (caught.value.kind, caught.value.reason, caught.value.subject) == (Kind.CONFLICT, "user", "bob")
    assert await core.users.find(tenant, "bob") == user


async def test_names_keep_their_case_and_fold_to_their_first_registered_owner(core: Core, tenant: Tenant) -> None:
    upper, lower = await core.users.keys(tenant, ["ADA", "ada"])
    assert upper.number != lower.number
    assert await core.users.key(tenant, "Ada", folded=True) == lower
    await core.users.register(tenant, "ADA")
    await core.users.register(tenant, "ada")
    assert await core.users.key(tenant, "Ada", folded=True) == upper
    assert await core.users.known_key(tenant, "aDa", folded=True) == upper
    # A name that nobody owns is placed in its folded form.
    assert (await core.users.key(tenant, "Bob", folded=True)).id == "bob"
    assert await core.users.known_key(tenant, "Bob") is None
    keys = await core.users.keys(tenant, ["EVE", "eve", "Eve"], folded=True)
    assert {key.id for key in keys} == {"eve"}
    assert len({key.number for key in keys}) == 1
    user = await core.users.register(tenant, "BOB", folded=True)
    assert user.id == "bob"
    assert await core.users.find(tenant, "bOB", folded=True) == await core.users.find(tenant, "bob") == user
    assert await core.users.find(tenant, "Bob") is None


async def test_who_only_addresses_a_name_takes_nothing_from_who_registers_it(core: Core, tenant: Tenant) -> None:
    await core.users.key(tenant, "ALICE")
    alice = await core.users.register(tenant, "Alice", folded=True)
    assert alice.id == "alice"
    assert (await core.users.key(tenant, "ALICE", folded=True)).id == "alice"
    assert (await core.users.claim(tenant, "alice")).number == alice.number


async def test_a_folding_name_is_not_registered_beside_an_owner_that_came_between(core: Core, tenant: Tenant) -> None:
    """Everybody would find the owner, and nobody the one whom the reply calls registered."""
    users = core.users._store
    place = await users.key(tenant, "bob", True)
    await core.users.claim(tenant, "Bob")
    late = User(id=place.id, number=place.number, created=START, modified=START)
    assert not await users.register(tenant, late, None, None, folded=True)
    assert await core.users.find(tenant, place.id) is None
    assert await users.register(tenant, late, None, None, folded=False)


async def test_an_owner_that_registers_later_is_found_by_every_worker(
    engine: Engine, core: Core, tenant: Tenant
) -> None:
    async with opened(engine.url, ManualClock(START)) as other:
        assert (await other.users.key(tenant, "Carol", folded=True)).id == "carol"
        await core.users.register(tenant, "CAROL")
        assert (await other.users.key(tenant, "Carol", folded=True)).id == "CAROL"


@pytest.mark.parametrize("password", [None, "secret"])
async def test_a_registration_repeated_with_its_reference_is_the_same_one(
    core: Core, tenant: Tenant, password: str | None
) -> None:
    first = await core.users.register(tenant, "dora", password=password, reference="request:1")
    again = await core.users.register(tenant, "dora", password=password, reference="request:1")
    assert again.number == first.number
    with pytest.raises(Failure):
        await core.users.register(tenant, "dora", password=password, reference="request:2")


async def test_numbers_grow_in_the_order_of_the_names(core: Core, tenant: Tenant) -> None:
    names = [f"user {number}" for number in range(50)]
    keys = await core.users.keys(tenant, names)
    assert [key.id for key in keys] == names
    assert sorted(keys, key=lambda key: key.number) == keys
    again = await core.users.keys(tenant, [*names[::7], "new", names[0], "new"])
    assert again[:8] == keys[::7]
    assert again[8] == again[10] != again[9] == keys[0]


@pytest.mark.parametrize("name", BAD_NAMES)
async def test_a_name_that_cannot_be_held_is_refused_before_anything(core: Core, tenant: Tenant, name: str) -> None:
    for act in (
        core.users.keys(tenant, ["fine", name]),
        core.users.register(tenant, name),
        core.users.claim(tenant, name),
    ):
        with pytest.raises(Failure) as caught:
            await act
        assert (caught.value.kind, caught.value.reason, caught.value.field) == (Kind.BAD_REQUEST, "name", "user")
    assert await core.users.known_key(tenant, "fine") is None


@pytest.mark.parametrize("name", ["admin", "System", "ADMIN"])
async def test_a_reserved_name_can_be_addressed_and_not_taken(core: Core, tenant: Tenant, name: str) -> None:
    assert (await core.users.key(tenant, name)).id == name
    for act in (core.users.register(tenant, name), core.users.claim(tenant, name)):
        with pytest.raises(Failure) as caught:
            await act
        assert (caught.value.kind, caught.value.reason, caught.value.subject) == (Kind.FORBIDDEN, "reserved", name)
    assert await core.users.find(tenant, name) is None


async def test_a_claimed_name_is_registered_without_a_password(engine: Engine, core: Core, tenant: Tenant) -> None:
    ada = await core.users.claim(tenant, "ada")
    assert await core.users.find(tenant, "ada") == ada == User("ada", ada.number, START, START)
    assert await core.users.claim(tenant, "ada") == ada
    assert await core.users.check_password(tenant, "ada", "") is None
    with pytest.raises(Failure):
        await core.users.register(tenant, "ada")
    # Whoever is registered is claimed as is.
    user = await core.users.register(tenant, "bob", password="secret", display_name="Bob")
    async with opened(engine.url) as other:
        assert await other.users.claim(tenant, "bob") == user
    assert await core.users.check_password(tenant, "bob", "secret") == user


async def test_an_unlocked_user_is_so_until_a_password_is_set(core: Core, tenant: Tenant) -> None:
    ada = await core.users.register(tenant, "ada", unlocked=True)
    assert ada == await core.users.find(tenant, "ada") == User("ada", ada.number, START, START, unlocked=True)
    # Neither what the app changes of it nor the end of its tokens locks it.
    assert (await core.users.update(tenant, "ada", lambda user: msgspec.structs.replace(user, name="A"))).unlocked
    assert (await core.users.revoke(tenant, "ada")).unlocked
    assert (await core.users.deactivate(tenant, "ada")).unlocked
    assert (await core.users.activate(tenant, "ada")).unlocked
    assert not (await core.users.set_password(tenant, "ada", "secret")).unlocked
    assert not (await core.users.claim(tenant, "ada")).unlocked
    # Nobody else is made so: not who has a password, not who was vouched for, not by a change of the profile.
    assert not (await core.users.register(tenant, "bob", password="secret", unlocked=True)).unlocked
    assert not (await core.users.claim(tenant, "eve")).unlocked
    assert not (
        await core.users.update(tenant, "eve", lambda user: msgspec.structs.replace(user, unlocked=True))
    ).unlocked


async def test_a_password_opens_its_user_only(core: Core, tenant: Tenant) -> None:
    ada = await core.users.register(tenant, "Ada", password="pässword\ud800")
    bob = await core.users.register(tenant, "bob", password="")
    assert await core.users.check_password(tenant, "Ada", "pässword\ud800") == ada
    assert await core.users.check_password(tenant, "ADA", "pässword\ud800", folded=True) == ada
    assert await core.users.check_password(tenant, "bob", "") == bob
    for name, wrong in (("Ada", ""), ("Ada", "pässword"), ("ada", "pässword\ud800"), ("bob", "x"), ("eve", "")):
        assert await core.users.check_password(tenant, name, wrong) is None


async def test_passwords_cannot_be_guessed_for_long(engine: Engine, core: Core, tenant: Tenant) -> None:
    ada = await core.users.register(tenant, "Ada", password="right", folded=True)

    async def attempt(name: str, password: str) -> User | int | None:
        try:
            return await core.users.check_password(tenant, name, password, folded=True)
        except Failure as failure:
            return failure.retry_after_ms if failure.reason == "login" else 0

    # One that succeeds begins anew; every spelling of the name counts, and so do attempts at the same moment.
    assert [await attempt("Ada", "wrong") for _ in range(9)] == [None] * 9
    assert await attempt("ada", "right") == ada
    found = await asyncio.gather(*(attempt(name, "wrong") for name in ("Ada", "ada", "ADA") for _ in range(4)))
    assert found.count(None) == 10
    waits = [wait for wait in (*found, await attempt("Ada", "right")) if wait is not None]
    assert len(waits) == 3
    assert all(isinstance(wait, int) and 0 < wait <= 300_000 for wait in waits)
    # Nobody else is concerned, and a name that nobody has is limited the same way.
    await core.users.register(tenant, "bob", password="right", folded=True)
    assert await attempt("bob", "right") is not None
    nobody = [await attempt("nobody", "wrong") for _ in range(11)]
    assert nobody[:10] == [None] * 10
    assert isinstance(nobody[10], int)
    # The rows go by themselves.
    rows = [key for key in of_tenant(engine, tenant.number) if b":at:" in key]
    assert len(rows) == 2
    left = [await core.store.command(TAGS.index(key[3 : key.index(b"}")].decode()), "PTTL", key) for key in rows]
    assert all(0 < time <= 300_000 for time in left)


async def test_secrets_of_programs_cannot_be_guessed_for_long(engine: Engine, core: Core, tenant: Tenant) -> None:
    async def is_guessed(login: str, secret: str, client: str = "192.0.2.1") -> bool:
        return await core.users.is_guessed(tenant, login, client, secret, right=secret == "right")

    # A forgotten program with an old secret keeps nobody out.
    assert not any([await is_guessed("program", "old") for _ in range(20)])
    assert not await is_guessed("program", "right")
    found = await asyncio.gather(*(is_guessed("program", f"wrong {number}\ud800") for number in range(12)))
    assert found.count(False) == 9
    assert await is_guessed("program", "right")
    assert not await is_guessed("another", "right")
    # Another address shares the place of this one as good as never.
    assert sum([await is_guessed("program", "right", f"192.0.2.{number}") for number in range(2, 100)]) < 5
    other = await core.tenants.add("another")
    assert not await core.users.is_guessed(other, "program", "192.0.2.1", "right", right=True)
    (row,) = [key for key in of_tenant(engine, tenant.number) if b":gs:" in key]
    partition = TAGS.index(row[3 : row.index(b"}")].decode())
    assert await core.store.command(partition, "SCARD", row) == 10
    assert 0 < await core.store.command(partition, "PTTL", row) <= 300_000


async def test_logins_that_wait_are_bounded(core: Core, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "_MAXIMUM_WAITING", 4)
    ada = await core.users.register(tenant, "ada", password="right")
    names = [f"nobody {number}" for number in range(9)]
    found = await asyncio.gather(
        *(core.users.check_password(tenant, name, "x") for name in names), return_exceptions=True
    )
    assert found[:4] == [None] * 4
    refused = [failure for failure in found[4:] if isinstance(failure, Failure)]
    assert [(failure.kind, failure.reason) for failure in refused] == [(Kind.RATE_LIMITED, "login")] * 5
    assert await core.users.check_password(tenant, "ada", "right") == ada


async def test_equal_passwords_hash_differently_and_never_lie_about() -> None:
    first, second = await asyncio.gather(hash_password("secret"), hash_password("secret"))
    assert first != second
    assert len(first) == len(second) == 48
    assert b"secret" not in first


async def test_users_are_paged_by_their_numbers(core: Core, tenant: Tenant) -> None:
    registered = [await core.users.register(tenant, f"user {number}") for number in range(12)]
    await core.users.keys(tenant, ["addressed only"])
    found, after = [], 0
    for _ in range(4):
        page = await core.users.page(tenant, after, 5)
        found += page
        if not page:
            break
        after = page[-1].number
    assert found == registered


async def test_a_number_leads_to_its_user(core: Core, tenant: Tenant) -> None:
    registered = [await core.users.register(tenant, f"user {number}") for number in range(12)]
    addressed = await core.users.key(tenant, "addressed only")
    assert [await core.users.of_number(tenant, user.number) for user in registered] == registered
    for number in (0, 1, addressed.number, max(user.number for user in registered) + 1, 1 << 59):
        assert await core.users.of_number(tenant, number) is None


async def test_names_and_references_that_join_to_the_same_text_stay_apart(core: Core, tenant: Tenant) -> None:
    await core.users.register(tenant, "a", reference="client:b:client:c")
    with pytest.raises(Failure):
        await core.users.register(tenant, "a", reference="client:c")
    await core.users.register(tenant, "a:client:b", reference="client:c")
    assert await core.users.find(tenant, "a:client:b") is not None
