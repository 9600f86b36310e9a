"""OzML, the vendor's XML: a document `Response` whose elements `SendMsg` are messages to be sent."""

from xml.parsers import expat

import msgspec

from core.errors import Failure, Kind

_MAXIMUM_DEPTH = 16
_MAXIMUM_ELEMENTS = 2_000
"""More than are ever sent at once: nobody has shown yet who he is."""


class SendMsg(msgspec.Struct):
    """One message; attributes by their names in lower case."""

    attributes: dict[str, str]
    text: str


def parse(raw: bytes) -> list[SendMsg]:
    """The messages of a document, in order; other elements are skipped. Raises *bad request* with reason `body` for what is
    no XML, has a document type (nothing here needs one), is nested deeply, has over 2,000 elements, or no message."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, ValueError, LookupError) as problem:
        raise Failure(Kind.BAD_REQUEST, f"The body is no XML: {problem}", reason="body") from None
    if not reader.found:
        raise Failure(Kind.BAD_REQUEST, "The document is no Response with a SendMsg", reason="body")
    return reader.found


class _Reader:
    def __init__(self) -> None:
        self.found: list[SendMsg] = []
        self._open: list[str] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._open.append(name.lower())
        self._count += 1
        if len(self._open) > _MAXIMUM_DEPTH or self._count > _MAXIMUM_ELEMENTS:
            raise Failure(Kind.BAD_REQUEST, "The body is nested too deeply, or has too much in it", reason="body")
        if self._open == ["response", "sendmsg"]:
            self.found.append(SendMsg({key.lower(): value for key, value in attributes.items()}, ""))

    def end(self, _name: str) -> None:
        self._open.pop()

    def characters(self, text: str) -> None:
        if self._open == ["response", "sendmsg"]:
            self.found[-1].text += text

    def refuse(self, *_declaration: object) -> None:
        raise Failure(Kind.BAD_REQUEST, "The body has a document type", reason="body")
