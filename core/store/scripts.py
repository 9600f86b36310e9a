"""The Lua scripts: each file of `lua/` put together with what it stands on."""

from hashlib import sha1
from importlib.resources import files

_FOLDER = files(__package__) / "lua"


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.lua").read_text()


class Script:
    """One script as the server gets it. With its first line `#!lua` a server refuses a key of another slot instead of
    writing it, and refuses the whole script when memory is full."""

    __slots__ = ("name", "sha", "text")

    def __init__(self, name: str, *, writes: bool, uses: tuple[str, ...] = (), of_tenant: bool = True) -> None:
        head = "#!lua" if writes else "#!lua flags=no-writes"
        prelude = (("prelude", "raise_version") if writes else ("prelude",)) if of_tenant else ()
        self.name = name
        self.text = "\n".join([head, *map(_text, (*prelude, *uses, name))]).encode()
        self.sha = sha1(self.text, usedforsecurity=False).hexdigest().encode()


REGISTRY = Script("registry", writes=True, of_tenant=False)
TOUCH = Script("touch", writes=True)
COUNTER = Script("counter", writes=True)
APPEND = Script("append", writes=True, uses=("references", "conversation"))
PAGE = Script("page", writes=False, uses=("view",))
GET = Script("get", writes=False, uses=("view",))
INBOX = Script("inbox", writes=False, uses=("view",))
HEADS = Script("heads", writes=False, uses=("view",))
CREATE_GROUP = Script("create_group", writes=True, uses=("references", "view", "conversation", "members"))
READ_GROUP = Script("read_group", writes=False)
UPDATE_GROUP = Script("update_group", writes=True)
ADD_MEMBERS = Script("add_members", writes=True, uses=("references", "view", "members"))
REMOVE_MEMBERS = Script("remove_members", writes=True, uses=("references", "view", "members"))
NAMES = Script("names", writes=True)
REGISTER = Script("register", writes=True, uses=("references",))
USER = Script("user", writes=False)
ROSTER = Script("roster", writes=False)
ALIAS = Script("alias", writes=True)

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Script))
