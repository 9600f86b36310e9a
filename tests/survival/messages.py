"""The messages that are sent while processes are killed: each has a text and a key of its own, and is sent again until it
is acknowledged. At the end all of them are read back."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from core.core import Core
from core.notices import SYSTEM
from tests.survival.client import Answer, Chat, Client, LostError, UnexpectedAnswerError, open_store

CONNECTIONS = 16
MESSAGES_EACH = 150
"""Messages of a conversation: fewer than one read of its history answers."""
AT_ONCE = 8
"""Conversations that are written to at the same time."""
GROUP_EVERY = 4
"""One in so many conversations is a group."""
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.25
GIVE_UP_SECONDS = 120.0
_READ_AT_ONCE = 200

Row = TypeVar("Row")


class Conversation(NamedTuple):
    """Two users write to each other, the left one in Easemob, the right one in Chat21."""

    left: str
    right: str
    easemob_group: str = ""
    """Empty: they write to each other directly."""
    chat21_group: str = ""


class Acknowledged(NamedTuple):
    """What the gateway said of a message: its id, as a UUID; and when (monotonic seconds)."""

    conversation: Conversation
    id: str
    at: float


@dataclass(slots=True)
class Repeated:
    """Requests that were sent again, because no answer came or it was a retryable error."""

    lost: int = 0
    refused: int = 0

    def __str__(self) -> str:
        return f"{self.lost + self.refused:,} ({self.lost:,} cut off, {self.refused:,} answered 503)"


class Found(NamedTuple):
    """What became of the acknowledged messages: texts."""

    acknowledged: int
    lost: list[str]
    doubled: list[str]


class Sending:
    """Clients that send round after round, to users and, with `groups`, to groups."""

    def __init__(self, chat: Chat, url: str, *, groups: bool = True) -> None:
        self.acknowledged: dict[str, Acknowledged] = {}
        self.repeated = Repeated()
        self.longest_seconds = 0.0
        """The longest that a message took from its first attempt to its acknowledgement."""
        self._chat = chat
        self._url = url
        self._groups = groups
        self._clients = [Client(url) for _ in range(CONNECTIONS)]
        self._blocks: dict[int, asyncio.Task[list[Conversation]]] = {}
        self._next = 0
        self._end = 0
        self._awaited = 0
        self._reached = asyncio.Event()

    async def send(self, count: int, killed: asyncio.Event) -> None:
        """Send so many messages, and on until something was killed; returns when each of them is acknowledged."""
        self._end += count
        async with asyncio.TaskGroup() as group:
            for client in self._clients:
                group.create_task(self._send_with(client, killed))
        self._end = self._next

    async def until_acknowledged(self, count: int) -> None:
        """Until so many messages are acknowledged in all."""
        if len(self.acknowledged) < count:
            self._awaited = count
            self._reached.clear()
            await self._reached.wait()

    def close(self) -> None:
        """End the connections."""
        for client in self._clients:
            client.close()

    async def _send_with(self, client: Client, killed: asyncio.Event) -> None:
        while self._next < self._end or not killed.is_set():
            number = self._next
            self._next += 1
            began = time.monotonic()
            text = f"message-{number}"
            block, place = divmod(number, AT_ONCE * MESSAGES_EACH)
            turn, lane = divmod(place, AT_ONCE)
            conversation = (await self._conversations(block))[lane]
            in_easemob = turn % 2 == 0
            request = self._request(conversation, text, in_easemob)
            answer = (await self._until_answered(client, request)).json()
            made = self._chat.ids.uuid(int(*answer["data"].values())) if in_easemob else answer["message_id"]
            now = time.monotonic()
            self.acknowledged[text] = Acknowledged(conversation, made, now)
            self.longest_seconds = max(self.longest_seconds, now - began)
            if len(self.acknowledged) >= self._awaited:
                self._reached.set()

    async def _conversations(self, block: int) -> list[Conversation]:
        """The conversations that are written to at the same time, made when the first message of theirs is sent: users and
        groups, too, come into being while processes are killed."""
        if block not in self._blocks:
            self._blocks[block] = asyncio.create_task(self._make(block))
        return await asyncio.shield(self._blocks[block])

    async def _make(self, block: int) -> list[Conversation]:
        client = Client(self._url)
        try:
            numbers = range(block * AT_ONCE, (block + 1) * AT_ONCE)
            pairs = [(f"left{number}", f"right{number}") for number in numbers]
            entries = [{"username": name} for pair in pairs for name in pair]
            await self._until_answered(client, self._chat.easemob("POST", "/users", entries, key=f"users-{block}"))
            made = []
            for number, (left, right) in zip(numbers, pairs, strict=True):
                group = ""
                if self._groups and number % GROUP_EVERY == GROUP_EVERY - 1:
                    body = {"groupname": f"group {number}", "public": True, "owner": left, "members": [right]}
                    request = self._chat.easemob("POST", "/chatgroups", body, key=f"group-{number}")
                    group = (await self._until_answered(client, request)).json()["data"]["groupid"]
                made.append(Conversation(left, right, group, self._chat.chat21_group(group) if group else ""))
            return made
        finally:
            client.close()

    def _request(self, conversation: Conversation, text: str, in_easemob: bool) -> bytes:
        left, right, easemob_group, chat21_group = conversation
        grouped = bool(easemob_group)
        if in_easemob:
            body = self._chat.easemob_text(left, [easemob_group or right], text, group=grouped)
            return self._chat.easemob("POST", "/messages?useMsgId=true", body, key=text)
        body = self._chat.chat21_text(right, chat21_group or left, text, group=grouped)
        return self._chat.chat21(right, "POST", "/messages", body, key=text)

    async def _until_answered(self, client: Client, request: bytes) -> Answer:
        pause = FIRST_PAUSE_SECONDS
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while True:
                try:
                    answer = await client.ask(request)
                    if answer.status == 200:
                        return answer
                    if answer.status != 503:
                        raise UnexpectedAnswerError(f"{answer} to {request!r}")
                    self.repeated.refused += 1
                except LostError:
                    self.repeated.lost += 1
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def read_back(self, data: str) -> Found:
        """Look for every acknowledged message: in both its users' histories through Chat21, and by its id in the store of
        the gateway on the folder `data`. Lost is what is missing in one of these places, doubled what is there twice or
        more, or was never sent."""
        lost, doubled = set(await self._lost_ids(data)), set[str]()
        texts: dict[Conversation, list[str]] = {}
        for text, (conversation, *_) in self.acknowledged.items():
            texts.setdefault(conversation, []).append(text)
        for conversation, expected in texts.items():
            left, right, _, group = conversation
            for reader, other in ((left, group or right), (right, group or left)):
                answer = await self._until_answered(self._clients[0], self._chat.history(reader, other))
                # What the group says of itself is nobody's message.
                rows = [row for row in answer.json()["result"] if row["sender"] != SYSTEM]
                times = Counter(row["text"] for row in rows)
                ids = {(row["text"], row["message_id"]) for row in rows}
                lost.update(text for text in expected if (text, self.acknowledged[text].id) not in ids)
                doubled.update(text for text in times if times[text] > 1 or text not in self.acknowledged)
        return Found(len(self.acknowledged), sorted(lost), sorted(doubled))

    async def _lost_ids(self, data: str) -> list[str]:
        """The texts that are not what the store has under the id that was acknowledged."""
        store = await open_store(data)
        lost = []
        try:
            core = Core(store)
            for part in in_parts(list(self.acknowledged.items()), _READ_AT_ONCE):
                numbers = [self._chat.ids.from_uuid(row.id) or 0 for _, row in part]
                found = await asyncio.gather(*(core.messages.get(self._chat.tenant, number) for number in numbers))
                contents = [getattr(stored.message.content, "text", "") if stored else "" for stored in found]
                lost += [text for (text, _), content in zip(part, contents, strict=True) if text != content]
        finally:
            await store.close()
        return lost


def in_parts(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """The rows, `size` at a time."""
    return (rows[start : start + size] for start in range(0, len(rows), size))
