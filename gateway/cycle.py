"""uvicorn's request and response, with the reply written in one go.

uvicorn writes head and body apart and searches each header twice for what must not be there, which costs more than routing
a request does.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gateway.asgi import WHOLE

_COPIED_BYTES = 8192
"""A body up to this size is put behind its head; to copy a longer one costs more than to write two pieces at once."""


class GatewayCycle(RequestResponseCycle):
    """Holds the head of a reply back until its body is there. A reply of several pieces goes uvicorn's way."""

    _head: Any = None

    def start(self, app: Any, tasks: set[Any]) -> None:
        """Have the application answer, by a task that is one of `tasks` until it is done."""
        tasks.add(asyncio.get_running_loop().create_task(self._run(app, tasks)))

    async def _run(self, app: Any, tasks: set[Any]) -> None:
        # A callback of the task would do the same, and cost more.
        try:
            await self.run_asgi(app)
        finally:
            tasks.discard(asyncio.current_task())

    async def send(self, message: Any) -> None:
        """The ASGI callable. It also takes a whole reply in one message of the type `WHOLE`."""
        if message["type"] == WHOLE:
            await self._wait_until_taken()
            self._send_whole(message["status"], message["headers"], message["body"])
            return
        if message["type"] == "http.response.start" and not self.response_started:
            self._head = message  # in the place of one that was never sent, since its application failed
            return
        head, self._head = self._head, None
        if head is None:
            await super().send(message)
        elif message.get("more_body", False):
            await super().send(head)
            await super().send(message)
        else:
            await self._wait_until_taken()
            self._send_whole(head["status"], head["headers"], message.get("body", b""))

    async def receive(self) -> Any:
        """The ASGI callable. A body that is here whole is handed over without waiting."""
        if (
            self.more_body
            or self.disconnected
            or self.response_complete
            or self.waiting_for_100_continue
            or not self.message_event.is_set()
        ):
            return await super().receive()
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": False}

    async def _wait_until_taken(self) -> None:
        """Until the client has taken enough of earlier replies."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()

    def _send_whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        if self.disconnected:
            return
        lines = [STATUS_LINE[status]]
        breaks = 2
        says_close = says_length = False
        for name, value in (*self.default_headers, *headers):
            lines += (name, b": ", value, b"\r\n")
            breaks += 1
            if name == b"content-length":
                says_length = True
            elif name == b"connection" and value == b"close":
                says_close = True
        if says_close:
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close\r\n")
            breaks += 1
        if not says_length and status not in (204, 304):
            lines.append(b"content-length: %d\r\n" % len(body))
            breaks += 1
        lines.append(b"\r\n")
        head = b"".join(lines)
        # As many line breaks as lines: nothing that came from outside makes a header of its own.
        if not head.count(b"\n") == head.count(b"\r") == breaks:
            raise RuntimeError("a header holds a line break")
        self.waiting_for_100_continue = False
        self.response_started = True
        self.response_complete = True
        if len(body) > _COPIED_BYTES:
            self.transport.writelines((head, body))
        else:
            self.transport.write(head + body)
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
