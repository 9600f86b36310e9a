"""Whose request it is, when none names a tenant; and whose name an HTTP API user's is."""

import httpx
import pytest

from adapters import chat21, easemob, ozeki
from adapters.contract import Request
from adapters.ozeki.style import Style, told
from core.errors import Failure, Kind
from core.model import Application, Credential
from tests.adapters.ozeki.conftest import WRONG_LOGIN, ask, basic, folder, says, sent, texts
from tests.harness import House, new_tenant, open_house
from tests.servers import Engine


async def second_tenant(house: House) -> Application:
    """Another tenant's domain, whose HTTP API user has the same name."""
    tenant = await new_tenant(house.core, list(house.adapters.values()))
    return next(each for each in tenant.applications if each.dialect == "ozeki")


async def share_password(house: House, other: Application) -> None:
    """Give both tenants' users one password."""
    for name, domain in ((house.tenant.name, house.names["domain"]), (None, other.name)):
        owner = name or (await house.core.tenants.owners("ozeki", domain))[0].name
        same = Credential("http_user", "http_user", "one for both", sends=True)
        await house.core.tenants.add_credential(owner, "ozeki", domain, same)


async def test_a_login_opens_the_tenant_that_it_belongs_to(house: House) -> None:
    other = await second_tenant(house)
    house.names["other"] = basic("http_user", other.credentials[0].secret)
    await sent(house, "ann", "first")
    await sent(house, "ann", "second", user="other")
    assert await texts(house, "sent") == ["first"]
    assert await texts(house, "sent", user="other") == ["second"]
    (row,) = await folder(house, "sent", user="other")
    assert row["from_address"] == f"http_user@{other.name}"


async def test_of_equal_logins_the_first_tenants_counts_unless_the_domain_is_named(house: House) -> None:
    other = await second_tenant(house)
    await share_password(house, other)
    house.names |= {
        "bare": basic("http_user", "one for both"),
        "named": basic(f"http_user@{other.name}", "one for both"),
        "own": basic(f"http_user@{house.names['domain']}", "one for both"),
    }
    for user in ("bare", "named", "own"):
        await sent(house, "ann", user, user=user)
    assert await texts(house, "sent", user="own") == ["bare", "own"]
    assert await texts(house, "sent", user="named") == ["named"]


async def test_a_password_that_changes_ends_the_old_one(house: House) -> None:
    changed = Credential("http_user", "http_user", "changed", sends=True)
    await house.core.tenants.add_credential(house.tenant.name, "ozeki", house.names["domain"], changed)
    assert await ask(house, "deletemsg", {}) == WRONG_LOGIN
    house.names["changed"] = basic("http_user", "changed")
    assert await ask(house, "deletemsg", {}, user="changed") == {"folder": "inbox", "message_ids": []}


async def test_a_form_says_nothing_of_the_next_request(house: House) -> None:
    login = {"username": "http_user", "password": house.names["password"]}
    for form, opens in ((login, True), ({"limit": "1"}, False), (login, True), ({"limit": "1"}, False)):
        answer = await house.client.post("/api", params={"action": "receivemessage"}, data=form)
        assert (b"1157" not in answer.content) is opens


def test_of_repeated_names_in_a_query_the_first_counts() -> None:
    for query, style, call in (
        ("action=sendmsg&Action=sendmessage", Style.JSON, "action=sendmsg"),
        ("Action=sendmessage&action=sendmsg", Style.QUERY, "action=sendmessage"),
        ("COMMAND=SendMessage&command=", Style.COMMAND, "command=sendmessage"),
    ):
        request = Request(
            id="", method="POST", path="/api", segments=("api",), query_string=query,
            headers={"content-type": "Application/JSON; charset=utf-8"}, scheme="http", host="", client="",
        )  # fmt: skip
        said = told(request)
        assert (said.style, said.call, said.media_type) == (style, call, "application/json")


async def test_an_empty_password_opens_nothing(house: House) -> None:
    for user in ("http_user", "", "http_user@", f"@{house.names['domain']}"):
        house.names["empty"] = basic(user, "")
        assert await ask(house, "deletemsg", {}, user="empty") == WRONG_LOGIN


def client_at(house: House, address: str) -> httpx.AsyncClient:
    """A client that calls from an address of its own: others' wrong logins would count for it, and its own for others."""
    transport = httpx.ASGITransport(house.app, client=(address, 40000))
    return httpx.AsyncClient(transport=transport, base_url="http://gateway.test:8080")


async def test_passwords_can_not_be_guessed_for_long(house: House) -> None:
    other = await second_tenant(house)

    async def opens(user: str, password: str) -> bool:
        house.names["tried"] = basic(user, password)
        answer = await ask(house, "deletemsg", {}, user="tried")
        assert answer in (WRONG_LOGIN, {"folder": "inbox", "message_ids": []})
        return bool(answer != WRONG_LOGIN)

    password, domain = house.names["password"], house.names["domain"]
    house.client = client_at(house, "192.0.2.1")
    assert await ask(house, "deletemsg", {}) != WRONG_LOGIN
    assert not any([await opens("http_user", f"wrong {number}") for number in range(10)])
    # Who comes anew has to wait, in whatever style. Who was let in before goes on; so do other names, tenants and addresses.
    query = {"action": "receivemessage", "username": "http_user", "password": password}
    assert b"1157" in (await house.client.get("/api", params=query)).content
    assert not await opens("http_user", other.credentials[0].secret)
    assert await ask(house, "deletemsg", {}) != WRONG_LOGIN
    assert await opens(f"http_user@{domain}", password)
    assert await opens(f"http_user@{other.name}", other.credentials[0].secret)
    assert await ask(house, "deletemsg", {}, user="alerts") != WRONG_LOGIN
    house.client = client_at(house, "192.0.2.2")
    assert await opens("http_user", other.credentials[0].secret)
    assert b"1157" not in (await house.client.get("/api", params=query)).content


async def test_an_old_password_keeps_nobody_out(house: House) -> None:
    query = {"action": "receivemessage", "username": "http_user"}
    for _ in range(20):
        answer = await house.client.get("/api", params=query | {"password": "old"})
        assert b"1157" in answer.content
    assert b"1157" not in (await house.client.get("/api", params=query | {"password": house.names["password"]})).content
    assert await ask(house, "deletemsg", {}) != WRONG_LOGIN


async def test_nobody_becomes_a_program(embedded_engine: Engine) -> None:
    adapters = [ozeki.create({}), chat21.create({}), easemob.create({})]
    async with open_house(embedded_engine.url, adapters) as house:
        core, tenant = house.core, house.tenant
        for attempt in (
            core.users.register(tenant, "HTTP_user", folded=True),
            core.users.claim(tenant, "http_user"),
            core.erase.user(tenant, "http_user"),
        ):
            with pytest.raises(Failure) as caught:
                await attempt
            assert (caught.value.kind, caught.value.reason) == (Kind.FORBIDDEN, "reserved")
        # It is a user for all that: others write to it, in whatever dialect, and read what it writes.
        house.names["basic"] = basic("http_user", house.application("ozeki").credentials[0].secret)
        await says(house, "ann", "http_user", "Hello")
        assert await texts(house) == ["Hello"]


@pytest.mark.parametrize("name", ["a@b", "a:b", "", " a"])
def test_a_name_that_no_login_can_say_is_refused(name: str) -> None:
    with pytest.raises(Failure) as caught:
        ozeki.create({}).credential("http_user", name, "secret")
    assert caught.value.kind is Kind.BAD_REQUEST


def test_settings_that_can_not_be_are_refused() -> None:
    with pytest.raises(ValueError, match="there is no time zone 'Nowhere'"):
        ozeki.create({"zone": "Nowhere"})


async def test_dates_are_in_the_zone_that_is_set(embedded_engine: Engine) -> None:
    async with open_house(embedded_engine.url, [ozeki.create({"zone": "Europe/Budapest"})]) as house:
        house.names["basic"] = basic("http_user", house.application("ozeki").credentials[0].secret)
        row = await sent(house, "ann", "Hello", valid_until="2025-12-24T18:00:00")
        assert (row["create_date"], row["valid_until"]) == ("2025-06-15 17:06:40", "2025-12-24 18:00:00")
        (shown,) = await folder(house, "sent")
        assert (shown["create_date"], shown["valid_until"]) == ("2025-06-15 17:06:40", "2025-12-24 18:00:00")


def test_secrets_of_a_request() -> None:
    headers = {"authorization": basic("http_user", "one"), "ozeki-station": "two", "ozeki-user": "public"}
    request = Request(
        id="", method="POST", path="/api", segments=("api",), query_string="Password=three&username=public",
        headers=headers, scheme="http", host="", client="",
    )  # fmt: skip
    encoded = headers["authorization"].partition(" ")[2]
    assert set(ozeki.create({}).secrets(request)) == {headers["authorization"], encoded, "one", "two", "three"}
