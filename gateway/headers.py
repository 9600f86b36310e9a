"""Request headers as text, decoded only when asked for."""

from collections.abc import Iterator, Mapping
from typing import Any

RawHeaders = list[tuple[bytes, bytes]]


class Headers(Mapping[str, str]):
    """The headers of an ASGI scope. Names are lower case; of repeated headers the first counts."""

    __slots__ = ("raw",)

    def __init__(self, headers: RawHeaders) -> None:
        self.raw: dict[bytes, bytes] = dict(reversed(headers))

    def __getitem__(self, name: str) -> str:
        return _text(self.raw[name.encode()])

    def get(self, name: str, default: Any = None) -> Any:
        # The inherited one raises and catches an exception for every absent header.
        value = self.raw.get(name.encode())
        return default if value is None else _text(value)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.encode() in self.raw

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self.raw)

    def __len__(self) -> int:
        return len(self.raw)


def _text(value: bytes) -> str:
    """Clients put UTF-8 into headers (`Of-User-Id: Jürgen`), though the standard knows Latin-1 only."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
