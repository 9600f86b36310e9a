"""What a store's servers are, and whether messages are safe there: looked at once at start, and by `doctor`."""

import ssl
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError

from core.errors import Failure
from core.store.address import Address, parse_url
from core.store.keys import PARTITIONS, SCHEMA_VERSION
from core.store.store import Store

OLDEST = (7, 0)
TIMEOUT_SECONDS = 2.0


class StoreUnreachableError(Exception):
    """No server answers now; it may later."""


class StoreRefusedError(Exception):
    """A server answers and can't be used as it is; the text says why."""


class Finding(msgspec.Struct, frozen=True):
    """One line about a store. `unsafe`: acknowledged messages can be lost."""

    topic: str
    text: str
    unsafe: bool = False


async def examine(url: str) -> list[Finding]:
    """Look at every server of the store. Raises `StoreUnreachableError` or `StoreRefusedError`."""
    parsed = parse_url(url)
    addresses = [parsed.address]
    if parsed.cluster:
        addresses = await _masters(parsed.address)
    findings = [finding for address in addresses for finding in await _look(address, parsed.cluster)]
    try:
        store = await Store.open(url)
    except Failure as problem:
        if problem.reason == "schema":
            raise StoreRefusedError(problem.text) from None
        raise StoreUnreachableError(problem.text) from None
    await store.close()
    return [*findings, Finding("schema", f"version {SCHEMA_VERSION}, {PARTITIONS} partitions")]


async def _masters(seed: Address) -> list[Address]:
    ranges: list[Any] = await _ask(seed, "CLUSTER SLOTS")
    # A range is its first slot, its last slot, its primary as [host, port, …], then the replicas.
    addresses = {(primary[0] or seed.host, int(primary[1])) for _, _, primary, *_ in ranges}
    if not addresses:
        raise StoreUnreachableError(f"The cluster of {seed} serves no slots yet")
    return [seed.at(host, port) for host, port in sorted(addresses)]


async def _look(address: Address, cluster: bool) -> list[Finding]:
    info: dict[str, Any] = await _ask(address, "INFO")
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise StoreRefusedError(f"The server at {address} is version {version}: {wanted} or newer is needed")
    if info.get("role") != "master":
        raise StoreRefusedError(f"The server at {address} is a read-only replica: name the primary")
    if bool(info.get("cluster_enabled")) != cluster:
        wanted = (
            "a URL with redis:// (it is no cluster)" if cluster else "a URL with redis+cluster:// (it is a cluster)"
        )
        raise StoreRefusedError(f"The server at {address} needs {wanted}")
    name = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {version}"
    policy = str(info.get("maxmemory_policy", "unknown"))
    evicts = policy not in ("noeviction", "unknown")
    return [
        Finding("server", f"{name} at {address}"),
        await _persistence(address, info),
        Finding("eviction", f"{policy}: a full server drops messages silently" if evicts else policy, evicts),
    ]


async def _persistence(address: Address, info: dict[str, Any]) -> Finding:
    try:
        config: dict[str, str] = await _ask(address, "CONFIG GET", "appendfsync", "save")
    except StoreRefusedError:  # hosted servers keep CONFIG to themselves
        config = {}
    if info.get("aof_enabled"):
        when = {
            "always": "every write is on disk before it is acknowledged",
            "everysec": "on disk within a second",
            "no": "on disk when the system likes",
        }.get(config.get("appendfsync", ""), "how soon on disk is not known")
        return Finding("persistence", f"append-only file, {when}", config.get("appendfsync") == "no")
    if config.get("save", "?") == "":
        return Finding("persistence", "none: a restart of the server loses everything", True)
    return Finding("persistence", "at most snapshots: a crash of the server loses what came after the last one", True)


async def _ask(address: Address, command: str, *arguments: str) -> Any:
    client = Redis(
        host=address.host,
        port=address.port,
        unix_socket_path=address.path,
        db=address.database,
        username=address.username,
        password=address.password,
        ssl=address.encrypted,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    try:
        async with client:
            return await client.execute_command(command, *arguments)  # type: ignore[no-untyped-call]
    except AuthenticationError:
        wanted = "wants a password" if address.password is None else "refuses the password"
        raise StoreRefusedError(f"The server at {address} {wanted}") from None
    except BusyLoadingError:
        raise StoreUnreachableError(f"The server at {address} is still loading its data") from None
    except ResponseError as problem:
        raise StoreRefusedError(f"The server at {address} refuses {command}: {problem}") from None
    except ssl.SSLError as problem:
        raise StoreUnreachableError(f"The server at {address} cannot be trusted: {problem.reason}") from None
    except (RedisError, OSError) as problem:
        raise StoreUnreachableError(f"The server at {address} cannot be reached: {problem}") from None
