"""One tenant behind a real server, and how its users speak in each dialect: the same few things, in each vendor's own calls."""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

import httpx
import orjson

from adapters.chat21 import ids as chat21_ids
from adapters.easemob import ids as easemob_ids
from adapters.ozeki import ids as ozeki_ids
from core.clock import Clock, SystemClock
from gateway.adapters_list import load_adapters
from tests.adapters.ozeki.chat_client import ChatClient, plain
from tests.harness import House, open_house, serve

USERS = ("user1", "user2", "user3")
Place = str | int
"""Who a user talks with: another one, or a group by its number."""


class Seen(NamedTuple):
    """A message as a reader is shown it."""

    sender: str
    text: str
    extension: dict[str, Any]


class Speaker(Protocol):
    """What a user can do in any dialect."""

    losses: str
    """What the last answer said of losses."""

    async def send(self, sender: str, to: Place, text: str, extension: dict[str, Any] | None = None) -> None:
        """Send a text, with an app's own map."""
        ...

    async def read(self, viewer: str, other: Place) -> list[Seen]:
        """What the viewer is shown of the conversation, oldest first."""
        ...

    async def listed(self, viewer: str) -> list[Place]:
        """Whom the viewer's list of conversations names."""
        ...


class _Speaker:
    def __init__(self, house: House, http: httpx.AsyncClient) -> None:
        self.house = house
        self.http = http
        self.losses = ""
        self._tokens: dict[str, str] = {}

    async def token(self, dialect: str, user: str | None) -> str:
        """A user's token, or the application's."""
        found = self._tokens.get(user or "")
        if found is None:
            application = self.house.application(dialect).name
            mint = self.house.adapters[dialect].mint
            found = await mint(self.house.core, self.house.tenant, application, user, user is None, 600)
            self._tokens[user or ""] = found
        return found

    async def ask(self, method: str, path: str, headers: dict[str, str], **more: Any) -> Any:
        """The answer, which must say that it went well."""
        response = await self.http.request(method, path, headers=headers, **more)
        assert response.status_code in (200, 201), response.text
        self.losses = response.headers.get("x-gateway-loss", "")
        return response.json() if "json" in response.headers["content-type"] else response.text


class Easemob(_Speaker):
    async def call(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {await self.token('easemob', None)}"}
        base = "/" + self.house.application("easemob").name.replace("#", "/")
        return await self.ask(method, base + path, headers, **more)

    def group(self, number: int) -> str:
        return easemob_ids.number_id(self.house.tenant, number)

    def number(self, group: str) -> int:
        """Of a group or room by its id."""
        found = easemob_ids.own_number(self.house.tenant, group)
        assert found is not None
        return found

    async def send(self, sender: str, to: Place, text: str, extension: dict[str, Any] | None = None) -> None:
        await self.say(sender, to, {"type": "txt", "msg": text}, extension)

    async def say(self, sender: str, to: Place, msg: dict[str, Any], extension: dict[str, Any] | None = None) -> None:
        """Send a message of any kind."""
        kind, target = ("chatgroups", self.group(to)) if isinstance(to, int) else ("users", to)
        body = {"from": sender, "target_type": kind, "target": [target], "msg": msg}
        await self.call("POST", "/messages", json=body | ({"ext": extension} if extension else {}))

    async def records(self, viewer: str, other: Place) -> list[dict[str, Any]]:
        """The lines of the application's history that are of the conversation. It is not the viewer's: nobody's deletions
        count."""
        found = await self.call("GET", "/chatmessages?ql=select%20*%20order%20by%20timestamp%20asc&limit=1000")
        target = self.group(other) if isinstance(other, int) else None
        return [
            row
            for row in found["entities"]
            if (row["to"] == target if target else {row["from"], row["to"]} == {viewer, other})
        ]

    async def read(self, viewer: str, other: Place) -> list[Seen]:
        rows = await self.records(viewer, other)
        payloads = [(row["from"], row["payload"]["bodies"][0], row["payload"]["ext"]) for row in rows]
        return [Seen(sender, str(body.get("msg")), extension) for sender, body, extension in payloads]

    async def listed(self, viewer: str) -> list[Place]:
        found = await self.call("GET", f"/sdk/user/{viewer}/user_channels/list?limit=50")
        ids = [row["session_to"] for row in found["data"]["channel_infos"]]
        return [easemob_ids.own_number(self.house.tenant, name) or name for name in ids]


class Chat21(_Speaker):
    async def call(self, method: str, user: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": await self.token("chat21", user)}
        return await self.ask(method, f"/api/{self.house.application('chat21').name}{path}", headers, **more)

    def other(self, place: Place) -> str:
        ids = self.house.core.ids(self.house.tenant)
        return chat21_ids.number_id(ids, place) if isinstance(place, int) else place

    async def send(self, sender: str, to: Place, text: str, extension: dict[str, Any] | None = None) -> None:
        await self.say(sender, to, {"text": text} | ({"attributes": extension} if extension else {}))

    async def say(self, sender: str, to: Place, fields: dict[str, Any]) -> None:
        """Send a message of any kind."""
        names = {"sender_fullname": sender, "recipient_id": self.other(to), "recipient_fullname": self.other(to)}
        kind = "group" if isinstance(to, int) else "direct"
        await self.call("POST", sender, "/messages", json={**names, "channel_type": kind, **fields})

    async def rows(self, viewer: str, other: Place) -> list[dict[str, Any]]:
        """The viewer's timeline of the conversation, oldest first."""
        found = await self.call("GET", viewer, f"/{viewer}/conversations/{self.other(other)}/messages")
        return list(reversed(found["result"]))

    async def read(self, viewer: str, other: Place) -> list[Seen]:
        rows = [row for row in await self.rows(viewer, other) if row["sender"] != "system"]
        return [Seen(row["sender"], row["text"], row.get("attributes", {})) for row in rows]

    async def conversations(self, viewer: str, *, archived: bool = False) -> list[dict[str, Any]]:
        path = f"/{viewer}/conversations" + ("/archived" if archived else "")
        rows: list[dict[str, Any]] = (await self.call("GET", viewer, path))["result"]
        return rows

    async def listed(self, viewer: str, *, archived: bool = False) -> list[Place]:
        ids = self.house.core.ids(self.house.tenant)
        names = [row["conversWith"] for row in await self.conversations(viewer, archived=archived)]
        return [chat21_ids.own_number(ids, name) or name for name in names]


class Applozic(_Speaker):
    async def call(self, method: str, user: str, path: str, **more: Any) -> Any:
        headers = {"X-Authorization": await self.token("applozic", user)}
        answer = await self.ask(method, f"/rest/ws/{path}", headers, **more)
        failed = answer.get("status") == "error" if isinstance(answer, dict) else answer == "error"
        assert not failed, answer
        return answer

    def other(self, place: Place) -> dict[str, Any]:
        return {"groupId": place} if isinstance(place, int) else {"userId": place}

    async def send(self, sender: str, to: Place, text: str, extension: dict[str, Any] | None = None) -> None:
        await self.say(sender, to, {"message": text} | ({"metadata": extension} if extension else {}))

    async def say(self, sender: str, to: Place, fields: dict[str, Any]) -> None:
        """Send a message of any kind."""
        target = {"groupId": to} if isinstance(to, int) else {"to": to}
        await self.call("POST", sender, "message/v2/send", json=target | fields)

    async def overview(self, viewer: str, **query: Any) -> Any:
        """A list of one thread, or with no conversation of all; nothing becomes read by it."""
        found = await self.call("GET", viewer, "message/v2/list", params={"skipRead": "true", **query})
        return found["response"]

    async def rows(self, viewer: str, other: Place) -> list[dict[str, Any]]:
        """The viewer's thread, oldest first."""
        return list(reversed((await self.overview(viewer, **self.other(other)))["message"]))

    async def read(self, viewer: str, other: Place) -> list[Seen]:
        rows = [row for row in await self.rows(viewer, other) if row["contentType"] != 10]
        return [
            Seen(viewer if row["type"] == 5 else row["to"], row["message"], row.get("metadata", {})) for row in rows
        ]

    async def listed(self, viewer: str) -> list[Place]:
        rows = (await self.overview(viewer))["message"]
        return [row.get("groupId") or row["to"] for row in rows]

    async def unread(self, viewer: str, other: Place) -> int:
        """What the list shows as unread in the conversation."""
        found = await self.overview(viewer)
        rows = found["groupFeeds"] if isinstance(other, int) else found["userDetails"]
        name = "id" if isinstance(other, int) else "userId"
        return next((int(row["unreadCount"]) for row in rows if row[name] == other), 0)


class Ozeki(_Speaker):
    """As chat clients, with the codec that is our own."""

    def __init__(self, house: House, http: httpx.AsyncClient) -> None:
        super().__init__(house, http)
        self._clients: dict[str, ChatClient] = {}

    async def client(self, user: str) -> ChatClient:
        """The user's station."""
        found = self._clients.get(user)
        if found is None:
            found = self._clients[user] = ChatClient(self.http, await self.token("ozeki", user))
            await found.log_in()
        return found

    def user_id(self, name: str) -> str:
        return ozeki_ids.user_id(name, self.house.application("ozeki").name)

    async def conversation(self, user: str, other: Place) -> dict[str, Any]:
        """Its row in the user's list, hidden or not. A group's that was emptied is in none: then its id, and any instance."""
        client = await self.client(user)
        if isinstance(other, str):
            return await client.conversation(self.user_id(other))
        name = ozeki_ids.group_id(self.house.core.ids(self.house.tenant), other)
        rows = [row for row in await client.conversations() if row["id"] == name]
        return rows[0] if rows else {"id": name, "instance": ""}

    async def send(self, sender: str, to: Place, text: str, extension: dict[str, Any] | None = None) -> None:
        fields = {"sender": self.user_id(sender)} | ({"extension": extension} if extension else {})
        await self.say(sender, to, plain(text, **fields))

    async def say(self, sender: str, to: Place, data: str) -> None:
        """Send whatever stands in `Data`."""
        client = await self.client(sender)
        await client.add(await self.conversation(sender, to), data)
        self.losses = client.losses

    async def data(self, viewer: str, other: Place) -> list[dict[str, Any]]:
        """What stands in `Data` of the conversation's messages, oldest first."""
        client = await self.client(viewer)
        answer = await client.download(await self.conversation(viewer, other))
        self.losses = client.losses
        return [orjson.loads(b64decode(message["Data"])) for message in answer["messages"]]

    async def read(self, viewer: str, other: Place) -> list[Seen]:
        names = {self.user_id(name): name for name in (*USERS, OzekiUser.NAME)}
        found = [row for row in await self.data(viewer, other) if row.get("type") != "event"]
        return [Seen(names[row["sender"]], row["text"], row.get("extension", {})) for row in found]

    async def listed(self, viewer: str) -> list[Place]:
        client, ids = await self.client(viewer), self.house.core.ids(self.house.tenant)
        names = {self.user_id(name): name for name in USERS if name != viewer}
        found: list[Place] = []
        for row in await client.conversations():
            # What clients hide is hidden for as long as nothing has changed since.
            if row["properties"][0]["hideid"] == hide_id(row):
                continue
            group = ozeki_ids.own_number(ids, row["id"])
            found += [group] if group is not None else [names[one] for one in row["participantids"] if one in names]
        return found


def hide_id(row: dict[str, Any]) -> str:
    """What a client calls a conversation, as it is now, that it hides."""
    return f"{row['instance']};{row['lastmessageid']}"


class OzekiUser(_Speaker):
    """The HTTP API user, who is `http_user` to all others."""

    NAME = "http_user"

    async def call(self, action: str, body: Any = None, **query: str) -> Any:
        credentials = self.house.application("ozeki").credentials
        secret = next(each.secret for each in credentials if each.kind == "http_user")
        login = b64encode(f"{self.NAME}:{secret}".encode()).decode()
        method, headers = "GET" if body is None else "POST", {"Authorization": f"Basic {login}"}
        answer = await self.ask(method, "/api", headers, params={"action": action, **query}, json=body)
        return answer["data"]

    async def say(self, to: str, entry: dict[str, Any]) -> None:
        """Send a message of any kind."""
        address = ozeki_ids.full_address(to, self.house.application("ozeki").name)
        (row,) = (await self.call("sendmsg", {"messages": [{"to_address": address, **entry}]}))["messages"]
        assert row["status"] == "SUCCESS", row

    async def folder(self, name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self.call("receivemsg", folder=name))["data"]
        return rows


class Four:
    """The house, and the dialects in it."""

    def __init__(self, house: House, http: httpx.AsyncClient) -> None:
        self.house = house
        self.easemob, self.chat21 = Easemob(house, http), Chat21(house, http)
        self.applozic, self.ozeki = Applozic(house, http), Ozeki(house, http)
        self.ozeki_user = OzekiUser(house, http)
        self.speakers: dict[str, Speaker] = {
            "easemob": self.easemob,
            "chat21": self.chat21,
            "applozic": self.applozic,
            "ozeki": self.ozeki,
        }

    def lost(self) -> list[str]:
        """All losses that any request has reported."""
        return [loss for line in self.house.log.requests for loss in line.get("losses", [])]

    async def group(self, owner: str, *members: str) -> int:
        """The number of a group, made in one of the dialects."""
        body = {"groupname": "g", "public": True, "owner": owner, "members": list(members)}
        return self.easemob.number((await self.easemob.call("POST", "/chatgroups", json=body))["data"]["groupid"])

    async def add_program(self, group: int) -> None:
        """Make the HTTP API user a member: nobody registers it, so no dialect finds it."""
        (key,) = await self.house.core.users.keys(self.house.tenant, [OzekiUser.NAME])
        await self.house.core.groups.add(self.house.tenant, group, [key])


@asynccontextmanager
async def opened(engine_url: str, *, clock: Clock | None = None, strict: bool = False) -> AsyncIterator[Four]:
    """A house of all dialects behind HTTP, its users registered and each other's contacts."""
    adapters = load_adapters({"ozeki": {"codec": "plain"}})
    async with (
        open_house(engine_url, adapters, clock=clock or SystemClock(), strict=strict) as house,
        serve(house.app) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as http,
    ):
        for name in USERS:
            await house.core.users.register(house.tenant, name)
        keys = await house.core.users.keys(house.tenant, (*USERS, OzekiUser.NAME))
        for key in keys:
            # A chat client of Ozeki's writes to those whom it has in its list.
            await house.core.relations.add(house.tenant, key, [other for other in keys if other != key])
        yield Four(house, http)
