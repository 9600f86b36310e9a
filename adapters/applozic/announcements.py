"""What a change of a group says in it: the core's notices, in the app's own words and as silent as the app wants them, where the
group's metadata says so. Of rooms nothing is said: people come and go in them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from adapters.applozic import events
from adapters.applozic.group_target import Target
from adapters.applozic.options import NAME
from adapters.contract import Call
from core.membership import Announce, Notice
from core.model import Event, Group

_TEMPLATES = {
    events.CREATED: "CREATE_GROUP_MESSAGE",
    events.ADDED: "ADD_MEMBER_MESSAGE",
    events.REMOVED: "REMOVE_MEMBER_MESSAGE",
    events.LEFT: "GROUP_LEFT_MESSAGE",
    events.RENAMED: "GROUP_NAME_CHANGE_MESSAGE",
    events.IMAGE: "GROUP_ICON_CHANGE_MESSAGE",
    events.JOINED: "JOIN_MEMBER_MESSAGE",
    events.ROLE: "GROUP_USER_ROLE_UPDATED_MESSAGE",
    events.CHANGED: "GROUP_META_DATA_UPDATED_MESSAGE",
}
"""The metadata that words each action; a blank one silences it."""
_LONGEST_TEXT = 1_024
"""Characters of a notice, which stands in the group once for each user who comes."""
_WORD = re.compile(":(adminName|groupName|userName|role)")


async def of_creation(call: Call, group: str, owner: str, settings: Mapping[str, Any]) -> Announce:
    """That a group is created; who is in it the vendor does not say one by one."""
    return _worded(settings, await call.core.notices.created(call.tenant, NAME, group, owner))


async def of_coming(call: Call, target: Target, users: Sequence[str]) -> Announce | None:
    """That these users come, as far as they do: who comes alone is not said to be added."""
    if target.group.room:
        return None
    by = target.user.id if target.user is not None else None
    announce = await call.core.notices.joined(call.tenant, NAME, target.group.name, users, by)
    return _worded(target.group.attributes or {}, announce)


async def of_going(call: Call, group: Group, by: str | None) -> Announce | None:
    """That users go, by their own will or by somebody's."""
    if group.room:
        return None
    return _worded(group.attributes or {}, await call.core.notices.left(call.tenant, NAME, group.name, by))


async def of_change(call: Call, group: Group, changed: Mapping[str, Any], by: str | None) -> Announce | None:
    """That these fields of a group are others, which is `group` afterwards; nothing when none of them is worth a word."""
    if group.room:
        return None
    said = call.core.notices.said
    tenant, name, settings = call.tenant, group.name, group.attributes or {}
    announces = []
    if "name" in changed:
        announces.append(await said(tenant, NAME, "group_renamed", f"Group name changed to {name}", by, group=name))
    if "image_url" in changed:
        image = {"image": group.image_url}
        announces.append(await said(tenant, NAME, "group_image_changed", "Group icon changed", by, group=name, **image))
    if "attributes" in changed:
        announces.append(await said(tenant, NAME, "group_attributes_changed", "Group details changed", by, group=name))
    if not announces:
        return None
    return _worded(settings, lambda users: [notice for announce in announces for notice in announce(users)])


async def of_role(call: Call, target: Target, member: str, role: str) -> Announce | None:
    """That a member has another role, in the core's word for it."""
    if target.group.room:
        return None
    by = target.user.id if target.user is not None else None
    text, about = f"{member} is {role} now", {"group": target.group.name, "member": member, "role": role}
    announce = await call.core.notices.said(call.tenant, NAME, "member_role_changed", text, by, **about)
    return _worded(target.group.attributes or {}, announce)


def _worded(settings: Mapping[str, Any], announce: Announce) -> Announce:
    return lambda users: [_in_own_words(settings, notice) for notice in announce(users)]


def _in_own_words(settings: Mapping[str, Any], notice: Notice) -> Notice:
    message = notice.message
    if not isinstance(message.content, Event):
        return notice
    event = message.content
    template = settings.get(_TEMPLATES.get(events.action_of(event) or "", ""))
    metadata: dict[str, Any] = {}
    if _says(settings, "HIDE", "true"):
        metadata["hide"] = "true"
    if isinstance(template, str) and template.strip():
        event = msgspec.structs.replace(event, text=_filled(template[:_LONGEST_TEXT], event.parameters or {}))
        message = msgspec.structs.replace(message, content=event, leftovers={"message": event.text})
    if (isinstance(template, str) and not template.strip()) or _says(settings, "ALERT", "false"):
        metadata["show"] = "false"
    if metadata:
        message = msgspec.structs.replace(message, extension=metadata)
    return msgspec.structs.replace(notice, message=message)


def _filled(template: str, about: Mapping[str, Any]) -> str:
    """A template with what its names stand for; a name of which nothing is known stays."""
    words = {"adminName": about.get("by"), "groupName": about.get("group"), "role": about.get("role")}
    words["userName"] = about.get("name", about.get("member"))
    if "members" in about:
        words["userName"] = f"{about['members']} members"
    text = _WORD.sub(lambda found: str(found[0] if words[found[1]] is None else words[found[1]]), template)
    return text[:_LONGEST_TEXT]


def _says(settings: Mapping[str, Any], name: str, word: str) -> bool:
    return str(settings.get(name)).lower() == word
