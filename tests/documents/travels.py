"""How messages travel beside what they say: what becomes of it at each kind of reader. tests/test_across_travels.py walks it."""

from collections.abc import Mapping

from tests.documents.ends import READERS

_USER = "ozeki, HTTP API user"
_EXACT = "exact"
_AS_GROUP = "approximated: shown as a group"
_NO_TOPIC = "dropped: topic; shown in the conversation"
_UNLISTED = "dropped: it is in no list of messages"
_HISTORY = "exact; the application's history has what anybody was sent"
_NOT_SENT = "dropped: the application's history has what was sent, at the time when it was"
_NOT_NEW = "dropped: the inbox has what was sent"
_NO_LIST = "dropped: the inbox has what is in the user's lists"
_FOR_EVER = "approximated: shown for ever"


def _all(cell: str, **others: str) -> dict[str, str]:
    """A cell for every reader, with other ones for some: a dialect's name stands for all of its readers, `user` for the HTTP
    API users of Ozeki's."""
    found = {name: others.get(reader.dialect, cell) for name, reader in READERS.items()}
    return found | ({_USER: others["user"]} if "user" in others else {})


TRAVELS: Mapping[str, dict[str, str]] = {
    "to a user": _all(_EXACT),
    "to a group": _all(_EXACT),
    "to a room (Easemob)": _all(_AS_GROUP, easemob=_EXACT, user=_NO_LIST),
    "in a topic (Applozic)": _all(_NO_TOPIC, applozic=_EXACT),
    "hidden: for programs, which show it to nobody (Applozic)": _all(_UNLISTED, applozic=_EXACT),
    "a signal: a command to programs (Easemob)": _all(_UNLISTED, easemob=_EXACT),
    "aside: it moves no list and is new to nobody (Applozic, Chat21)": _all(_EXACT, user=_NO_LIST),
    "for some members of a group (Easemob, Chat21)": _all(_EXACT, easemob=_HISTORY),
    "for those who are online (Easemob)": _all("dropped: nobody is shown it afterwards", easemob=_HISTORY),
    "scheduled (Ozeki, HTTP API user)": _all(_EXACT),
    "expiring (Ozeki, Applozic)": _all(_FOR_EVER),
    "of long ago, imported (Easemob, Applozic)": _all(_EXACT, easemob=_NOT_SENT, user=_NOT_NEW),
    "edited (Easemob)": _all(_EXACT),
}
"""A kind of message, with the dialects that send such ones where not all do, and what each reader has of it."""
ROWS = [(label, list(cells.values())) for label, cells in TRAVELS.items()]
