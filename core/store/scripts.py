"""The Lua scripts: each file of `lua/` put together with what it stands on."""

from hashlib import sha1
from importlib.resources import files

_FOLDER = files(__package__) / "lua"


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.lua").read_text()


class Script:
    """One script as the server gets it. With its first line `#!lua` a server refuses a key of another slot instead of
    writing it, and refuses the whole script when memory is full, unless it makes room."""

    __slots__ = ("name", "sha", "text")

    def __init__(
        self,
        name: str,
        *,
        writes: bool,
        uses: tuple[str, ...] = (),
        of_tenant: bool = True,
        makes_room: bool = False,
    ) -> None:
        head = "#!lua flags=allow-oom" if makes_room else "#!lua" if writes else "#!lua flags=no-writes"
        prelude = (("prelude", "raise_version") if writes else ("prelude",)) if of_tenant else ()
        self.name = name
        self.text = "\n".join([head, *map(_text, (*prelude, *uses, name))]).encode()
        self.sha = sha1(self.text, usedforsecurity=False).hexdigest().encode()


_VIEW = ("hidden", "view", "walk")
_ROWS = (*_VIEW, "boxes", "rows")
_EXPORT = ("hidden", "view", "keys_of", "export", "people")
_DROP = (*_VIEW, "boxes", "unread", "keys_of", "drop")
_GROUP = ("references", "group", "tell")
_MEMBERS = ("references", "group", *_VIEW, "boxes", "members", "tell")

REGISTRY = Script("registry", writes=True, of_tenant=False, makes_room=True)
TRIM = Script("trim", writes=True, makes_room=True, uses=_DROP)
CLEAR_ALL = Script("clear_all", writes=True, makes_room=True, uses=(*_DROP, "noting"))
ERASE = Script("erase", writes=True, makes_room=True, uses=(*_DROP, "group"))
BEGIN_ERASURE = Script("begin_erasure", writes=True, of_tenant=False, makes_room=True)
PAUSE_ERASURES = Script("pause_erasures", writes=True, of_tenant=False, makes_room=True)
FORGET_NAME = Script("forget_name", writes=True, makes_room=True, uses=("keys_of",))
END_WALK = Script("end_walk", writes=True, makes_room=True)
LOST_LINKS = Script("lost_links", writes=False, uses=("hidden", "view"))
DROP_LINKS = Script("drop_links", writes=True, makes_room=True)
EXPORT_LOG = Script("export_log", writes=False, uses=("hidden", "view", "export"))
EXPORT_PEOPLE = Script("export_people", writes=False, uses=("hidden", "view", "keys_of", "people"))
EXPORT_CONVERSATION = Script("export_conversation", writes=False, uses=_EXPORT)
EXPORT_STEPS = Script("export_steps", writes=False)
EXPORT_SLICE = Script("export_slice", writes=False)
EXPORT_USERS = Script("export_users", writes=False, uses=("keys_of",))
EXPORT_DUE = Script("export_due", writes=False)
RESTORE = Script("restore", writes=True, of_tenant=False)
RECLAIM = Script(
    "reclaim", writes=True, of_tenant=False, makes_room=True, uses=("ended", "keys_of", "emptying", "files")
)
RECLAIMED = Script("reclaimed", writes=True, of_tenant=False, makes_room=True)
TOUCH = Script("touch", writes=True, makes_room=True)
COUNTER = Script("counter", writes=True)
APPEND = Script("append", writes=True, uses=("references", "conversation", "hidden", "boxes", "limits", "tell"))
PAGE = Script("page", writes=False, uses=(*_VIEW, "unread"))
GET = Script("get", writes=False, uses=_VIEW)
EDIT = Script("edit", writes=True, uses=("references", *_VIEW, "tell"))
RECALL = Script("recall", writes=True, uses=(*_ROWS, "tell"))
REWRITE_ROWS = Script("rewrite_rows", writes=True, uses=_ROWS)
HIDE = Script("hide", writes=True, uses=(*_VIEW, "boxes"))
INBOX = Script("inbox", writes=False, uses=(*_VIEW, "boxes"))
HEADS = Script("heads", writes=False, uses=(*_VIEW, "unread"))
CHANGED = Script("changed", writes=False, uses=_VIEW)
COUNT_UNREAD = Script("count_unread", writes=False, uses=(*_VIEW, "unread"))
READ = Script("read", writes=True, uses=(*_VIEW, "unread", "receipts", "noting", "tell"))
CLEAR = Script("clear", writes=True, uses=(*_VIEW, "boxes", "unread"))
BOX = Script("box", writes=True, uses=("boxes", "noting"))
LISTED = Script("listed", writes=False)
MARK = Script("mark", writes=True, uses=("noting",))
CREATE_GROUP = Script("create_group", writes=True, uses=("conversation", *_MEMBERS))
READ_GROUP = Script("read_group", writes=False, uses=("member_rows",))
UPDATE_GROUP = Script("update_group", writes=True, uses=_GROUP)
BLANK_GROUP = Script("update_group", writes=True, makes_room=True, uses=_GROUP)
DELETE_GROUP = Script("delete_group", writes=True, makes_room=True, uses=("group", "tell"))
END_GROUP = Script("end_group", writes=True, makes_room=True, uses=("keys_of", "emptying"))
LIST_GROUPS = Script("list_groups", writes=False)
JOINED_GROUPS = Script("joined_groups", writes=False)
GROUP_VIEWS = Script("group_views", writes=False, uses=(*_VIEW, "unread", "group"))
ADD_MEMBERS = Script("add_members", writes=True, uses=_MEMBERS)
REMOVE_MEMBERS = Script("remove_members", writes=True, uses=_MEMBERS)
MEMBER_PAGE = Script("member_page", writes=False, uses=("group", "member_rows"))
READ_STANDING = Script("read_standing", writes=False, uses=("group",))
SET_ROLE = Script("set_role", writes=True, uses=_GROUP)
PUT_ON_LIST = Script("put_on_list", writes=True, uses=_GROUP)
TAKE_OFF_LIST = Script("take_off_list", writes=True, uses=_GROUP)
READ_LIST = Script("read_list", writes=False, uses=("group",))
ASK_TO_JOIN = Script("ask_to_join", writes=True, uses=("group",))
SET_MEMBER_ATTRIBUTES = Script("set_member_attributes", writes=True, uses=("group",))
SET_ATTRIBUTES = Script("set_attributes", writes=True, uses=("group", "tell"))
READ_ATTRIBUTES = Script("read_attributes", writes=False, uses=("group",))
BACKFILL = Script("backfill", writes=True, uses=("conversation", *_ROWS))
RAISE_ROWS = Script("raise_rows", writes=True, uses=_ROWS)
RECEIVERS = Script("receivers", writes=False, uses=("hidden", "view"))
RECEIPTS_OF = Script("receipts_of", writes=False, uses=("hidden", "view", "receipts"))
REPORTS = Script("reports", writes=False)
ACTIVE = Script("active", writes=False)
CREATE_TOPIC = Script("create_topic", writes=True, uses=("references", "conversation"))
PLACE_TOPIC = Script("place_topic", writes=True)
NAME_TOPIC = Script("name_topic", writes=True)
TOPICS_NAMED = Script("topics_named", writes=False)
READ_TOPICS = Script("read_topics", writes=False)
UPDATE_TOPIC = Script("update_topic", writes=True)
BLANK_TOPIC = Script("update_topic", writes=True, makes_room=True)
NAMES = Script("names", writes=True)
REGISTER = Script("register", writes=True, uses=("references",))
PROFILES = Script("profiles", writes=False)
CARD = Script("card", writes=False)
UPDATE_USER = Script("update_user", writes=True)
BIND_STATION = Script("bind_station", writes=True, of_tenant=False)
NOTE_STATION = Script("note_station", writes=True, of_tenant=False)
ATTEMPT = Script("attempt", writes=True)
GUESS = Script("guess", writes=True)
TAKE_TOKENS = Script("take_tokens", writes=True)
FORGIVE = Script("forgive", writes=True)
ROSTER = Script("roster", writes=False)
SET_PRESENCE = Script("set_presence", writes=True)
PUT_IN_BIN = Script("put_in_bin", writes=True)
READ_BIN = Script("read_bin", writes=False)
TAKE_OUT_OF_BIN = Script("take_out_of_bin", writes=True, makes_room=True)
RELATE = Script("relate", writes=True, uses=("conversation",))
LIST_RELATIONS = Script("list_relations", writes=True)
READ_RELATIONS = Script("read_relations", writes=False)
UNLIST_RELATIONS = Script("unlist_relations", writes=True, makes_room=True)
REMARK = Script("remark", writes=True)
ALIAS = Script("alias", writes=True)
SCHEDULE = Script("schedule", writes=True, uses=("references", "due_rows"))
CLAIM_DUE = Script("claim_due", writes=True, uses=("due_rows",))
FINISH_DUE = Script("finish_due", writes=True, makes_room=True, uses=("due_rows",))
GIVE_UP_DUE = Script("give_up_due", writes=True, uses=("due_rows",))
RETRY_DUE = Script("retry_due", writes=True, uses=("due_rows",))
DUE_ROW = Script("due_row", writes=False, uses=("due_rows",))
LIST_DUE = Script("list_due", writes=False, uses=("due_rows",))
LINK = Script("link", writes=True)
UNLINK = Script("unlink", writes=True, makes_room=True)
LINK_BACK = Script("link_back", writes=True)
FIELDS = Script("fields", writes=False)
NOTE_FILE = Script("note_file", writes=True, uses=("files",))
KEEP_FILE = Script("keep_file", writes=True, uses=("files",))
REMOVE_FILE = Script("remove_file", writes=True, makes_room=True, uses=("files",))
REMOVE_FILES_OF = Script("remove_files_of", writes=True, makes_room=True, uses=("files",))
END_FILES = Script("end_files", writes=True, of_tenant=False, makes_room=True, uses=("files",))
TAKE_EVENTS = Script("take_events", writes=True, of_tenant=False, makes_room=True, uses=("events",))
FINISH_EVENTS = Script("finish_events", writes=True, of_tenant=False, makes_room=True, uses=("events",))
FAIL_EVENT = Script("fail_event", writes=True, of_tenant=False, makes_room=True, uses=("events",))
LEAVE_EVENTS = Script("leave_events", writes=True, of_tenant=False, makes_room=True, uses=("events",))
REDRIVE_EVENTS = Script("redrive_events", writes=True, of_tenant=False, uses=("events",))
COUNT_EVENTS = Script("count_events", writes=False, of_tenant=False, uses=("events",))

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Script))
