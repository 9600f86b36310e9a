"""The kills of `make kills`, few of them."""

import asyncio
from pathlib import Path

import pytest

from tests.gateway.program import running
from tests.survival.client import Chat, Client
from tests.survival.kills import WAYS, kill_rounds
from tests.survival.messages import Sending

SEED = 3


@pytest.mark.parametrize(
    ("name", "rounds", "messages"), [("worker", 4, 2000), ("durable", 2, 400), ("gateway", 2, 400)]
)
async def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path, name: str, rounds: int, messages: int) -> None:
    outcome = await kill_rounds(WAYS[name], tmp_path, rounds=rounds, acknowledged=messages, seed=SEED)
    assert outcome.found.acknowledged >= messages
    assert outcome.found.lost == []
    assert outcome.found.doubled == []


async def test_reading_back_finds_what_is_lost_and_what_is_doubled(tmp_path: Path) -> None:
    with running(tmp_path, "--dev") as program:
        chat = await Chat.of(program)
        sending, client = Sending(chat, program.url), Client(program.url)
        nothing_to_kill = asyncio.Event()
        nothing_to_kill.set()
        try:
            await sending.send(60, nothing_to_kill)
            assert await sending.read_back(program.data) == (60, [], [])
            first = sending.acknowledged["message-0"]
            sending.acknowledged["never stored"] = first
            left, right = first.conversation[:2]
            again = chat.easemob_text(left, [right], "message-0")
            answer = await client.ask(chat.easemob("POST", "/messages", again, key="another"))
            assert answer.status == 200
            found = await sending.read_back(program.data)
        finally:
            sending.close()
            client.close()
    assert found == (61, ["never stored"], ["message-0"])
