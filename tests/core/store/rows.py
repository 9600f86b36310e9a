"""What really lies in a store, key by key."""

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
