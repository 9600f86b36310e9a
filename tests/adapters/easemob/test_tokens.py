"""`POST /token`, and what becomes of tokens of every sort on every endpoint."""

from typing import Any

import httpx
import pytest

from adapters.easemob import create
from core.model import Credential
from tests.adapters.easemob.shapes import AUTHORIZED, EASEMOB_SECURITY, GROUPS, SECURITY, error, illegal
from tests.harness import House, Row, new_tenant

CLIENT = {"grant_type": "client_credentials", "client_id": "{client_id}", "client_secret": "{client_secret}"}
NEVER = 2**31 - 1


async def sends(house: House, response: httpx.Response) -> None:
    """The token in the reply sends a message."""
    body = {"target_type": "users", "target": ["bob"], "msg": {"type": "txt", "msg": "hi"}}
    headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
    await Row("send", "POST", "{base}/messages", 200, json=body, headers=headers).check(house)


async def sends_for_ever(house: House, response: httpx.Response) -> None:
    house.manual_clock.move(100 * 365 * 86_400_000)
    await sends(house, response)


def issued(seconds: int) -> dict[str, Any]:
    return {"access_token": lambda token: token.startswith("YWMt"), "expires_in": seconds, "application": "{uuid}"}


def token(label: str, status: int, body: Any, json: Any, **more: Any) -> Row:
    return Row(label, "POST", "{base}/token", status, body, json, **more)


def grant(text: str) -> dict[str, Any]:
    return error("invalid_grant", SECURITY, text)


ROWS = [
    token("a token of 60 days", 200, issued(5_184_000), CLIENT, effect=sends),
    token("its lifetime in seconds", 200, issued(60), {**CLIENT, "ttl": 60}, effect=sends),
    token("its lifetime as text", 200, issued(60), {**CLIENT, "ttl": "60"}),
    token("its lifetime as a fraction", 200, issued(60), {**CLIENT, "ttl": 60.0}),
    token("for ever", 200, issued(NEVER), {**CLIENT, "ttl": 0}, effect=sends_for_ever),
    token("for ever, as text", 200, issued(NEVER), {**CLIENT, "ttl": "0"}),
    token("longer than anybody counts", 200, issued(NEVER), {**CLIENT, "ttl": 10**17}),
    token("no lifetime", 200, issued(5_184_000), {**CLIENT, "ttl": None}),
    token("unknown fields", 200, issued(5_184_000), {**CLIENT, "timestamp": 1}),
    token(
        "form content type",
        200,
        issued(5_184_000),
        CLIENT,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ),
    token("with a token that nobody looks at", 200, issued(5_184_000), CLIENT, headers={"Authorization": "Bearer x"}),
    Row("a slash at the end", "POST", "{base}/token/", 200, issued(5_184_000), CLIENT),
    token("a negative lifetime", 400, illegal("ttl must be a number of seconds"), {**CLIENT, "ttl": -1}),
    token("a lifetime in words", 400, illegal("ttl must be a number of seconds"), {**CLIENT, "ttl": "a day"}),
    token("a lifetime that is a switch", 400, illegal("ttl must be a number of seconds"), {**CLIENT, "ttl": True}),
    token("wrong id", 400, grant("client_id does not match"), {**CLIENT, "client_id": "else"}),
    token("no id", 400, grant("client_id does not match"), {"grant_type": "client_credentials"}),
    token("id of a wrong type", 400, grant("client_id does not match"), {**CLIENT, "client_id": ["{client_id}"]}),
    token("wrong secret", 400, grant("client_secret does not match"), {**CLIENT, "client_secret": "{client_secret}x"}),
    token("empty secret", 400, grant("client_secret does not match"), {**CLIENT, "client_secret": ""}),
    token("no secret", 400, grant("client_secret does not match"), {**CLIENT, "client_secret": None}),
    token("secret of a wrong type", 400, grant("client_secret does not match"), {**CLIENT, "client_secret": {}}),
    token("secret beyond ASCII", 400, grant("client_secret does not match"), {**CLIENT, "client_secret": "中"}),
    token("no grant", 400, illegal("grant_type must be provided"), {}),
    *(
        token(
            f"grant {kind}",
            400,
            error(
                "unsupported_grant_type", SECURITY, "grant_type must be client_credentials, password, inherit or agora"
            ),
            {**CLIENT, "grant_type": kind},
        )
        for kind in ("other", "", 1, ["client_credentials"])
    ),
    Row(
        "unknown application",
        "POST",
        "/{org}/nobody/token",
        404,
        error(
            "organization_application_not_found",
            "org.apache.usergrid.rest.exceptions.OrganizationApplicationNotFoundException",
            "Could not find application for {org}/nobody from URI: {org}/nobody/token",
        ),
        CLIENT,
    ),
    Row(
        "another tenant's client",
        "POST",
        "/{org}/{other_app}/token",
        400,
        grant("client_secret does not match"),
        CLIENT,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_client_gets_a_token(row: Row, house: House) -> None:
    await row.check(house)


MISSING = error("unauthorized", EASEMOB_SECURITY, "Unable to authenticate (OAuth)")
MISSING_FOR_MESSAGES = error("unauthorized", "ChatSecurityException", "Unable to authenticate (OAuth)")
MISSING_FOR_GROUPS = error("group_authorization", GROUPS + "GroupAuthorizationException", "token is blank!")
CLOSED = error("unauthorized", EASEMOB_SECURITY, "Open registration doesn't allow, so register user need token,")
CORRUPT = error("auth_bad_access_token", SECURITY, "Unable to authenticate due to corrupt access token")
UNKNOWN = error("auth_bad_access_token", SECURITY, "Unable to authenticate")
EXPIRED = error("unauthorized", SECURITY, "Unable to authenticate due to expired access token")

ENDPOINTS = [
    ("POST", "/messages", MISSING_FOR_MESSAGES),
    ("GET", "/users/bob", MISSING),
    ("POST", "/users", CLOSED),
    ("DELETE", "/users/bob/contacts/users/ann", MISSING),
    ("POST", "/token/user/bob/invalid", MISSING),
    ("PUT", "/metadata/user/bob", {"timestamp": int, "desc": "unauthorized", "duration": int}),
    ("POST", "/chatgroups", MISSING_FOR_GROUPS),
]
BLANK = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer   "},
    {"Authorization": "Basic YTpi"},
]
REFUSED = [
    ("YWMtP5n9zvOQEei7KclxPqJTkgAAAAAAAAAAAAAAAAAAGL4CTw6XgR6LaXXVmNX4QCAgMAAAFnXcBpfQBPGgDC09w5IdrfqG_H8_F53VLVTG0_82GXyEF8ZdMCt9-UpQ", CORRUPT),
    ("x", CORRUPT),
    ("YWMt", CORRUPT),
    ("{expired}", EXPIRED),
    ("{foreign}", UNKNOWN),
    ("{another_dialect}", UNKNOWN),
    ("{another_application}", UNKNOWN),
    ("{ann_token}", UNKNOWN),
]  # fmt: skip
UNAUTHENTICATED = [
    *(
        Row(f"{method} {path} with {headers}", method, "{base}" + path, 401, missing, {}, headers=headers)
        for method, path, missing in ENDPOINTS
        for headers in BLANK
    ),
    *(
        Row(
            f"{method} {path} with token {number}",
            method,
            "{base}" + path,
            401,
            body,
            {},
            headers={"Authorization": f"Bearer {text}"},
        )
        for method, path, _ in ENDPOINTS
        for number, (text, body) in enumerate(REFUSED)
        if path != "/chatgroups" or text != "{ann_token}"  # users make groups too
    ),
]


@pytest.mark.parametrize("row", UNAUTHENTICATED, ids=str)
async def test_a_token_that_does_not_verify_is_refused(row: Row, house: House) -> None:
    await row.check(house)


async def test_a_token_beyond_ascii_is_corrupt(house: House) -> None:
    headers = {b"Authorization": b"Bearer YWMt\xe9\xff"}
    response = await house.client.get(house.names["base"] + "/users/bob", headers=headers)
    assert response.json()["error_description"] == "Unable to authenticate due to corrupt access token"


async def test_a_token_ends_while_it_is_remembered(house: House) -> None:
    row = Row("get", "GET", "{base}/users/bob", 200, headers=AUTHORIZED)
    await row.check(house)
    house.manual_clock.move(86_400_000)
    await Row("get", "GET", "{base}/users/bob", 401, EXPIRED, headers=AUTHORIZED).check(house)


async def test_a_token_ends_with_its_key(house: House) -> None:
    row = Row("send", "POST", "{base}/messages", 200, json={"target_type": "users", "target": ["b"], "msg": {"type": "txt", "msg": "x"}}, headers=AUTHORIZED)  # fmt: skip
    await row.check(house)
    await house.core.tenants.rotate_signing_key(house.tenant.name, keep=0)
    response = await row.send(house)
    assert (response.status_code, response.json()["error_description"]) == (401, "Unable to authenticate")


async def test_a_users_token_ends_with_the_password(house: House) -> None:
    as_ann = {"Authorization": "Bearer {ann_token}"}
    row = Row("get", "GET", "{base}/users/ann", 200, headers=as_ann)
    await row.check(house)
    await house.core.users.set_password(house.tenant, "ann", "new")
    await Row("get", "GET", "{base}/users/ann", 401, UNKNOWN, headers=as_ann).check(house)
    house.names["ann_token"] = await house.adapters["easemob"].mint(
        house.core, house.tenant, house.application("easemob").name, "ann", False, 60
    )
    await row.check(house)
    await house.core.users.deactivate(house.tenant, "ann")
    await Row("get", "GET", "{base}/users/ann", 401, UNKNOWN, headers=as_ann).check(house)


@pytest.mark.parametrize("scheme", ["Bearer {token}", "bearer {token}", "Bearer  {token} "])
async def test_spaces_and_case_around_a_token_do_not_matter(scheme: str, house: House) -> None:
    await Row("get", "GET", "{base}/users/bob", 200, headers={"Authorization": scheme}).check(house)


async def test_of_two_tenants_with_one_application_the_one_whose_secret_verifies_wins(house: House) -> None:
    adapter = create({})
    stranger = await new_tenant(house.core, [adapter])
    shared = house.application("easemob").name
    await house.core.tenants.add_credential(stranger.name, "easemob", shared, Credential("client", "theirs", "secret"))
    ours = await token("ours", 200, ..., CLIENT).check(house)
    theirs = await token("theirs", 200, ..., {**CLIENT, "client_id": "theirs", "client_secret": "secret"}).check(house)
    assert ours.json()["application"] != theirs.json()["application"]
    mixed = {**CLIENT, "client_id": "theirs"}
    await token("mixed", 400, grant("client_secret does not match"), mixed).check(house)
    for reply, status in ((ours, 200), (theirs, 404)):
        headers = {"Authorization": f"Bearer {reply.json()['access_token']}"}
        await Row("bob is ours", "GET", "{base}/users/bob", status, headers=headers).check(house)
