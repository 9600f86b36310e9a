"""The vendor's Python client `ozekilibsrest`, unmodified, as an HTTP API user: each check with what the client returned, or with what
others read of it. `make test` runs them, too."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from ozekilibsrest import Configuration, Folder, Message, MessageApi

from tests.conformance.demo import token
from tests.gateway.program import WAIT_SECONDS, until

PASSWORD = "demo-http-password"
WORDS = "Hello, Ünïcödé 😀 世界\nsecond line & <more>"


@dataclass(frozen=True)
class Gateway:
    """Where it is served."""

    url: str

    def api(self, user: str = "http_user", password: str = PASSWORD) -> Any:
        """The client, whose address is all that tells it where it is."""
        return MessageApi(Configuration(user, password, self.url + "/api"))

    def write(self, text: str) -> None:
        """Olga, who uses another dialect, writes to the program."""
        body = {"sender_fullname": "Olga", "recipient_id": "http_user", "recipient_fullname": "Program", "text": text}
        httpx.post(
            f"{self.url}/api/tilechat/messages",
            json=body,
            headers={"Authorization": token("olga")},
            timeout=WAIT_SECONDS,
        ).raise_for_status()

    def read(self, user: str) -> list[dict[str, Any]]:
        """What a user of another dialect has of the program, newest first."""
        found = httpx.get(
            f"{self.url}/api/tilechat/{user}/conversations/http_user/messages",
            headers={"Authorization": token(user)},
            timeout=WAIT_SECONDS,
        )
        messages: list[dict[str, Any]] = found.raise_for_status().json()["result"]
        return messages


def same(found: object, expected: object) -> None:
    """Or the check has failed."""
    assert found == expected, f"{found!r} instead of {expected!r}"


def texts(messages: list[Any]) -> list[str]:
    return [message.text for message in messages]


def whole_seconds(time: datetime) -> datetime:
    """As dates are written."""
    return time.replace(microsecond=0)


def now() -> datetime:
    """As the gateway has it, unless it is told another zone; the client writes the local time of its machine."""
    return datetime.now(UTC).replace(tzinfo=None)


def send_one(gateway: Gateway) -> None:
    message = Message(to_address="olga@localhost@%", text=WORDS)
    message.add_tag("colour", "red")
    result = gateway.api().send(message)
    same((result.status, result.response_message), ("Success", ""))
    echoed = result.message
    same((echoed.message_id, echoed.text), (str(message.message_id), WORDS))
    same((echoed.to_address, echoed.to_station, echoed.from_station), ("olga@localhost@%", "%", "%"))
    same(echoed.tags, [{"name": "colour", "value": "red"}])
    same(
        (echoed.create_date, echoed.valid_until, echoed.time_to_send),
        tuple(whole_seconds(each) for each in (message.create_date, message.valid_until, message.time_to_send)),
    )
    same((echoed.is_submit_report_requested, echoed.is_view_report_requested), (True, True))
    newest = gateway.read("olga")[0]
    same((newest["text"], newest["sender"], newest["recipient"]), (WORDS, "http_user", "olga"))


def send_many(gateway: Gateway) -> None:
    results = gateway.api().send(
        [Message(to_address="olga", text="one"), Message(text="whom?"), Message(to_address="otto", text="two")]
    )
    same((results.total_count, results.success_count, results.failed_count), (3, 2, 1))
    same([result.status for result in results.results], ["Success", "Failed", "Success"])
    same(results.results[1].response_message, "No recipient: to_address is missing")
    same(texts([result.message for result in results.results]), ["one", "whom?", "two"])
    same((gateway.read("olga")[0]["text"], gateway.read("otto")[0]["text"]), ("one", "two"))


def send_twice(gateway: Gateway) -> None:
    message = Message(to_address="oscar", text="once")
    same([gateway.api().send(message).status for _ in range(2)], ["Success", "Success"])
    same([found["text"] for found in gateway.read("oscar")], ["once"])


def schedule(gateway: Gateway) -> None:
    later, api = now() + timedelta(hours=1), gateway.api()
    message = Message(to_address="oona", text="later", create_date=now(), time_to_send=later)
    same(api.send(message).message.time_to_send, whole_seconds(later))
    same(gateway.read("oona"), [])
    # The client puts an id into JSON as it is, and makes UUIDs, which JSON has not.
    waiting = Message(message_id=str(message.message_id))
    same(api.mark(Folder.Outbox, waiting), True)
    same(api.delete(Folder.Outbox, waiting), True)
    same(api.delete(Folder.Outbox, waiting), False)


def send_at_a_time(gateway: Gateway) -> None:
    soon = now() + timedelta(seconds=2)
    message = Message(to_address="orla", text="at its time", create_date=now(), time_to_send=soon)
    same(gateway.api().send(message).status, "Success")
    [arrived] = until(lambda: gateway.read("orla"))
    same(arrived["text"], "at its time")
    due = int(whole_seconds(soon).replace(tzinfo=UTC).timestamp() * 1_000)
    assert arrived["timestamp"] >= due, f"{due - arrived['timestamp']} ms too early"


def wrong_password(gateway: Gateway) -> None:
    wrong = gateway.api(password="no")
    results = wrong.send(Message(to_address="osman", text="no"))
    same((results.total_count, results.results), (0, []))
    same(wrong.download_incoming().messages, [])
    same(wrong.mark(Folder.Inbox, Message(message_id="any")).total_count, 0)
    same(gateway.read("osman"), [])


def download_incoming(gateway: Gateway) -> None:
    gateway.write(WORDS)
    gateway.write("two")
    api = gateway.api("http_user@localhost")
    first, second = api.download_incoming().messages
    same((first.text, first.from_address, first.to_address), (WORDS, "olga@localhost", "http_user@localhost"))
    same((second.text, second.tags), ("two", [{"name": "Type", "value": "SMS:TEXT"}]))
    assert abs(now() - second.create_date) < timedelta(minutes=5), f"written at {second.create_date}"
    # It has deleted them; and of an empty inbox it deletes nothing.
    same(api.download_incoming().messages, [])
    same(api.download_incoming().messages, [])
    same([found["text"] for found in gateway.read("olga")[:2]], ["two", WORDS])


def mark_incoming(gateway: Gateway) -> None:
    gateway.write("three")
    api = gateway.api()
    # The client's only way to read an inbox deletes from it, too.
    found = httpx.get(
        f"{gateway.url}/api?action=receivemsg&folder=inbox", auth=("http_user", PASSWORD), timeout=WAIT_SECONDS
    )
    [waiting] = found.json()["data"]["data"]
    same(api.mark(Folder.Inbox, Message(message_id=waiting["message_id"])), True)
    same(texts(api.download_incoming().messages), ["three"])


def unknown_ids(gateway: Gateway) -> None:
    api, message = gateway.api(), Message(message_id="nobody's")
    same(api.mark(Folder.Inbox, message), False)
    same([api.delete(folder, message) for folder in Folder], [False] * len(Folder))


def delete_sent(gateway: Gateway) -> None:
    api, message = gateway.api(), Message(message_id="sent-1", to_address="olga", text="to be deleted")
    same(api.send(message).status, "Success")
    same(api.delete(Folder.Sent, message), True)
    same(api.delete(Folder.Sent, message), False)


Check = Callable[[Gateway], None]
CHECKS: dict[str, Check] = {
    "send, one message": send_one,
    "send, several messages": send_many,
    "send, twice the same": send_twice,
    "send for later, mark and delete in the outbox": schedule,
    "send at a time": send_at_a_time,
    "send, download_incoming, mark, wrong password": wrong_password,
    "download_incoming, which deletes": download_incoming,
    "mark, an incoming message": mark_incoming,
    "mark and delete, unknown ids": unknown_ids,
    "delete, in the folder sent": delete_sent,
}
