"""A worker is not ready while somebody listens to live events and they are not heard."""

import asyncio
from typing import Any

from core.clock import SystemClock
from core.live import Gap
from core.store.embedded import server_binary
from gateway.asgi import AsgiApplication, Message
from gateway.worker import answering_probes
from tests.core.listening import BOUNDED, next_event
from tests.core.support import new_name, opened
from tests.servers import ServerProcess, free_ports


async def ask(app: AsgiApplication) -> tuple[int, bytes]:
    """Status and body, as on the private socket."""
    sent: list[Any] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    await app({"type": "http", "server": ("/private", None)}, receive, send)
    return sent[0]["status"], sent[1]["body"]


async def until(status: int, app: AsgiApplication) -> bytes:
    async with asyncio.timeout(BOUNDED):
        while (answer := await ask(app))[0] != status:
            pass
        return answer[1]


async def test_readiness_tells_whether_live_events_are_heard() -> None:
    with ServerProcess(server_binary(), port=free_ports(1)[0]) as server, server.client() as client:
        client.execute_command("ACL SETUSER limited on >secret ~* +@all &*")
        async with opened(server.url.replace("//", "//limited:secret@"), SystemClock()) as core:
            app = answering_probes(core)
            tenant = await core.tenants.add(new_name())
            async with core.live.listen(tenant, groups=[1]) as listener:
                assert (await ask(app))[0] == 200
                # The server throws out who listens without being allowed to; commands go on.
                client.execute_command("ACL SETUSER limited resetchannels")
                assert await until(503, app) == b"live events are not heard"
                client.execute_command("ACL SETUSER limited allchannels")
                assert isinstance(await next_event(listener), Gap)
                await until(200, app)
            client.execute_command("ACL SETUSER limited resetchannels")
            # Nobody listens.
            assert (await ask(app))[0] == 200
