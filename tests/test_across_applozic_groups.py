"""Groups of Applozic's in the other dialects, and theirs in Applozic: who is in them, who rules them, what they are called."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from adapters import applozic, chat21, easemob
from tests.harness import House, open_house
from tests.servers import Engine


@dataclass
class Three:
    """One tenant, spoken to in three dialects."""

    house: House

    async def token(self, dialect: str, user: str | None) -> str:
        house = self.house
        application = house.application(dialect).name
        return await house.adapters[dialect].mint(house.core, house.tenant, application, user, user is None, 600)

    async def applozic(self, user: str, method: str, path: str, body: Any = None) -> Any:
        headers = {
            "Application-Key": self.house.application("applozic").name,
            "X-Authorization": await self.token("applozic", user),
        }
        return await self._ask(method, f"/rest/ws/{path}", headers, body)

    async def easemob(self, method: str, path: str, body: Any = None) -> Any:
        base = "/" + self.house.application("easemob").name.replace("#", "/")
        headers = {"Authorization": f"Bearer {await self.token('easemob', None)}"}
        return (await self._ask(method, f"{base}/{path}", headers, body))["data"]

    async def chat21(self, user: str, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": await self.token("chat21", user)}
        return await self._ask(method, f"/api/{self.house.application('chat21').name}/{path}", headers, body)

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        response = await self.house.client.request(method, path, headers=headers, json=body)
        assert response.status_code in (200, 201), response.text
        return response.json()

    async def groups(self, user: str) -> list[dict[str, Any]]:
        """A user's groups as Applozic has them."""
        found: list[dict[str, Any]] = (await self.applozic(user, "GET", "group/v3/list"))["response"]
        return found


@pytest.fixture
async def three(embedded_engine: Engine) -> AsyncIterator[Three]:
    adapters = [easemob.create({}), applozic.create({}), chat21.create({})]
    async with open_house(embedded_engine.url, adapters) as house:
        for user in ("ada", "bob", "eve"):
            await house.core.users.register(house.tenant, user)
        yield Three(house)


def roles(group: dict[str, Any]) -> dict[str, int]:
    return {row["userId"]: row["role"] for row in group["groupUsers"]}


async def test_easemobs_group(three: Three) -> None:
    body = {"groupname": "Team", "public": False, "owner": "ada", "members": ["bob"], "description": "d"}
    group = (await three.easemob("POST", "chatgroups", body))["groupid"]
    (shown,) = await three.groups("bob")
    assert (shown["name"], shown["adminId"], shown["type"], shown["membersId"]) == ("Team", "ada", 1, ["ada", "bob"])
    assert roles(shown) == {"ada": 1, "bob": 3}
    await three.easemob("POST", f"chatgroups/{group}/users/eve")
    await three.easemob("POST", f"chatgroups/{group}/admin", {"newadmin": "bob"})
    (shown,) = await three.groups("eve")
    assert roles(shown) == {"ada": 1, "bob": 1, "eve": 3}
    # What the admin does here is done there.
    number = shown["id"]
    for fields in ({"newName": "Crew"}, {"users": [{"userId": "eve", "role": 2}]}):
        assert (await three.applozic("bob", "POST", "group/update", {"groupId": number, **fields}))[
            "status"
        ] == "success"
    await three.applozic("bob", "POST", "group/remove/member", {"groupId": number, "userId": "ada"})
    assert (await three.easemob("GET", f"chatgroups/{group}"))[0]["name"] == "Crew"
    assert sorted(await three.easemob("GET", f"chatgroups/{group}/admin")) == ["bob", "eve"]
    people = await three.easemob("GET", f"chatgroups/{group}/users")
    # Of Easemob's group the owner stays: nobody but the owner removes him.
    assert {"owner": "ada"} in people
    (shown,) = await three.groups("eve")
    assert roles(shown) == {"ada": 1, "bob": 1, "eve": 2}
    await three.easemob("DELETE", f"chatgroups/{group}")
    assert await three.groups("eve") == []


async def test_chat21s_group(three: Three) -> None:
    body = {"group_name": "Team", "group_id": "group-own", "group_members": {"bob": 1}, "attributes": {"a": {"b": 1}}}
    await three.chat21("ada", "POST", "groups", body)
    (shown,) = await three.groups("bob")
    assert (shown["adminId"], sorted(shown["membersId"]), shown["clientGroupId"]) == (
        "ada",
        ["ada", "bob"],
        str(shown["id"]),
    )
    assert shown["metadata"] == {"a": '{"b":1}'}
    message = {
        "sender_fullname": "A",
        "recipient_id": "group-own",
        "recipient_fullname": "Team",
        "text": "hi",
        "channel_type": "group",
    }
    await three.chat21("ada", "POST", "messages", message)
    assert (await three.groups("bob"))[0]["unreadCount"] == 1
    answer = await three.applozic("bob", "POST", "group/add/member", {"groupId": shown["id"], "userId": "eve"})
    assert answer["errorResponse"][0]["errorCode"] == "AL-UN-01"
    await three.applozic("ada", "POST", "group/add/member", {"groupId": shown["id"], "userId": "eve"})
    await three.applozic("bob", "POST", "group/left", {"groupId": shown["id"]})
    group = (await three.chat21("ada", "GET", "groups/group-own"))["result"]
    assert sorted(group["members"]) == ["ada", "eve"]


async def test_applozics_group(three: Three) -> None:
    body = {
        "groupName": "Team",
        "clientGroupId": "shop",
        "groupMemberList": ["bob"],
        "users": [{"userId": "eve", "groupRole": 2}],
    }
    made = (await three.applozic("ada", "POST", "group/v2/create", body))["response"]
    (joined,) = await three.easemob("GET", "users/bob/joined_chatgroups") or [None]
    assert joined is not None
    detail = (await three.easemob("GET", f"chatgroups/{joined['groupid']}"))[0]
    assert (detail["name"], detail["owner"], detail["public"]) == ("Team", "ada", True)
    assert await three.easemob("GET", f"chatgroups/{joined['groupid']}/admin") == ["eve"]
    rows = (await three.chat21("bob", "GET", "bob/conversations"))["result"]
    (group,) = [row["conversWith"] for row in rows]
    shown = (await three.chat21("bob", "GET", f"groups/{group}"))["result"]
    assert (shown["owner"], sorted(shown["members"]), shown["name"]) == ("ada", ["ada", "bob", "eve"], "Team")
    assert [row["text"] for row in rows] == ["Group created"]
    await three.applozic("ada", "GET", "group/delete?clientGroupId=shop")
    assert await three.easemob("GET", "users/bob/joined_chatgroups") == []
    assert made["clientGroupId"] == "shop"
