"""docs/losses.md: what each dialect says that it can't carry of each kind of content.

The translations themselves are asked: they say their losses where they translate, and nothing of it is written down here.
"""

from collections.abc import Callable, Mapping

from adapters.applozic import content as applozic
from adapters.applozic.files import nowhere
from adapters.chat21.content import default_fields
from adapters.easemob.content import write
from adapters.ozeki.content import plain_text
from core.model import Audio, Content, Custom, Event, File, Html, Image, Location, Message, Signal, Tenant, Text, Video

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

Made by `make docs`: every kind of content, as another dialect may have sent it, is put through each dialect's own
translation, and this is what it says. *bare*: with the fields only that the kind must have; *whole*: with all that it can
have. The same words stand in the header `X-Gateway-Loss` and in the request's log line. What a dialect sent itself it
gives back as it was.

"""


def _by_easemob(content: Content) -> list[str]:
    losses: list[str] = []
    write(Message("ann", content, "another"), losses)
    return losses


def _by_chat21(content: Content) -> list[str]:
    losses: list[str] = []
    default_fields(content, None, losses)
    return losses


def _by_ozeki(content: Content) -> list[str]:
    losses: list[str] = []
    plain_text(content, losses)
    return losses


def _by_applozic(content: Content) -> list[str]:
    return applozic.losses(Message("ann", content, "another"), nowhere(Tenant(1, "", b"")))


SAID: Mapping[str, Callable[[Content], list[str]]] = {
    "easemob": _by_easemob,
    "chat21": _by_chat21,
    "applozic": _by_applozic,
    "ozeki": _by_ozeki,
}
"""What a dialect says that it loses of a content which another dialect sent."""


def page() -> str:
    """The page."""
    head = "".join(f" {name} |" for name in SAID)
    rows = "".join(
        f"| {label} |" + "".join(f" {_cell(said(content))} |" for said in SAID.values()) + "\n"
        for label, content in SAMPLES
    )
    return f"{_HEAD}| content |{head}\n| --- |{' --- |' * len(SAID)}\n{rows}"


def _cell(losses: list[str]) -> str:
    return "<br>".join(map(_shown, losses)) or "exact"


def _shown(loss: str) -> str:
    field, _, what = loss.partition(": ")
    return f"dropped: {field}" if what.startswith("dropped") else f"approximated: {field} {what}"
