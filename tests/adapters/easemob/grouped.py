"""A group and a room for the rows, and the failures of their endpoints.

Both have the same machinery, so most rows are made for either: `{at}` in a path is the resource, `{g}` the id.
"""

from typing import Any

from tests.adapters.easemob.sending import new_group
from tests.adapters.easemob.shapes import AUTHORIZED, GROUPS, error, success
from tests.harness import House, Row

AS_ANN = {"Authorization": "Bearer {ann_token}"}
AS_BOB = {"Authorization": "Bearer {bob_token}"}
NOWHERE = "711111111111111"
NO_GROUP = error("resource_not_found", GROUPS + "ResourceNotFoundException", f"grpID {NOWHERE} does not exist!")
NOT_FOUND = error(
    "service_resource_not_found", GROUPS + "ServiceResourceNotFoundException", f"do not find this group:{NOWHERE}"
)
NO_PERMISSION = error(
    "group_authorization",
    GROUPS + "GroupAuthorizationException",
    "you have no permission to do this, group admin permission is required",
)
NO_OWNER = "forbidden operation on group owner!"


async def settle(house: House, *members: str, room: bool = False) -> int:
    """A group, or a room, of these users, the first of them the owner; its number."""
    text, number = await new_group(house, *members, room=room)
    adapter = house.adapters["easemob"]
    application = house.application("easemob").name
    house.names |= {
        "g": text,
        "at": house.names["base"] + ("/chatrooms" if room else "/chatgroups"),
        "kind": "chatroom" if room else "group",
        "bob_token": await adapter.mint(house.core, house.tenant, application, "bob", False, 60),
    }
    return number


def row(method: str, path: str, status: int = 200, body: Any = ..., json: Any = None, **more: Any) -> Row:
    """A request below the group's resource."""
    return Row(
        f"{method} {path} {json or ''}", method, "{at}" + path, status, body, json, **{"headers": AUTHORIZED, **more}
    )


def answered(method: str, data: Any, **fields: Any) -> dict[str, Any]:
    """A reply with this `data`, and these other fields, in the envelope."""
    envelope = success(method.lower(), "", entities=[], data=data, **fields)
    return {**envelope, "uri": str}


def forbidden(text: Any) -> dict[str, Any]:
    return error("forbidden_op", GROUPS + "ForbiddenOpException", text)


def invalid(text: Any) -> dict[str, Any]:
    return error("invalid_parameter", GROUPS + "InvalidParameterException", text)


def unknown(text: Any) -> dict[str, Any]:
    return error("resource_not_found", GROUPS + "ResourceNotFoundException", text)
