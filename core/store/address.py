"""Where a store is: what its URL says."""

import ssl
from urllib.parse import unquote, urlsplit

import msgspec

from core.errors import Failure, Kind

_SCHEMES = ("unix", "redis", "rediss", "redis+cluster", "rediss+cluster")


class Address(msgspec.Struct, frozen=True):
    """One server. Either `path` (a Unix socket) or `host` and `port`."""

    path: str | None = None
    host: str = "127.0.0.1"
    port: int = 6379
    username: str | None = None
    password: str | None = None
    database: int = 0
    encrypted: bool = False

    def at(self, host: str, port: int) -> "Address":
        """Another node of the same cluster, with the same credentials."""
        return msgspec.structs.replace(self, host=host, port=port)

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"

    __repr__ = __str__

    def tls(self) -> ssl.SSLContext | None:
        """The TLS settings; none for a plain connection."""
        return ssl.create_default_context() if self.encrypted else None


class StoreUrl(msgspec.Struct, frozen=True):
    """What a store's URL says: the server, or any node of a cluster."""

    address: Address
    cluster: bool


def parse_url(url: str) -> StoreUrl:
    """Reads `unix:///path`, `redis://[user:password@]host[:port][/database]`, `rediss://…` (TLS), and for a cluster
    `redis+cluster://…` or `rediss+cluster://…` with any of its nodes. Raises *bad request* with reason `url`; the text never
    repeats the URL, which may hold a password."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in _SCHEMES or port == 0 or not (parts.path if parts.scheme == "unix" else parts.hostname):
        raise Failure(
            Kind.BAD_REQUEST,
            f"The store's URL must look like {', '.join(f'{scheme}://…' for scheme in _SCHEMES)}",
            reason="url",
        )
    if parts.query or parts.fragment:
        # Other programs take a password there; ignored, it would be shown wherever the URL is.
        raise Failure(
            Kind.BAD_REQUEST,
            "The store's URL has nothing behind ? or #; in a password they are written %3F and %23",
            reason="url",
        )
    if parts.scheme == "unix":
        return StoreUrl(Address(path=unquote(parts.path)), cluster=False)
    cluster = parts.scheme.endswith("+cluster")
    database = parts.path.strip("/")
    if (database and not database.isdigit()) or (cluster and database not in ("", "0")):
        raise Failure(
            Kind.BAD_REQUEST, "The store's URL ends with a database number; a cluster has only 0", reason="url"
        )
    address = Address(
        host=parts.hostname or "127.0.0.1",
        port=port or 6379,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        database=int(database or 0),
        encrypted=parts.scheme.startswith("rediss"),
    )
    return StoreUrl(address, cluster)
