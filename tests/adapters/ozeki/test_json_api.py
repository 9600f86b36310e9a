"""The JSON style: sending."""

import re
from typing import Any

import pytest

from core.messages import Query
from core.model import Text
from tests.adapters.ozeki.conftest import AS_HTTP_USER, WRONG_LOGIN, basic, sent
from tests.harness import House, Row

UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NOW = "2025-06-15 15:06:40"
IN_A_WEEK = "2025-06-22 15:06:40"
TAGS = [{"name": "Type", "value": "SMS:TEXT"}]
DEFAULTS: dict[str, Any] = {
    "from_station": "%",
    "to_station": "%",
    "create_date": NOW,
    "valid_until": IN_A_WEEK,
    "time_to_send": NOW,
    "submit_report_requested": True,
    "delivery_report_requested": False,
    "view_report_requested": False,
    "tags": TAGS,
}


def accepted(*messages: dict[str, Any], failed: int = 0) -> dict[str, Any]:
    return {
        "http_code": 200,
        "response_code": "SUCCESS",
        "response_msg": "Messages queued for delivery.",
        "data": {
            "total_count": len(messages),
            "success_count": len(messages) - failed,
            "failed_count": failed,
            "messages": [{"status": "SUCCESS", **DEFAULTS, **message} for message in messages],
        },
    }


def refused(code: int, text: Any = str) -> dict[str, Any]:
    return {"http_code": code, "response_code": "ERROR", "response_msg": text}


def sending(label: str, *entries: Any, body: Any, **more: Any) -> Row:
    more.setdefault("headers", AS_HTTP_USER)
    return Row(label, "POST", "/api", 200, body, json={"messages": list(entries)}, query={"action": "sendmsg"}, **more)


ONE = {"message_id": "a-1", "to_address": "ann@{domain}@%", "text": "Hello"}
ROWS = [
    sending("one message", ONE, body=accepted(ONE)),
    sending("with an id of ours", {**ONE, "message_id": ""}, body=accepted({**ONE, "message_id": UUID})),
    sending("a bare user", {**ONE, "to_address": "ann"}, body=accepted({**ONE, "to_address": "ann"})),
    sending(
        "many, ids twice",
        ONE,
        {**ONE, "to_address": "bob"},
        {**ONE, "text": "Again"},
        body=accepted(ONE, {**ONE, "to_address": "bob"}, {**ONE, "text": "Again"}),
    ),
    sending(
        "all fields, as Python sends them",
        {
            **ONE,
            "from_connection": "c1",
            "from_address": "me",
            "from_station": "s1",
            "to_connection": "c2",
            "to_station": "%",
            "create_date": "2025-06-15T10:00:00",
            "valid_until": "2025-06-16T10:00:00",
            "time_to_send": "2025-06-15T11:00:00",
            "submit_report_requested": False,
            "delivery_report_requested": True,
            "view_report_requested": True,
            "tags": [{"name": "a", "value": "1"}, {"name": "Type", "value": "SMS:TEXT"}],
        },
        body=accepted(
            {
                **ONE,
                "from_connection": "c1",
                "from_address": "me",
                "from_station": "s1",
                "to_connection": "c2",
                "create_date": "2025-06-15 10:00:00",
                "valid_until": "2025-06-16 10:00:00",
                "time_to_send": "2025-06-15 11:00:00",
                "submit_report_requested": False,
                "delivery_report_requested": True,
                "view_report_requested": True,
                "tags": [{"name": "a", "value": "1"}, {"name": "Type", "value": "SMS:TEXT"}],
            }
        ),
    ),
    sending(
        "unset as Go and PHP say it",
        {
            **ONE,
            "from_address": "",
            "from_station": None,
            "to_connection": None,
            "create_date": "",
            "valid_until": None,
            "view_report_requested": None,
            "status": "",
            "tags": None,
        },
        body=accepted(ONE),
    ),
    sending(
        "as Node sends it",
        {**ONE, "vaild_date": "2025-06-15T16:00:00", "tags": [{"colour": "red"}, {"size": 7}]},
        body=accepted(
            {
                **ONE,
                "valid_until": "2025-06-15 16:00:00",
                "tags": [{"name": "colour", "value": "red"}, {"name": "size", "value": "7"}],
            }
        ),
    ),
    sending("no tags at all", {**ONE, "tags": []}, body=accepted({**ONE, "tags": []})),
    sending(
        "a tag twice",
        {**ONE, "tags": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]},
        body=accepted({**ONE, "tags": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}),
    ),
    sending("no date", {**ONE, "create_date": "tomorrow", "valid_until": 7}, body=accepted(ONE)),
    sending("unknown keys", {**ONE, "colour": "red"}, body=accepted(ONE)),
    sending(
        "the triple as connection",
        {"message_id": "a-1", "to_connection": "ann@{domain}@%", "text": "Hello"},
        body=accepted({"message_id": "a-1", "to_connection": "ann@{domain}@%", "text": "Hello"}),
    ),
    sending(
        "no text",
        {"message_id": "1", "to_address": "ann"},
        body=accepted({"message_id": "1", "to_address": "ann", "text": ""}),
    ),
    sending(
        "one without recipient",
        ONE,
        {"message_id": "a-2", "text": "Whom?"},
        body=accepted(
            ONE, {"message_id": "a-2", "text": "Whom?", "status": "No recipient: to_address is missing"}, failed=1
        ),
    ),
    sending(
        "an unknown station",
        {**ONE, "to_station": "801c91e6466a1ab34945d73ae4f762c6"},
        body=accepted(
            {
                **ONE,
                "to_station": "801c91e6466a1ab34945d73ae4f762c6",
                "status": "There is no station 801c91e6466a1ab34945d73ae4f762c6 of this user",
            },
            failed=1,
        ),
    ),
    sending(
        "a name that can't be held",
        {**ONE, "to_address": "\x07@{domain}"},
        body=accepted(
            {**ONE, "to_address": "\x07@{domain}", "status": "The recipient's address is not valid"}, failed=1
        ),
    ),
    sending("nothing", body=accepted()),
    sending("another's password", ONE, headers={"Authorization": basic("http_user", "no")}, body=WRONG_LOGIN),
    sending("no login", ONE, headers={}, body=WRONG_LOGIN),
    sending("no Basic login", ONE, headers={"Authorization": "Bearer x"}, body=WRONG_LOGIN),
    sending("a broken login", ONE, headers={"Authorization": "Basic %%%"}, body=WRONG_LOGIN),
    sending("too many", *[ONE] * 1001, body=refused(400)),
    sending("no messages", 1, body=refused(400)),
    Row(
        "no array",
        "POST",
        "/api",
        200,
        refused(400),
        json={"messages": {}},
        query={"action": "sendmsg"},
        headers=AS_HTTP_USER,
    ),
    Row(
        "an unknown action", "POST", "/api", 200, refused(404), json={}, query={"action": "dance"}, headers=AS_HTTP_USER
    ),
    Row("no action", "POST", "/api", 200, refused(404), json={}, headers=AS_HTTP_USER),
    Row("as GET", "GET", "/api", 200, refused(405), query={"action": "sendmsg"}, headers=AS_HTTP_USER),
    Row(
        "top-level keys that nobody knows, a path with a slash, an action in capitals",
        "POST",
        "/API/",
        200,
        accepted(ONE),
        json={"what": 1, "messages": [ONE]},
        query={"Action": "SendMsg"},
        headers={**AS_HTTP_USER, "Content-Type": "text/plain"},
    ),
    Row(
        "line breaks within a text, as Perl sends them",
        "POST",
        "/api",
        200,
        accepted({**ONE, "to_address": "ann", "text": "two\nlines\tand \U0001f600"}),
        content='{"messages": [{"message_id": "a-1", "to_address": "ann", "text": "two\nlines\tand \U0001f600"}]}'.encode(),
        query={"action": "sendmsg"},
        headers={**AS_HTTP_USER, "Content-Type": "application/json; charset=utf8"},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_send_is_answered_as_the_vendor_does(house: House, row: Row) -> None:
    await row.check(house)


async def test_fields_come_in_the_vendors_order(house: House) -> None:
    row = await sent(house, "ann", "Hello", message_id="1")
    assert list(row) == [
        "message_id",
        "from_station",
        "to_address",
        "to_station",
        "text",
        "create_date",
        "valid_until",
        "time_to_send",
        "submit_report_requested",
        "delivery_report_requested",
        "view_report_requested",
        "tags",
        "status",
    ]


async def test_a_message_reaches_its_recipient_with_its_tags(house: House) -> None:
    await sent(
        house, "ann@{domain}@%".replace("{domain}", house.names["domain"]), "Hello", tags=[{"name": "a", "value": "1"}]
    )
    page = await house.core.messages.direct_page(house.tenant, "http_user", "ann", Query(10))
    (stored,) = page.messages
    assert stored.message.content == Text("Hello")
    assert stored.message.extension == {"a": "1"}
    assert stored.message.sender == "http_user"


async def test_a_message_for_one_station_is_seen_there_alone(house: House) -> None:
    core, tenant = house.core, house.tenant
    ann = await core.users.register(tenant, "ann")
    bob = await core.users.register(tenant, "bob")
    phone, desk = "801c91e6466a1ab34945d73ae4f762c6", "0523457bdf9f0fecba7a764cfff20576"
    for station, user in ((phone, ann), (desk, bob)):
        await core.stations.bind(tenant, "ozeki", station, user, 60_000, {})
    for to, named in ((f"ann@{house.names['domain']}@{phone}", None), ("ann", phone), ("ann", desk)):
        row = await sent(house, to, "Hello", to_station=named)
        expected = "SUCCESS" if named != desk else f"There is no station {desk} of this user"
        assert row["status"] == expected
    viewer = await core.users.key(tenant, "ann")
    for where, count in ((phone, 2), (desk, 0), ("", 2)):
        page = await core.messages.direct_page(tenant, "ann", "http_user", Query(9, station=where), viewer)
        assert len(page.messages) == count


async def test_rows_of_all_messages_have_one_order(house: House) -> None:
    all_fields = list(await sent(house, "ann", "Hello", message_id="1", from_address="me", create_date="2025-06-15"))
    assert list(await sent(house, "ann", "Hello")) == [name for name in all_fields if name != "from_address"]


async def test_a_message_says_nothing_of_the_next(house: House) -> None:
    wishes: dict[str, Any] = {
        "submit_report_requested": False,
        "valid_until": "2025-06-16",
        "tags": [{"name": "a", "value": "b"}],
    }
    row = await sent(house, "ann", "Hello", **wishes)
    assert (row["submit_report_requested"], row["valid_until"]) == (False, "2025-06-16 00:00:00")
    row = await sent(house, "ann", "Hello")
    del row["message_id"]
    assert row == {"status": "SUCCESS", **DEFAULTS, "to_address": "ann", "text": "Hello"}
