"""Reading request bodies within limits."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from core.errors import Failure, Kind
from gateway.asgi import Message, Receive
from gateway.headers import Headers
from gateway.limits import Limits

_LINGER_SECONDS = 2.0
_LINGER_BYTES = 64 * 1024 * 1024


class Disconnected(Exception):
    """The client went away before its request was complete: nothing is done and nobody is answered."""


class Body:
    """The body of one request: read once, when first asked for, and kept."""

    __slots__ = (
        "_declared",
        "_limits",
        "_pieces",
        "_receive",
        "_waits_for_leave",
        "complete",
        "content",
        "received_bytes",
        "refused",
    )

    def __init__(self, receive: Receive, headers: Headers, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._pieces: list[bytes] = []
        declared = headers.raw.get(b"content-length", b"")
        self._declared = int(declared) if declared.isdigit() else 0
        self._waits_for_leave = b"expect" in headers.raw
        self.content = b""
        """What was read; empty until it is complete."""
        self.received_bytes = 0
        self.complete = False
        self.refused: Kind | None = None
        """Set when reading was given up; the connection then ends with this request."""

    async def read(self, limit: int) -> bytes:
        """The whole body.

        Raises *too large* as soon as it is known to be over `limit` bytes (or the listener's own limit), *timed out* when
        the client takes too long, `Disconnected` when it went away.
        """
        limit = min(limit, self._limits.body_bytes)
        if not self.complete:
            if self._declared > limit:
                raise self._refuse(Kind.TOO_LARGE, f"The body has more than {limit} bytes")
            await self._read(limit)
        if len(self.content) > limit:
            raise Failure(Kind.TOO_LARGE, f"The body has more than {limit} bytes", reason="body")
        return self.content

    async def feed(self, limit: int, take: Callable[[bytes], Awaitable[None]]) -> None:
        """Hand the body on as it comes, piece by piece, for what is too large to be kept; then nothing is left of it here.

        Raises like `read`, and what `take` raises. It may take longer, up to `upload_seconds`.
        """
        limit = min(limit, self._limits.body_bytes)
        if self.complete:
            await take(await self.read(limit))
            return
        if self._declared > limit:
            raise self._refuse(Kind.TOO_LARGE, f"The body has more than {limit} bytes")
        loop = asyncio.get_running_loop()
        end = loop.time() + self._limits.upload_seconds
        more = True
        while more:
            try:
                async with asyncio.timeout_at(min(end, loop.time() + self._limits.body_idle_seconds)):
                    message = await self._receive()
                    await asyncio.sleep(0)  # or a source that is always ready would not let the timer fire
            except TimeoutError:
                raise self._refuse(Kind.TIMED_OUT, "The body did not arrive in time") from None
            more = self._take(message, limit)
            try:
                await take(self._pieces.pop())
            except Failure as failure:
                self.refused = failure.kind if more else None
                raise
        self.complete = True

    async def _read(self, limit: int) -> None:
        # Most bodies came with their headers and are here already. Those are taken without a timer, which would cost more
        # than all the rest.
        steps = self._receive().__await__()
        try:
            future = next(steps)
        except StopIteration as done:
            if self._take(done.value, limit):
                await self._read_in_time(self._receive(), limit)
        else:
            await self._read_in_time(_Resumed(steps, future), limit)
        self.content = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self.complete = True

    async def _read_in_time(self, receiving: Awaitable[Message], limit: int) -> None:
        loop = asyncio.get_running_loop()
        idle, whole = self._limits.body_idle_seconds, self._limits.body_seconds
        end = loop.time() + whole
        try:
            async with asyncio.timeout(min(idle, whole)) as timer:
                while self._take(await receiving, limit):
                    timer.reschedule(min(end, loop.time() + idle))
                    # A source that is always ready would otherwise never let the timer fire.
                    await asyncio.sleep(0)
                    receiving = self._receive()
        except TimeoutError:
            raise self._refuse(Kind.TIMED_OUT, "The body did not arrive in time") from None

    def _take(self, message: Message, limit: int) -> bool:
        """Keep a piece; says whether more follow."""
        if message["type"] == "http.disconnect":
            raise Disconnected
        piece = message.get("body", b"")
        self.received_bytes += len(piece)
        if self.received_bytes > limit:
            raise self._refuse(Kind.TOO_LARGE, f"The body has more than {limit} bytes")
        self._pieces.append(piece)
        return bool(message.get("more_body", False))

    async def drain(self) -> None:
        """After a body was refused that still comes: take in what still comes, for a moment. A connection that is closed under a
        client that is still sending is reset, and the client then loses the reply that says why."""
        if self.refused in (None, Kind.TIMED_OUT) or self._waits_for_leave:
            return
        left = _LINGER_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while left > 0:
                    message = await self._receive()
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        return
                    left -= len(message.get("body", b""))
                    await asyncio.sleep(0)

    def _refuse(self, kind: Kind, text: str) -> Failure:
        self.refused = kind
        return Failure(kind, text, reason="body")


class _Resumed:
    """The rest of an awaitable whose first step was taken by hand; awaiting it goes on where that step left off."""

    def __init__(self, steps: Generator[Any, Any, Message], waits_for: Any) -> None:
        self._steps = steps
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, Message]:
        waits_for = self._waits_for
        try:
            while True:
                try:
                    value = yield waits_for
                except BaseException as problem:  # noqa: BLE001 handed on, as `await` does it
                    waits_for = self._steps.throw(problem)
                else:
                    waits_for = self._steps.send(value)
        except StopIteration as done:
            result: Message = done.value
            return result
