"""The neutral words: what a tenant, user, group, conversation and message are.

Everything here is immutable and knows no vendor. What is `array_like` is stored as a packed array (msgpack), so its
fields are **append-only**: a new field goes to the end and has a default, no field is removed or reordered.

Messages are left out of garbage collection (`gc=False`): nothing immutable that came out of bytes can be part of a cycle.

Units: times are epoch milliseconds, durations and sizes say their unit in the name.
"""

from core.model.content import Audio, Content, Custom, Event, File, Html, Image, Location, Signal, Text, Video
from core.model.conversation import Active, Box, Change, Marks, Outline, Overview, Portion, Topic, TopicChanges
from core.model.file import StoredFile, Thumbnail
from core.model.group import Group, GroupChanges, Member
from core.model.leftovers import leftovers_of, with_leftovers
from core.model.message import (
    EVERY_KIND,
    EVERYBODY,
    READABLE,
    SHOWN,
    Audience,
    Flag,
    Message,
    MessageKind,
    Progress,
    Receipt,
    Report,
    Stored,
    UserReceipt,
    Window,
)
from core.model.tenant import Application, Credential, Principal, SigningKey, Tenant
from core.model.user import Presence, Related, Relation, Relationship, RelationState, Station, User, UserKey

__all__ = [
    "EVERYBODY",
    "EVERY_KIND",
    "READABLE",
    "SHOWN",
    "Active",
    "Application",
    "Audience",
    "Audio",
    "Box",
    "Change",
    "Content",
    "Credential",
    "Custom",
    "Event",
    "File",
    "Flag",
    "Group",
    "GroupChanges",
    "Html",
    "Image",
    "Location",
    "Marks",
    "Member",
    "Message",
    "MessageKind",
    "Outline",
    "Overview",
    "Portion",
    "Presence",
    "Principal",
    "Progress",
    "Receipt",
    "Related",
    "Relation",
    "RelationState",
    "Relationship",
    "Report",
    "Signal",
    "SigningKey",
    "Station",
    "Stored",
    "StoredFile",
    "Tenant",
    "Text",
    "Thumbnail",
    "Topic",
    "TopicChanges",
    "User",
    "UserKey",
    "UserReceipt",
    "Video",
    "Window",
    "leftovers_of",
    "with_leftovers",
]
