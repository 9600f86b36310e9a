"""Messages for tests of what is done with messages."""

from typing import Any

from adapters.easemob.ids import number_id
from core.messages import Query
from core.model import EVERY_KIND, Message, Stored, UserKey
from tests.adapters.easemob.shapes import AUTHORIZED
from tests.harness import House, Row


async def send(house: House, sender: str, target: str, msg: dict[str, Any] | str = "hi", **fields: Any) -> str:
    """Send with the classic endpoint; gives the message's id."""
    said = {"type": "txt", "msg": msg} if isinstance(msg, str) else msg
    body = {"target_type": "users", "target": [target], "msg": said, "from": sender, **fields}
    row = Row("send", "POST", "{base}/messages", 200, json=body, query={"useMsgId": "true"}, headers=AUTHORIZED)
    data: dict[str, str] = (await row.check(house)).json()["data"]
    return data[target]


async def send_group(house: House, sender: str, group: str, msg: dict[str, Any] | str = "hi", **fields: Any) -> str:
    """Send to a group."""
    return await send(house, sender, group, msg, target_type="chatgroups", **fields)


async def new_group(house: House, *members: str, room: bool = False, alias: str | None = None) -> tuple[str, int]:
    """A group of these users, the first of them its owner: its id and number."""
    users = await house.core.users.keys(house.tenant, members)
    group = await house.core.groups.create(
        house.tenant, name="g", owner=users[0], members=users, dialect="easemob", room=room, alias=alias
    )
    return alias or number_id(house.tenant, group.number), group.number


async def key(house: House, name: str) -> UserKey:
    return await house.core.users.key(house.tenant, name)


async def stored(house: House, message: str) -> Message | None:
    """A message by its id, as an administrator sees it."""
    found = await house.core.messages.get(house.tenant, int(message))
    return found.message if found is not None else None


async def direct(house: House, one: str, other: str, viewer: str | None = None) -> list[Stored]:
    """The direct conversation of two, newest first; as a viewer sees it, or everything of it."""
    seer = await key(house, viewer) if viewer else None
    query = Query(100, kinds=EVERY_KIND)
    return (await house.core.messages.direct_page(house.tenant, one, other, query, seer)).messages


async def in_group(house: House, group: int, viewer: str | None = None) -> list[Stored]:
    """The same of a group."""
    seer = await key(house, viewer) if viewer else None
    return (await house.core.messages.group_page(house.tenant, seer, group, Query(100, kinds=EVERY_KIND))).messages
