"""What the user's document of a download tells, as far as a test can repeat it."""

from typing import Any

from tests.adapters.ozeki.chat_client import ChatClient
from tests.harness import House

MESSAGES = [
    {
        "ID": "dbe07fce-f6c7-43bb-8860-1dac3ed0cf77",
        "Type": "Message",
        "Created": "2024-03-08 15:37:00",
        "ValidUntil": "2024-03-08 15:38:00",
        "Data": "uwR...A==",
    },
    {
        "ID": "470fa27b-7ecb-4cde-9b49-173c0fca14cb",
        "Type": "Message",
        "Created": "2024-03-11 07:23:46",
        "ValidUntil": "2024-03-18 07:23:46",
        "Data": "RrO...PQ=",
    },
    {
        "ID": "7849ae79-efc2-4254-a207-7148e70fbc93",
        "Type": "Message",
        "Created": "2024-03-11 07:29:55",
        "ValidUntil": "2024-03-18 07:23:46",
        "Data": "3/3...6g=",
    },
    {
        "ID": "54214d78-e695-4681-b659-dcb734a72ead",
        "Type": "Message",
        "Created": "2024-03-11 07:30:05",
        "ValidUntil": "2024-03-18 07:23:46",
        "Data": "IGM...Uh2",
    },
]
TIMES = [1709912220, 1710141826, 1710142195, 1710142205]
"""When they were made, seconds."""


def at(house: House, second: int) -> None:
    house.manual_clock.move(second * 1000 - house.clock.now())


async def send(client: ChatClient, conversation: dict[str, Any], number: int) -> None:
    message = MESSAGES[number]
    await client.add(conversation, message["Data"], **{name: message[name] for name in message if name != "Data"})


async def report(client: ChatClient, conversation: dict[str, Any], action: str, *numbers: int) -> None:
    here = {"conversationid": conversation["id"], "instance": conversation["instance"]}
    dates = {"firstmessagedate": MESSAGES[numbers[0]]["Created"], "lastmessagedate": MESSAGES[numbers[-1]]["Created"]}
    ids = [MESSAGES[number]["ID"] for number in numbers]
    assert await client.ask("reports", action, **here, **dates, messageids=ids) == {}


async def happened(house: House, alice: ChatClient, bob: ChatClient, conversation: dict[str, Any]) -> None:
    """What came before the document was written: `bob` is its Administrator."""
    at(house, TIMES[0])
    await send(bob, conversation, 0)
    at(house, TIMES[0] + 2)
    await report(alice, conversation, "delivered", 0)
    at(house, TIMES[1])
    await send(alice, conversation, 1)
    await report(bob, conversation, "viewed", 1)
    at(house, TIMES[2])
    await send(bob, conversation, 2)
    at(house, TIMES[3])
    await send(alice, conversation, 3)
    await report(bob, conversation, "viewed", 3)


def reports(alice: ChatClient, bob: ChatClient) -> list[dict[str, Any]]:
    rows = [
        ("delivered", "2024-03-08 15:37:02", "2024-03-08 15:38:00", alice, 0),
        ("viewed", "2024-03-11 07:23:46", "2024-03-18 07:23:46", bob, 1),
        ("viewed", "2024-03-11 07:30:05", "2024-03-18 07:23:46", bob, 3),
    ]
    return [
        {
            "ID": str,
            "Type": what,
            "Created": created,
            "ValidUntil": until,
            "User": client.user,
            "Station": client.station,
            "MessageID": MESSAGES[number]["ID"],
        }
        for what, created, until, client, number in rows
    ]
