"""The file of a backup: a line that says what it is, frames of msgpack behind their lengths, and a digest of it all."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import msgspec

from core.errors import Failure, Kind
from core.model import Tenant
from core.store.keys import PARTITIONS, SCHEMA_VERSION

_TITLE = b"chatgateway backup 1\n"
_LENGTH_BYTES = 4
_LONGEST_FRAME = 1 << 28
_DIGEST_BYTES = 32
_PIECE = 1 << 20
ELEMENTS_AT_ONCE = 1_000
"""About how many elements of a key a frame holds, an even number."""


class Head(msgspec.Struct, frozen=True, array_like=True, tag="head"):
    """The first frame. `tenants` is the highest number that a tenant had."""

    schema: int
    partitions: int
    made: int
    """Epoch ms."""
    tenants: int


class Part(msgspec.Struct, frozen=True, array_like=True, tag="part"):
    """A piece of a key of a partition: its name behind the hash tag, its type as `restore.lua` says, its content. `before` is
    how many elements of a list come before these."""

    partition: int
    name: bytes
    kind: str
    content: tuple[bytes, ...]
    life_ms: int = 0
    before: int = 0


class Registered(msgspec.Struct, frozen=True, array_like=True, tag="tenant"):
    """A tenant, credentials included. They come last: what was restored is served from then on."""

    tenant: Tenant


class End(msgspec.Struct, frozen=True, array_like=True, tag="end"):
    """The last frame: how many there are before it."""

    frames: int


Frame = Head | Part | Registered | End
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Frame).decode


def parts(partition: int, name: bytes, kind: str, content: Sequence[bytes | int], life_ms: int = 0) -> Iterator[Part]:
    """A key in pieces."""
    for start in range(0, len(content), ELEMENTS_AT_ONCE):
        piece = tuple(
            b"%d" % each if isinstance(each, int) else each for each in content[start : start + ELEMENTS_AT_ONCE]
        )
        yield Part(partition, name, kind, piece, life_ms, start if kind == "l" else 0)


class Writer:
    """Writes a backup to an open file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._frames = 0
        self._put(_TITLE)

    def write(self, frame: Frame) -> None:
        """Add a frame."""
        packed = _encode(frame)
        self._put(len(packed).to_bytes(_LENGTH_BYTES, "big") + packed)
        self._frames += 1

    def end(self) -> None:
        """Add the last frame and the digest."""
        self.write(End(self._frames))
        self._file.write(self._digest.digest())

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)


class Reader:
    """Reads a backup from an open file that one can seek in."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def check(self) -> Head:
        """Look at all of it. Raises *bad request* with reason `backup` for anything but a whole backup of this schema."""
        self._file.seek(0)
        if self._file.read(len(_TITLE)) != _TITLE:
            raise _refused("This is no backup of a chat gateway")
        self._check_digest()
        head, count, last = None, 0, None
        for frame in self.frames():
            if count == 0:
                head = frame
            count, last = count + 1, frame
        if not isinstance(head, Head) or last != End(count - 1):
            raise _damaged()
        if (head.schema, head.partitions) != (SCHEMA_VERSION, PARTITIONS):
            raise _refused(
                f"The backup has schema version {head.schema} with {head.partitions} partitions; "
                f"this gateway has {SCHEMA_VERSION} with {PARTITIONS}"
            )
        return head

    def frames(self) -> Iterator[Frame]:
        """All frames."""
        self._file.seek(len(_TITLE))
        while True:
            length = int.from_bytes(self._file.read(_LENGTH_BYTES), "big")
            if length > _LONGEST_FRAME:
                raise _damaged()
            packed = self._file.read(length)
            try:
                frame = _decode(packed)
            except msgspec.MsgspecError:
                raise _damaged() from None
            yield frame
            if isinstance(frame, End):
                return

    def _check_digest(self) -> None:
        left = self._file.seek(0, 2) - _DIGEST_BYTES
        self._file.seek(0)
        digest = hashlib.sha256()
        while left > 0:
            piece = self._file.read(min(_PIECE, left))
            if not piece:
                break
            digest.update(piece)
            left -= len(piece)
        if left or self._file.read() != digest.digest():
            raise _damaged()


def _damaged() -> Failure:
    return _refused("The backup is damaged, or not all of it is there")


def _refused(text: str) -> Failure:
    return Failure(Kind.BAD_REQUEST, text, reason="backup")
