"""What the workers do by themselves."""

import asyncio
from pathlib import Path

from core.clock import SystemClock
from core.core import Core
from core.messages import Query
from core.model import Message, Text
from core.store.data_folder import DataFolder
from core.store.store import Store
from tests.gateway.program import WAIT_SECONDS, running

COUNT = 100


async def test_workers_send_what_is_due_once(tmp_path: Path) -> None:
    with running(tmp_path, "--dev", "--workers", "2") as program:
        record = DataFolder(Path(program.data)).read_record()
        assert record is not None
        store = await Store.open(f"unix://{record.socket}")
        try:
            core = Core(store)
            tenant = await core.tenants.find("demo")
            assert tenant is not None
            users = await core.users.keys(tenant, [f"user {number}" for number in range(COUNT)])
            at = SystemClock().now() + 500
            for user in users:
                message = Message(user.id, Text("later"), "plain")
                await core.due.send_direct(tenant, user, [user], message, "client:1", at)
            async with asyncio.timeout(WAIT_SECONDS):
                for user in users:
                    while await core.due.list(tenant, user) != ([], ""):  # noqa: ASYNC110  # another process does it
                        await asyncio.sleep(0.02)
            for user in users:
                page = await core.messages.direct_page(tenant, user.id, user.id, Query(10))
                assert [one.message.content for one in page.messages] == [Text("later")]
                assert at <= page.messages[0].time < at + WAIT_SECONDS * 1000
        finally:
            await store.close()
    assert "chore" not in program.output
