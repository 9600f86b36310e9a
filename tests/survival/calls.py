"""The mixture of a soak: what apps, broken apps and strangers ask for, in both dialects, and the answers they must get."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

from tests.bench.load import http_request
from tests.gateway.program import CREDENTIALS
from tests.survival.client import CHAT21_APP, Answer, Chat, Client, LostError, UnexpectedAnswerError, new_chat21_token

WRITER = "writer"
PEERS = tuple(f"peer{number}" for number in range(300))
_MEMBERS = PEERS[:10]
_VISITOR = PEERS[-1]
_BROADCAST = 20
_TEXT = "words enough to be a message of the usual length, " * 3
_new_names = count()


class Caller:
    """One connection's share of the mixture. It changes a group of its own, so that each answer is known beforehand."""

    def __init__(self, chat: Chat, url: str, number: int, seed: int) -> None:
        self.made: Counter[str] = Counter()
        """Calls by what they do."""
        self.stored = 0
        """Messages that were acknowledged."""
        self.unexpected: list[str] = []
        self.chat = chat
        self.chance = random.Random(seed * 1000 + number)  # noqa: S311
        self.easemob_group = ""
        self.chat21_group = f"group-soak-{number}"
        self.visited = False
        self._token = ""
        self._client = Client(url)

    async def prepare(self) -> None:
        """Make the caller's groups and log in."""
        body = {"groupname": "soak", "public": True, "owner": WRITER, "members": _MEMBERS}
        self.easemob_group = (await self.easemob("POST", "/chatgroups", body)).json()["data"]["groupid"]
        members = dict.fromkeys([WRITER, *_MEMBERS], 1)
        body = {"group_name": "soak", "group_members": members, "group_id": self.chat21_group}
        await self.chat21(WRITER, "POST", "/groups", body, status=201)
        await self.log_in()

    async def one(self) -> None:
        """Make a call of the mixture."""
        (kind,) = self.chance.choices(_KINDS, _WEIGHTS)
        self.made[kind.__name__.strip("_").replace("_", " ")] += 1
        try:
            await kind(self)
        except (LostError, UnexpectedAnswerError) as problem:
            self.unexpected.append(f"{kind.__name__}: {problem!r}")

    async def ask(self, request: bytes, status: int = 200) -> Answer:
        """The answer, which must have this status."""
        answer = await self._client.ask(request)
        if answer.status != status:
            raise UnexpectedAnswerError(f"{answer.status} {answer.body[:200]!r} to {request[:300]!r}")
        return answer

    async def easemob(self, method: str, path: str, body: object = None, *, status: int = 200) -> Answer:
        """A call with the token of the latest login."""
        return await self.ask(self.chat.easemob(method, path, body, token=self._token), status)

    async def chat21(self, user: str, method: str, path: str, body: object = None, *, status: int = 200) -> Answer:
        return await self.ask(self.chat.chat21(user, method, path, body), status)

    async def log_in(self) -> None:
        """Fetch a new token of the application's."""
        self._token = (await self.easemob("POST", "/token", CREDENTIALS)).json()["access_token"]

    async def register(self) -> None:
        """A new user with a password, which is hashed in a thread."""
        entry = {"username": f"newcomer{next(_new_names)}", "password": "a password"}
        await self.easemob("POST", "/users", entry)

    async def send_to_all(self, targets: Sequence[str]) -> None:
        """One message of the writer's to many."""
        await self.easemob("POST", "/messages", self.chat.easemob_text(WRITER, targets, _TEXT))
        self.stored += len(targets)

    async def read_with_new_token(self) -> None:
        """A token and a path that were never seen before: a worker remembers both."""
        user = self.peer()
        path = f"/api/{CHAT21_APP}/{user}/conversations/nobody{next(_new_names)}"
        await self.ask(http_request("GET", path, {"Authorization": new_chat21_token(user)}))

    def peer(self) -> str:
        """Anybody of those that the writer writes with."""
        return self.chance.choice(PEERS)

    async def cut_off(self, beginning: bytes) -> None:
        """Send the beginning of a request, or all of it, and go without waiting for an answer."""
        try:
            _, writer = await self._client.connected()
            writer.write(beginning)
            await asyncio.sleep(0)
        except OSError as problem:
            raise LostError from problem
        finally:
            self._client.close()

    def close(self) -> None:
        """End the connection."""
        self._client.close()


async def _send(caller: Caller) -> None:
    await caller.send_to_all([caller.peer()])


async def _send_to_group(caller: Caller) -> None:
    body = caller.chat.easemob_text(WRITER, [caller.easemob_group], _TEXT, group=True)
    await caller.easemob("POST", "/messages", body)
    caller.stored += 1


async def _broadcast(caller: Caller) -> None:
    await caller.send_to_all(caller.chance.sample(PEERS, _BROADCAST))


async def _answer(caller: Caller) -> None:
    peer = caller.peer()
    await caller.chat21(peer, "POST", "/messages", caller.chat.chat21_text(peer, WRITER, _TEXT))
    caller.stored += 1


async def _answer_in_group(caller: Caller) -> None:
    body = caller.chat.chat21_text(WRITER, caller.chat21_group, _TEXT, group=True)
    await caller.chat21(caller.chance.choice(_MEMBERS), "POST", "/messages", body)
    caller.stored += 1


async def _history(caller: Caller) -> None:
    await caller.ask(caller.chat.history(caller.peer(), WRITER))


async def _history_of_group(caller: Caller) -> None:
    await caller.ask(caller.chat.history(caller.chance.choice(_MEMBERS), caller.chat21_group))


async def _list(caller: Caller) -> None:
    peer = caller.peer()
    await caller.chat21(peer, "GET", f"/{peer}/conversations")


async def _detail(caller: Caller) -> None:
    peer = caller.peer()
    await caller.chat21(peer, "GET", f"/{peer}/conversations/{WRITER}")


async def _user(caller: Caller) -> None:
    await caller.easemob("GET", f"/users/{caller.peer()}")


async def _create_group(caller: Caller) -> None:
    body = {"groupname": "soak", "public": True, "owner": WRITER, "members": _MEMBERS}
    await caller.easemob("POST", "/chatgroups", body)


async def _change_group(caller: Caller) -> None:
    path = f"/groups/{caller.chat21_group}/members"
    if caller.visited:
        await caller.chat21(WRITER, "DELETE", f"{path}/{_VISITOR}")
    else:
        await caller.chat21(WRITER, "POST", path, {"member_id": _VISITOR})
    caller.visited = not caller.visited


async def _bad_token(caller: Caller) -> None:
    token = f"no token {caller.chance.random()}"
    await caller.ask(caller.chat.easemob("GET", f"/users/{caller.peer()}", token=token), 401)


async def _forged_token(caller: Caller) -> None:
    user = caller.peer()
    forged = new_chat21_token(user)[:-8] + "forgery_"
    path = f"/api/{CHAT21_APP}/{user}/conversations"
    await caller.ask(http_request("GET", path, {"Authorization": forged}), 403)


async def _malformed(caller: Caller) -> None:
    await caller.ask(caller.chat.easemob("POST", "/messages", {"from": WRITER}).replace(b'{"', b"{]"), 400)


async def _wrong_types(caller: Caller) -> None:
    body = {"sender_fullname": {}, "recipient_id": [1], "recipient_fullname": 7, "text": None}
    await caller.chat21(caller.peer(), "POST", "/messages", body, status=405)


async def _too_large(caller: Caller) -> None:
    body = caller.chat.easemob_text(WRITER, [caller.peer()], _TEXT * 40)
    await caller.easemob("POST", "/messages", body, status=413)


async def _unknown_path(caller: Caller) -> None:
    await caller.easemob("GET", f"/nothing/{next(_new_names)}", status=404)


async def _cut_off_request(caller: Caller) -> None:
    request = caller.chat.easemob("POST", "/messages", caller.chat.easemob_text(WRITER, [caller.peer()], _TEXT))
    await caller.cut_off(request[: caller.chance.choice((0, 30, len(request) - 30, len(request)))])


async def _cut_off_answer(caller: Caller) -> None:
    await caller.cut_off(caller.chat.history(caller.peer(), WRITER))


_MIXTURE: dict[Callable[[Caller], Awaitable[None]], float] = {
    _send: 20,
    _send_to_group: 6,
    _broadcast: 2,
    _answer: 15,
    _answer_in_group: 5,
    _history: 12,
    _history_of_group: 4,
    _list: 6,
    _detail: 4,
    _user: 4,
    Caller.log_in: 2,
    Caller.read_with_new_token: 2,
    Caller.register: 0.2,
    _create_group: 0.5,
    _change_group: 3,
    _bad_token: 2,
    _forged_token: 2,
    _malformed: 2,
    _wrong_types: 2,
    _too_large: 1,
    _unknown_path: 2,
    _cut_off_request: 2,
    _cut_off_answer: 1,
}
_KINDS, _WEIGHTS = list(_MIXTURE), list(_MIXTURE.values())
