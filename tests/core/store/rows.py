"""What really lies in a store, key by key."""

import re

from redis import Redis

from tests.servers import Engine, ServerProcess


def everything(servers: tuple[ServerProcess, ...], pattern: str = "*") -> dict[bytes, bytes]:
    """Every key with its serialised value."""
    found: dict[bytes, bytes] = {}
    for server in servers:
        with Redis.from_url(server.url) as client:
            for key in client.scan_iter(match=pattern, count=1000):
                value = client.dump(key)
                assert isinstance(value, bytes)
                found[key] = value
    return found


def of_tenant(engine: Engine, number: int) -> dict[bytes, bytes]:
    """Every key of a tenant with its serialised value."""
    return everything(engine.servers, f"cg{{*}}{number}") | everything(engine.servers, f"cg{{*}}{number}:*")


def values_of_tenant(engine: Engine, number: int) -> dict[bytes, str]:
    """Every key of a tenant with what it holds, as a text to search in."""
    found: dict[bytes, str] = {}
    for server in engine.servers:
        with Redis.from_url(server.url) as client:
            for key in client.scan_iter(match=f"cg{{*}}{number}:*", count=1000):
                found[key] = repr(_value(client, key))
    return found


def stands_in(number: int, value: str) -> bool:
    """Whether a number stands in such a text by itself: its digits within longer ones, as of an id, are chance."""
    return re.search(rf"(?<!\d){number}(?!\d)", value) is not None


def _value(client: "Redis", key: bytes) -> object:
    match client.type(key):
        case b"hash":
            return sorted(client.hgetall(key).items())
        case b"zset":
            return client.zrange(key, 0, -1, withscores=True)
        case b"set":
            return sorted(client.smembers(key))
        case b"list":
            return client.lrange(key, 0, -1)
        case _:
            return client.get(key)
