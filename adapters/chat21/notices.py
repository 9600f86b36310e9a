"""What the vendor says in a group of what happens to it: its own texts and labels for the core's events."""

from typing import Any

import msgspec

from core.model import Event


class Contact(msgspec.Struct, frozen=True):
    """How a user is spoken of. A name's first word is taken for the first name; who has no profile is called by the id."""

    fullname: str
    firstname: str = ""
    lastname: str = ""


def contact(user: str, name: str | None) -> Contact:
    """A user as the vendor's contacts have him, by the profile's display name."""
    if not name:
        return Contact(user)
    first, _, last = name.partition(" ")
    return Contact(name, first, last.strip())


def shown(event: Event) -> tuple[str, dict[str, Any]]:
    """The text of a notice, and its label. Of what the vendor has no words for, the core's stand there."""
    said = event.parameters or {}
    match event.name:
        case "group_created":
            return "Group created", _label("GROUP_CREATED", creator=said.get("by"))
        case "member_joined" if "member" in said:
            member = said["member"]
            known = contact(member, said.get("name"))
            words = f"{known.firstname or member} added to group"
            if said.get("created"):
                words = f"{known.fullname} joined group on creation"
            return words, _label("MEMBER_JOINED_GROUP", member_id=member, **msgspec.structs.asdict(known))
        case "members_joined" if "members" in said:
            words = "joined group on creation" if said.get("created") else "added to group"
            return f"{said['members']} members {words}", _label("MEMBERS_JOINED_GROUP", members=said["members"])
        case "member_left" if "member" in said:
            member = said["member"]
            return f"{member} removed from group", _label("MEMBER_LEFT_GROUP", member_id=member)
        case "members_left" if "members" in said:
            members = said["members"]
            return f"{members} members removed from group", _label("MEMBERS_LEFT_GROUP", members=members)
        case "group_renamed":
            # The vendor says it in the group's own update alone, by this label.
            return event.text or event.name, _label("DATA_UPDATED_GROUP", group_name=said.get("group"))
    return event.text or event.name, _label(event.name.upper(), **said)


def _label(key: str, **parameters: Any) -> dict[str, Any]:
    return {"key": key, "parameters": parameters}
