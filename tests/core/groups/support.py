"""What tests of groups share."""

from collections.abc import Awaitable
from itertools import count

import pytest

from core.core import Core
from core.errors import Failure, Kind
from core.groups import Check
from core.messages import Query
from core.model import Receipt, Tenant, UserKey
from tests.core.support import text

_numbers = count()


async def send(
    core: Core, tenant: Tenant, sender: UserKey, group: int, check: Check = Check.NONE, reference: str = ""
) -> Receipt:
    reference = reference or f"request {next(_numbers)}"
    receipts = await core.messages.send_group(tenant, sender, [group], text(sender.id), reference, check=check)
    return receipts[0]


async def seen(core: Core, tenant: Tenant, viewer: UserKey | None, group: int) -> list[int]:
    page = await core.messages.group_page(tenant, viewer, group, Query(1000, newest_first=False))
    return [one.sequence for one in page.messages]


async def refused(act: Awaitable[object], kind: Kind, reason: str) -> Failure:
    with pytest.raises(Failure) as caught:
        await act
    assert (caught.value.kind, caught.value.reason) == (kind, reason)
    return caught.value


async def roles(core: Core, tenant: Tenant, group: int) -> dict[str, str]:
    found = await core.groups.detail(tenant, group)
    assert found is not None
    return {member.id: member.role for member in found[1]}
