"""What the vendor says in a group of what happens to it: `metadata.action` and the words. The neutral names and parameters are those
of `core.notices`; a notice of another wording keeps its text."""

from collections.abc import Callable
from typing import Any

from core.model import Event

CREATED, ADDED, REMOVED, LEFT, DELETED, RENAMED, IMAGE, JOINED, ROLE, CHANGED = map(str, range(10))
"""Values of `metadata.action`."""
_EVENTS = {
    CREATED: "group_created",
    ADDED: "member_joined",
    REMOVED: "member_left",
    LEFT: "member_left",
    DELETED: "group_deleted",
    RENAMED: "group_renamed",
    IMAGE: "group_image_changed",
    JOINED: "member_joined",
    ROLE: "member_role_changed",
    CHANGED: "group_attributes_changed",
}

_Parameters = dict[str, Any]


def event_name(action: str) -> str:
    """The neutral name of an action that a client sent."""
    return _EVENTS.get(action, "notice")


def action_of(event: Event) -> str | None:
    """The action that a notice is here; none for what the vendor does not know."""
    found = _ACTIONS.get(event.name)
    return found(event.parameters or {}) if found is not None else None


def words_of(event: Event) -> str:
    """What a notice says here."""
    words = _WORDS.get(action_of(event) or "")
    if words is not None and event.parameters:
        try:
            return words.format_map(_spoken(event.parameters))
        except KeyError:
            pass  # another dialect's notice, with parameters of its own
    return event.name if event.text is None else event.text


def _spoken(parameters: _Parameters) -> dict[str, str]:
    """The parameters as the words below name them: `who` came or went, be it one or many."""
    found = {name: str(value) for name, value in parameters.items()}
    if "member" in found:
        found["who"] = found["member"]
    elif "members" in found:
        found["who"] = f"{found['members']} members"
    return found


def _came(parameters: _Parameters) -> str:
    return ADDED if parameters.get("by") not in (None, parameters.get("member")) else JOINED


def _went(parameters: _Parameters) -> str:
    return REMOVED if parameters.get("by") not in (None, parameters.get("member")) else LEFT


_ACTIONS: dict[str, Callable[[_Parameters], str]] = {
    "group_created": lambda _: CREATED,
    "member_joined": _came,
    "members_joined": _came,
    "member_left": _went,
    "members_left": _went,
    "group_deleted": lambda _: DELETED,
    "group_renamed": lambda _: RENAMED,
    "group_image_changed": lambda _: IMAGE,
    "member_role_changed": lambda _: ROLE,
    "group_attributes_changed": lambda _: CHANGED,
}
_WORDS = {
    CREATED: "{by} created group {group}",
    ADDED: "{by} added {who}",
    REMOVED: "{by} removed {who}",
    LEFT: "{who} left",
    DELETED: "{by} deleted group {group}",
    RENAMED: "Group name changed to {group}",
    IMAGE: "Group icon changed",
    JOINED: "{who} joined",
}
