"""Every field of every route with values of every sort: the vendor's own answer, never an unexpected failure."""

import itertools
from typing import Any

import pytest

from tests.adapters.chat21.conftest import as_user
from tests.adapters.chat21.test_groups import create
from tests.harness import House, Row

VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 1 << 63, (1 << 64) - 1, -(1 << 63), 1e300, "", " ", "a", "\u0000", "\u202e\u0007", "é" * 200,
    "a" * 256, "group-", "group-" + "a" * 300, "<script>", "__proto__", [], [None], [[]], ["a", 1], ["a", "a"], {}, {"": {}},
    {"a": None}, {"a\u0000": 1}, {"$set": {"x": 1}}, {"src": None}, {"src": 1}, {"src": "u", "width": "w", "size": 1 << 63},
]  # fmt: skip
SENDS = {"sender_fullname": "A", "recipient_id": "user2", "recipient_fullname": "B"}
MAKES = {"group_name": "G1", "group_members": {"user2": 1}}
ROUTES: list[tuple[str, str, dict[str, Any], tuple[str, ...]]] = [
    (
        "POST",
        "/api/{app}/messages",
        SENDS,
        (*SENDS, "text", "type", "channel_type", "attributes", "metadata", "timestamp", "sender_id", "group"),
    ),
    ("POST", "/api/{app}/messages", {**SENDS, "type": "image"}, ("metadata", "text")),
    ("POST", "/api/{app}/messages", {**SENDS, "channel_type": "group"}, ("recipient_id",)),
    (
        "POST",
        "/api/{app}/messages/sync",
        SENDS,
        ("recipient_id", "text", "type", "attributes", "timestamp", "sender_id"),
    ),
    ("DELETE", "/api/{app}/conversations/user2", {}, ("user_id",)),
    ("PUT", "/api/{app}/groups/{uid}", {}, ("group_name",)),
    ("PUT", "/api/{app}/groups/{uid}/attributes", {}, ("attributes",)),
    ("POST", "/api/{app}/groups", MAKES, (*MAKES, "group_id", "attributes", "group_owner")),
    ("POST", "/api/{app}/groups/{uid}/members", {}, ("member_id",)),
    ("PUT", "/api/{app}/groups/{uid}/members", {}, ("members",)),
]


@pytest.mark.parametrize("caller", ["user1", "admin"])
async def test_odd_values_everywhere(house: House, caller: str) -> None:
    house.names["uid"] = await create(house, "user1", "user2")
    for method, path, body, fields in ROUTES:
        for field, value in itertools.product(fields, VALUES):
            house.manual_clock.move(1)
            row = Row(
                f"{path} {field}={value!r}", method, path, 0, json={**body, field: value}, headers=as_user(caller)
            )
            response = await row.send(house)
            assert response.status_code in (200, 201, 405), (row.label, response.status_code, response.text)
            assert response.status_code != 405 or response.headers["content-type"].startswith(
                ("text/html", "application/json")
            )
    for user in ("user1", "user2"):
        for path in (
            "conversations",
            "conversations/user2/messages",
            "conversations/user1",
            "conversations/{uid}/messages",
            "archived_conversations",
            "archived_conversations/user2",
        ):
            row = Row(path, "GET", f"/api/{{app}}/{user}/{path}", 200, headers=as_user(user))
            await row.check(house)
    assert [line for line in house.log.lines if line["event"] == "unexpected"] == []


@pytest.mark.parametrize(
    "value", ["null", "%22", "%2e%2e%2f", "a%0a", "%ed%a0%80", "%f0%9f%98%80", "a" * 2000, "'", "$where", "[]", "%2500"]
)
async def test_odd_paths_everywhere(house: House, value: str) -> None:
    templates = [
        "/api/{}/user1/conversations", "/api/{{app}}/{}/conversations", "/api/{{app}}/user1/conversations/{}",
        "/api/{{app}}/user1/conversations/{}/messages", "/api/{{app}}/{}/conversations/user1/messages", "/api/{{app}}/groups/{}",
        "/api/{{app}}/conversations/{}", "/api/{{app}}/{}/conversations/timelines", "/api/{{app}}/{}/messages/timelines",
        "/api/{{app}}/user1/archived_conversations/{}", "/api/{{app}}/groups/{}/attributes", "/api/{{app}}/groups/{}/members/user1",
        "/api/{{app}}/groups/x/members/{}",
    ]  # fmt: skip
    for template in templates:
        for caller, method in itertools.product(("user1", "admin"), ("GET", "DELETE", "POST", "PUT")):
            row = Row("", method, template.format(value), 0, headers=as_user(caller))
            response = await row.send(house)
            assert response.status_code in (200, 201, 400, 401, 403, 404, 405), (template, method, response.status_code)
    assert [line for line in house.log.lines if line["event"] == "unexpected"] == []
