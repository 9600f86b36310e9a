"""A gateway process with writers on one group, for tests: `python -m tests.core.writers URL TENANT GROUP FIRST COUNT EACH`.

Says `ready`, waits for a line, sends, then says what was acknowledged: a JSON list of rows of writer, number, id,
sequence, time.
"""

import asyncio
import json
import sys

from core.clock import SystemClock
from core.core import Core
from core.errors import Failure, Kind
from core.model import Receipt, Tenant, UserKey
from core.store.store import Store
from tests.core.support import text

MAXIMUM_TRIES = 2_000


async def write(core: Core, tenant: Tenant, writer: UserKey, group: int, each: int) -> list[list[object]]:
    rows: list[list[object]] = []
    for number in range(each):
        receipt = await send(core, tenant, writer, group, number)
        rows.append([writer.id, number, receipt.id, receipt.sequence, receipt.time])
    return rows


async def send(core: Core, tenant: Tenant, writer: UserKey, group: int, number: int) -> Receipt:
    """Once refused for haste, wait and send again under the same reference, as a client does."""
    for _ in range(MAXIMUM_TRIES):
        try:
            message = text(writer.id, str(number))
            return (await core.messages.send_group(tenant, writer, [group], message, f"client:{number}"))[0]
        except Failure as failure:
            if failure.kind is not Kind.RATE_LIMITED:
                raise
            await asyncio.sleep(0.05)
    raise TimeoutError


async def main(url: str, name: str, group: int, first: int, count: int, each: int) -> None:
    store = await Store.open(url)
    core = Core(store, SystemClock())
    tenant = await core.tenants.find(name)
    assert tenant is not None
    writers = await core.users.keys(tenant, [f"writer {number}" for number in range(first, first + count)])
    print("ready", flush=True)
    sys.stdin.readline()
    rows = await asyncio.gather(*(write(core, tenant, writer, group, each) for writer in writers))
    await store.close()
    print(json.dumps([row for own in rows for row in own]), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3], *map(int, sys.argv[3:])))  # type: ignore[arg-type]
