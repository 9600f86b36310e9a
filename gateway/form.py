"""Receiving multipart forms: files go where long ones need no memory, fields are kept."""

import logging
from contextlib import ExitStack, closing

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from adapters.contract import Form, Upload
from core.errors import Failure, Kind
from core.files import Files
from core.spool import Spool
from gateway.body import Body
from gateway.headers import Headers

_REST_BYTES = 64 * 1024
"""What a form may have beside its largest file."""
_MAXIMUM_PARTS = 100
_OF_FIELDS = ("text/", "application/json")
"""What a part says to be that is a field all the same, unless it has a file's name."""

# It warns of every malformed form; that is the client's business, who is told.
logging.getLogger("python_multipart").setLevel(logging.ERROR)


class FormReader:
    """Reads the body of one request as a form. It knows nothing of the call that asks: what a request consists of must not
    refer to itself, or the collector has to free it."""

    __slots__ = ("_body", "_files", "_form", "_headers")

    def __init__(self, body: Body, headers: Headers, files: Files) -> None:
        self._body = body
        self._headers = headers
        self._files = files
        self._form: Form | None = None

    async def read(self, file_bytes: int) -> Form:
        """The body as a form; see `Call.form`."""
        if self._form is None:
            self._form = await _read_form(self._body, self._headers.get("content-type", ""), self._files, file_bytes)
        return self._form

    def close(self) -> None:
        """Let go of the form's files."""
        if self._form is not None:
            for upload in self._form.files.values():
                upload.content.close()


async def _read_form(body: Body, content_type: str, files: Files, file_bytes: int) -> Form:
    kind, options = parse_options_header(content_type.encode())
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        await body.feed(file_bytes, _ignore)  # read all the same, so that the connection can go on
        raise _malformed("The body is no multipart form")
    with ExitStack() as stack:
        parts = _Parts(boundary, files, file_bytes, stack)
        await body.feed(file_bytes + _REST_BYTES, parts.take)
        if not parts.complete:
            raise _malformed("The form has no end")
        stack.pop_all()
    return parts.form


class _Parts:
    """The parts of a form as they come. Files that it begins are closed with the stack."""

    def __init__(self, boundary: bytes, files: Files, file_bytes: int, stack: ExitStack) -> None:
        self.form = Form({}, {})
        self.complete = False
        self._files = files
        self._file_bytes = file_bytes
        self._stack = stack
        self._count = 0
        self._field_bytes = 0
        self._headers: dict[str, str] = {}
        self._header = (bytearray(), bytearray())
        self._name = ""
        self._field: bytearray | None = None
        self._spool: Spool | None = None
        self._arrived: list[tuple[Spool, bytes]] = []
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as problem:
            raise _malformed(str(problem)) from None

    async def take(self, piece: bytes) -> None:
        """Take the next piece of the body."""
        try:
            self._parser.write(piece)
        except FormParserError as problem:
            raise _malformed(str(problem)) from None
        arrived, self._arrived = self._arrived, []
        for spool, data in arrived:
            await spool.write(data)

    def _on_part_begin(self) -> None:
        self._count += 1
        if self._count > _MAXIMUM_PARTS:
            raise _malformed(f"The form has more than {_MAXIMUM_PARTS} parts")
        self._headers = {}

    def _on_header_end(self) -> None:
        name, value = self._header
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")
        self._header = (bytearray(), bytearray())

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition"))
        media_type = self._headers.get("content-type", "")
        self._name = _text(options.get(b"name", b""))
        self._field = self._spool = None
        if b"filename" not in options and (not media_type or media_type.lower().startswith(_OF_FIELDS)):
            self._field = bytearray()
        elif self._name not in self.form.files:
            self._spool = self._stack.enter_context(closing(self._files.spool(self._file_bytes)))
            upload = Upload(_text(options.get(b"filename", b"")), media_type, self._spool)
            self.form.files[self._name] = upload

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._spool is not None:
            self._arrived.append((self._spool, data[start:end]))
        elif self._field is not None:
            self._field_bytes += end - start
            if self._field_bytes > _REST_BYTES:
                raise Failure(Kind.TOO_LARGE, f"The fields have more than {_REST_BYTES} bytes", reason="body")
            self._field += data[start:end]

    def _on_part_end(self) -> None:
        if self._field is not None:
            self.form.fields.setdefault(self._name, _text(bytes(self._field)))

    def _on_end(self) -> None:
        self.complete = True


async def _ignore(_piece: bytes) -> None:
    return


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _malformed(text: str) -> Failure:
    return Failure(Kind.BAD_REQUEST, text, reason="form")
