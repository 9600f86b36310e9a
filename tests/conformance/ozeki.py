"""The vendor's Python client `ozekilibsrest` as an HTTP API user. Run by a Python that has it, with `GATEWAY_URL` and `RESULTS`:
each check is a line of that file, as the other scripts of this folder write them."""

import json
import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import requests
from ozekilibsrest import Configuration, Folder, Message, MessageApi  # type: ignore[import-not-found]

URL = os.environ["GATEWAY_URL"]
ADDRESS = URL + "/api"
RESULTS = Path(os.environ["RESULTS"])
WORDS = "Hello, Ünïcödé 😀\nsecond line"

api = MessageApi(Configuration("http_user", "demo-http-password", ADDRESS))
wrong = MessageApi(Configuration("http_user", "no", ADDRESS + "?action=sendmsg"))


def check(call: str, run: Callable[[], None]) -> None:
    """Run one check; a failed assertion is its result and does not end the script."""
    differs = ""
    try:
        run()
    except Exception as problem:  # noqa: BLE001  # whatever the client raises is what is to be seen
        differs = f"{type(problem).__name__}: {problem}"
    with RESULTS.open("a") as file:
        file.write(json.dumps({"call": call, "differs": differs}) + "\n")


def same(found: object, expected: object) -> None:
    assert found == expected, f"{found!r} instead of {expected!r}"


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


def send_one() -> None:
    message = Message(to_address="ann@localhost@%", text=WORDS)
    message.add_tag("colour", "red")
    result = api.send(message)
    same((result.status, result.response_message), ("Success", ""))
    same((result.message.message_id, result.message.text), (str(message.message_id), WORDS))
    same((result.message.to_address, result.message.to_station), ("ann@localhost@%", "%"))
    same(result.message.tags, [{"name": "colour", "value": "red"}])
    same(result.message.create_date, message.create_date.replace(microsecond=0))
    same(result.message.is_view_report_requested, True)


def send_many() -> None:
    results = api.send(
        [Message(to_address="ann", text="one"), Message(text="whom?"), Message(to_address="bob", text="2")]
    )
    same((results.total_count, results.success_count, results.failed_count), (3, 2, 1))
    same([result.status for result in results.results], ["Success", "Failed", "Success"])
    same(results.results[1].response_message, "No recipient: to_address is missing")


def wrong_password() -> None:
    results = wrong.send(Message(to_address="ann", text="no"))
    same((results.total_count, results.results), (0, []))
    same(wrong.download_incoming().messages, [])


def write(text: str) -> None:
    """A message to the program, by a user of another dialect."""
    body = {"sender_fullname": "Ann", "recipient_id": "http_user", "recipient_fullname": "Program", "text": text}
    reply = requests.post(  # noqa: S113
        f"{URL}/api/tilechat/messages", json=body, headers={"Authorization": os.environ["ANN_TOKEN"]}
    )
    same(reply.status_code, 200)


def receive_and_delete() -> None:
    write(WORDS)
    write("two")
    by_address = MessageApi(Configuration("http_user@localhost", "demo-http-password", ADDRESS))
    first, second = by_address.download_incoming().messages
    same((first.text, first.from_address, first.to_address), (WORDS, "ann@localhost", "http_user@localhost"))
    same((second.text, second.tags), ("two", [{"name": "Type", "value": "SMS:TEXT"}]))
    same(by_address.download_incoming().messages, [])


def mark_incoming() -> None:
    write("three")
    found = requests.get(  # noqa: S113
        f"{ADDRESS}?action=receivemsg&folder=inbox", auth=("http_user", "demo-http-password")
    ).json()
    message = Message(message_id=found["data"]["data"][0]["message_id"])
    same(api.mark(Folder.Inbox, message), True)
    same(texts(api.download_incoming().messages), ["three"])


def mark() -> None:
    results = api.mark(Folder.Inbox, Message(message_id="nobody's", text=""))
    same(results, False)
    same(api.delete(Folder.Sent, Message(message_id="nobody's", text="")), False)


def delete_sent() -> None:
    message = Message(message_id="sent-1", to_address="ann", text="to be deleted")
    same(api.send(message).status, "Success")
    same(api.delete(Folder.Sent, message), True)
    same(api.delete(Folder.Sent, message), False)


def schedule() -> None:
    # By the gateway's clock, which has UTC; the client writes the local time of its machine.
    later = datetime.utcnow() + timedelta(hours=1)  # noqa: DTZ003
    message = Message(
        message_id="later-1", to_address="ann", text="later", time_to_send=later, create_date=later - timedelta(hours=1)
    )
    same(api.send(message).message.time_to_send, later.replace(microsecond=0))
    same(api.mark(Folder.Outbox, message), True)
    same(api.delete(Folder.Outbox, message), True)
    same(api.delete(Folder.Outbox, message), False)


CHECKS: dict[str, Callable[[], None]] = {
    "send, one message": send_one,
    "send, several messages": send_many,
    "send and download_incoming, wrong password": wrong_password,
    "download_incoming, which deletes": receive_and_delete,
    "mark, an incoming message": mark_incoming,
    "mark and delete, unknown ids": mark,
    "delete, in the folder sent": delete_sent,
    "send at a time, mark and delete in the outbox": schedule,
}

if __name__ == "__main__":
    for call, run in CHECKS.items():
        check(call, run)
    sys.exit(0)
