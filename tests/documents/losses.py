"""docs/losses.md: what is lost between each two dialects of each kind of message, and what each reader loses of any content.

The translations themselves are asked: they say their losses where they translate, and nothing of it is written down here. How
messages travel beside what they say stands in `travels`, whose every word a test proves.
"""

from collections.abc import Sequence

from core.model import Audio, Content, Custom, Event, File, Html, Image, Location, Message, Signal, Text, Video
from tests.documents import travels
from tests.documents.ends import ANOTHER, READERS, Reader, as_another
from tests.documents.kinds import SENDERS, Sender

_URL = "https://files.example/a"
SAMPLES: tuple[tuple[str, Content], ...] = (
    ("text", Text("Hello")),
    ("HTML", Html("<b>Hello</b>")),
    ("picture, bare", Image(_URL)),
    ("picture, whole", Image(_URL, "a.jpg", "secret", 1024, 480, 720, "image/jpeg")),
    ("sound, bare", Audio(_URL)),
    ("sound, whole", Audio(_URL, "a.amr", "secret", 1024, 10, "audio/amr")),
    ("film, bare", Video(_URL)),
    ("film, whole", Video(_URL, "a.mp4", "secret", 1024, 10, _URL + ".jpg", "secret", 480, 720, "video/mp4")),
    ("file, bare", File(_URL)),
    ("file, whole", File(_URL, "a.pdf", "secret", 1024, "application/pdf")),
    ("place, bare", Location(39.9, 116.3)),
    ("place, whole", Location(39.9, 116.3, "Beijing")),
    ("command, bare", Signal("run")),
    ("command, whole", Signal("run", {"speed": 2})),
    ("the app's own type, bare", Custom("order")),
    ("the app's own type, with texts", Custom("order", {"name": "tea"})),
    ("the app's own type, whole", Custom("order", {"name": "tea", "count": 2}, "An order")),
    ("the app's own type, named `image`", Custom("image")),
    ("notice, bare", Event("member_joined")),
    ("notice, whole", Event("member_joined", {"user": "ann"}, "ann joined")),
    ("notice, with a number", Event("members_joined", {"members": 40}, "40 members joined")),
    ("notice of another kind", Event("eclipse", None, "The sun is gone")),
)
"""Each kind of content with the fields that it must have, and with all that it can have."""

_HEAD = """\
# What a translation loses

Made by `make docs`. Samples of each kind of message go through the dialects' own translations, and this is what those say: the
same words stand in the header `X-Gateway-Loss`, in the request's log line, and in what `strict_translation` refuses. What
*stays* is said to who sends, all else to who reads. **exact**: the reader is shown all that the message says; what a dialect
sent itself it gives back as it was, fields that only it knows included. Names by which a message calls its sender or recipient
are labels: a dialect that does not show them takes names from profiles.

Ozeki has two kinds of users: those of its HTTP API, who have texts, and chat clients, whose column is that of the codec `plain`,
which is our own; with `opaque` they get nothing of other dialects (docs/ozeki.md).
"""
_TRAVELS = """
## How a message travels
What is said of a message beside its content, for every reader: a test walks each cell over HTTP. Of these, `strict_translation`
refuses topics, signals and what expires.

"""
_CONTENTS = """
## Any content at each reader
Every content that the neutral core knows, as any dialect may have sent it. *bare*: with the fields only that it must have;
*whole*: with all that it can have.

"""


def said(reader: Reader, content: Content) -> Sequence[str]:
    """What a reader loses of a content that another dialect sent."""
    return reader.losses(Message("ann", content, ANOTHER))


def staying(message: Message) -> Sequence[str]:
    """What no other reader is shown of a message, as its sender is told."""
    return next(each for each in READERS.values() if each.dialect == message.dialect).losses(message)


def lost_at(reader: Reader, message: Message) -> Sequence[str]:
    """What a reader of another kind than the sender loses, as the reader is told."""
    return reader.losses(as_another(message) if message.dialect == reader.dialect else message)


def page() -> str:
    """The page."""
    pairs = "".join(_sent_by(name, sender) for name, sender in SENDERS.items())
    contents = [(label, [_cell(said(reader, content)) for reader in READERS.values()]) for label, content in SAMPLES]
    return _HEAD + pairs + _TRAVELS + _table("a message", travels.ROWS) + _CONTENTS + _table("content", contents)


def _sent_by(name: str, sender: Sender) -> str:
    rows = []
    for kind in sender.samples:
        message = sender.message(kind)
        cells = [
            "as it was sent" if reader == name else _cell([*staying(message), *lost_at(READERS[reader], message)])
            for reader in READERS
        ]
        rows.append((kind, cells))
    return f"\n## From {name}\n{_table('kind', rows)}"


def _table(first: str, rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    lines = [(first, list(READERS)), ("---", ["---"] * len(READERS)), *rows]
    return "".join(f"| {label} | {' | '.join(cells)} |\n" for label, cells in lines)


def _cell(losses: Sequence[str]) -> str:
    return "<br>".join(map(_shown, losses)) or "exact"


def _shown(loss: str) -> str:
    field, _, what = loss.partition(": ")
    if what.startswith("dropped"):
        return f"dropped: {field}{what.removeprefix('dropped')}"
    if "stays in" in what:
        return f"dropped: {field}, {what}"
    return f"approximated: {field} {what}"
