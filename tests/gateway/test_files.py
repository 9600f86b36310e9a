"""Uploads come in and files go out piece by piece, within limits."""

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from adapters.bodies import file_reply, json_reply
from adapters.contract import Call, Reply, Upload
from core.errors import StaleTenant, files_unavailable
from core.objects import Content, Objects
from gateway.limits import Limits
from tests.gateway.vendor import Vendor, row
from tests.harness import House, open_house, serve
from tests.servers import Engine

FILE_BYTES = 100_000
LARGE_BYTES = 12_000_000
LIMITS = Limits(body_seconds=0.1, body_idle_seconds=0.2, upload_seconds=0.5)


class Doings:
    """Handlers that keep and give files, and what they saw."""

    def __init__(self) -> None:
        self.uploads: list[Upload] = []
        self.stale = 0
        self.limit = FILE_BYTES

    async def upload(self, call: Call) -> Reply:
        form = await call.form(self.limit)
        assert await call.form(self.limit) is form
        self.uploads += form.files.values()
        if self.stale:
            self.stale -= 1
            raise StaleTenant(call.tenant.number)
        ids = {}
        for name, upload in form.files.items():
            file = await call.core.files.put(
                call.tenant, upload.content, name=upload.name, media_type=upload.media_type
            )
            ids[name] = [file.id, upload.name, file.media_type, file.size_bytes]
        return json_reply(200, {"fields": form.fields, "files": ids})

    async def download(self, call: Call) -> Reply:
        file = call.parameters["file"]
        tenant = await call.core.files.tenant_of(file)
        assert tenant is not None
        return file_reply(await call.core.files.get(tenant, file), [(b"x-more", b"yes")])

    async def broken(self, call: Call) -> Reply:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"half"
            raise files_unavailable()

        return Reply(200, b"", [(b"content-type", b"text/plain")], Content(8, pieces()))


@pytest.fixture
def doings() -> Doings:
    return Doings()


@pytest.fixture
async def house(embedded_engine: Engine, doings: Doings, tmp_path: Path) -> AsyncIterator[House]:
    routes = [
        row("POST", "/acme/{app}/files", doings.upload, operation="files.put"),
        row("GET", "/acme/{app}/files/{file}", doings.download, operation="files.get", authentication=False),
        row("GET", "/acme/{app}/broken", doings.broken, operation="broken", authentication=False),
    ]
    objects = Objects(str(tmp_path))
    async with open_house(embedded_engine.url, [Vendor(routes=routes)], limits=LIMITS, objects=objects) as house:
        application = house.application("acme")
        house.names |= {"app": application.name, "key": application.credentials[0].secret}
        yield house


def address(house: House, rest: str = "") -> str:
    return f"/acme/{house.names['app']}/files{rest}"


def key(house: House) -> dict[str, str]:
    return {"Authorization": f"Key {house.names['key']}"}


async def send(house: House, body: bytes, boundary: str = "b", **headers: str) -> httpx.Response:
    return await house.client.post(
        address(house),
        content=body,
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}", **key(house), **headers},
    )


def part(disposition: str, content: bytes, *headers: str) -> bytes:
    lines = [f"Content-Disposition: form-data; {disposition}", *headers]
    return b"--b\r\n" + "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + content + b"\r\n"


END = b"--b--\r\n"


async def test_a_file_comes_and_goes_over_real_connections(house: House, doings: Doings) -> None:
    doings.limit = LARGE_BYTES
    content = random.Random(1).randbytes(LARGE_BYTES)  # noqa: S311
    async with serve(house.app, LIMITS) as url, httpx.AsyncClient(base_url=url) as client:
        sent = {"file": ("größe.bin", content, "application/x-thing")}
        response = await client.post(address(house), files=sent, data={"filename": "other"}, headers=key(house))
        found = response.json()
        file, *rest = found["files"]["file"]
        assert found["fields"] == {"filename": "other"}
        assert rest == ["größe.bin", "application/x-thing", LARGE_BYTES]
        got = await client.get(address(house, f"/{file}"))
        assert got.content == content
        assert got.headers["content-length"] == str(LARGE_BYTES)
        assert got.headers["content-type"] == "application/x-thing"
        assert (got.headers["content-disposition"], got.headers["x-content-type-options"]) == ("attachment", "nosniff")
        assert got.headers["x-more"] == "yes"
        head = await client.head(address(house, f"/{file}"))
        assert (head.headers["content-length"], head.content) == (str(LARGE_BYTES), b"")
        assert (await client.get(address(house, f"/{file}"))).content == content  # the connection is as it was
        assert [line["bytes_out"] for line in house.log.requests[1:3]] == [LARGE_BYTES, 0]
    assert all(upload.content._file is not None and upload.content._file.closed for upload in doings.uploads)


@pytest.mark.parametrize(
    ("media_type", "disposition"),
    [
        ("image/png", "inline"),
        ("video/mp4; codecs=avc1", "inline"),
        ("audio/amr", "inline"),
        ("image/svg+xml", "attachment"),
        ("text/html", "attachment"),
        ("", "attachment"),
    ],
)
async def test_nothing_of_anybodys_runs_as_ours(house: House, media_type: str, disposition: str) -> None:
    body = part('name="file"; filename="x"', b"<script>", f"Content-Type: {media_type}") + END
    (file, *_) = (await send(house, body)).json()["files"]["file"]
    got = await house.client.get(address(house, f"/{file}"))
    assert (got.headers["content-disposition"], got.content) == (disposition, b"<script>")
    assert got.headers["content-type"] == (media_type or "application/octet-stream")


FORMS: list[tuple[str, bytes, Any]] = [
    ("nothing", END, ({}, {})),
    ("a field", part('name="a"', b"1") + END, ({"a": "1"}, {})),
    ("the first of a name", part('name="a"', b"1") + part('name="a"', b"2") + END, ({"a": "1"}, {})),
    (
        "the first file of a name",
        part('name="f"; filename="1"', b"one") + part('name="f"; filename="2"', b"three") + END,
        ({}, {"f": ["1", "application/octet-stream", 3]}),
    ),
    ("a file without a name", part('filename="x"', b"") + END, ({}, {"": ["x", "application/octet-stream", 0]})),
    (
        "a file that only has a type",
        part('name="f"', b"xy", "Content-Type: image/webp") + END,
        ({}, {"f": ["", "image/webp", 2]}),
    ),
    ("a typed field", part('name="a"', b"{}", "Content-Type: Application/JSON") + END, ({"a": "{}"}, {})),
    ("no UTF-8", part('name="a"', b"\xff") + END, ({"a": "\ufffd"}, {})),
    ("fields behind the file", part('name="f"; filename="f"', b"1") + part('name="a"', b"x") + END, ({"a": "x"}, {"f": ["f", "application/octet-stream", 1]})),
    ("an epilogue", part('name="a"', b"1") + END + b"and more", ({"a": "1"}, {})),
    ("the largest file", part('name="f"; filename="f"', b"x" * FILE_BYTES) + END, ({}, {"f": ["f", "application/octet-stream", FILE_BYTES]})),
    ("the largest field", part('name="a"', b"x" * 65_000) + END, ({"a": "x" * 65_000}, {})),
    ("what looks like a boundary", part('name="a"', b"\r\n--bb\r\n-- b") + END, ({"a": "\r\n--bb\r\n-- b"}, {})),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), [each[1:] for each in FORMS], ids=[each[0] for each in FORMS])
async def test_forms(house: House, body: bytes, expected: Any) -> None:
    response = await send(house, body)
    found = response.json()
    assert response.status_code == 200
    assert (found["fields"], {name: file[1:] for name, file in found["files"].items()}) == expected


async def test_a_form_is_the_same_however_it_is_cut(house: House) -> None:
    content = random.Random(2).randbytes(3_000).replace(b"\n", b"\r\n--")  # noqa: S311
    body = part('name="a"', b"1") + part('name="f"; filename="x"', content) + part('name="b"', b"2") + END
    for seed in range(40):
        chance = random.Random(seed)  # noqa: S311
        places = sorted({0, len(body), *(chance.randrange(len(body)) for _ in range(chance.randrange(1, 60)))})
        source = Source([body[one:two] for one, two in itertools.pairwise(places)])
        await source.run(house)
        found = source.reply
        assert found["fields"] == {"a": "1", "b": "2"}
        file = found["files"]["f"][0]
        assert (await house.client.get(address(house, f"/{file}"))).content == content


def malformed(status: int, why: str, body: bytes, boundary: str = "b", **headers: str) -> Any:
    return pytest.param(status, why, body, boundary, headers)


@pytest.mark.parametrize(
    ("status", "why", "body", "boundary", "headers"),
    [
        malformed(400, "form", b"", **{"Content-Type": "application/json"}),
        malformed(400, "form", b"{}", **{"Content-Type": ""}),
        malformed(400, "form", b"a=1", **{"Content-Type": "application/x-www-form-urlencoded"}),
        malformed(400, "form", END, **{"Content-Type": "multipart/form-data"}),
        malformed(400, "form", END, "x" * 300),
        malformed(400, "form", b""),
        malformed(400, "form", b"nonsense"),
        malformed(400, "form", b"--c\r\n\r\n\r\n--c--\r\n"),
        malformed(400, "form", part('name="a"', b"1")),
        malformed(400, "form", part('name="f"; filename="f"', b"x" * 5_000)[:-100]),
        malformed(400, "form", part('name="a"', b"", "no header at all") + END),
        malformed(400, "form", part('name="a"', b"", f"X: {'x' * 5_000}") + END),
        malformed(400, "form", part('name="a"', b"", *["X: y"] * 50) + END),
        malformed(400, "form", part('name="a"', b"1") * 101 + END),
        malformed(413, "file", part('name="f"; filename="f"', b"x" * (FILE_BYTES + 1)) + END),
        malformed(413, "body", part('name="a"', b"x" * 66_000) + END),
        malformed(413, "body", part('name="f"; filename="f"', b"x" * (2 * FILE_BYTES)) + END),
        malformed(413, "body", b"x" * (2 * FILE_BYTES), **{"Content-Type": "application/json"}),
    ],
)
async def test_what_is_no_form_is_refused(
    house: House, doings: Doings, status: int, why: str, body: bytes, boundary: str, headers: dict[str, str]
) -> None:
    response = await send(house, body, boundary, **headers)
    assert (response.status_code, response.json()["why"]) == (status, why)
    assert doings.uploads == []


async def test_a_part_without_a_disposition_is_a_field_without_a_name(house: House) -> None:
    response = await send(house, b"--b\r\n\r\n1\r\n" + END)
    assert response.json() == {"fields": {"": "1"}, "files": {}}


async def test_a_boundary_in_letters_of_the_client_s_own(house: House) -> None:
    body = "größe-日".encode()
    content = b"--" + body + b'\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--' + body + b"--\r\n"
    content_type = b'multipart/form-data; boundary="' + body + b'"'
    headers = {b"Content-Type": content_type, b"Authorization": key(house)["Authorization"].encode()}
    response = await house.client.post(address(house), content=content, headers=headers)
    assert (response.status_code, response.json()["fields"]) == (200, {"a": "1"})
    headers[b"Content-Type"] = "größe".encode()
    assert (await house.client.post(address(house), content=content, headers=headers)).status_code == 400


async def test_a_stale_tenant_repeats_the_upload(house: House, doings: Doings) -> None:
    doings.stale = 3
    response = await send(house, part('name="f"; filename="f"', b"content") + END)
    file = response.json()["files"]["f"][0]
    assert len(doings.uploads) == 4
    assert (await house.client.get(address(house, f"/{file}"))).content == b"content"


class Source:
    """An upload whose body comes piece by piece, and then ends as it says."""

    def __init__(self, pieces: list[bytes], end: str = "complete") -> None:
        self.pieces = list(pieces)
        self.end = end
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self.end == "repeats":
            if len(self.pieces) > 1:
                return {"type": "http.request", "body": self.pieces.pop(0), "more_body": True}
            return {"type": "http.request", "body": self.pieces[0], "more_body": True}
        if self.pieces:
            more = len(self.pieces) > 1 or self.end != "complete"
            return {"type": "http.request", "body": self.pieces.pop(0), "more_body": more}
        if self.end == "silence":
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def run(self, house: House) -> None:
        path = address(house).encode()
        scope = {
            "type": "http",
            "method": "POST",
            "scheme": "http",
            "raw_path": path,
            "path": path.decode(),
            "query_string": b"",
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "headers": [
                (b"authorization", f"Key {house.names['key']}".encode()),
                (b"content-type", b"multipart/form-data; boundary=b"),
                (b"host", b"gateway.test"),
            ],
        }
        await asyncio.wait_for(house.app(scope, self.receive, self.send), 10)

    @property
    def reply(self) -> Any:
        return json.loads(b"".join(message.get("body", b"") for message in self.sent))

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None

    @property
    def closes(self) -> bool:
        return (b"connection", b"close") in self.sent[0]["headers"]


BEGUN = part('name="f"; filename="f"', b"begun")[:-2]


@pytest.mark.parametrize(
    ("pieces", "end", "status"),
    [
        ([BEGUN], "silence", 408),
        ([BEGUN, b""], "repeats", 408),
        ([BEGUN, b"x"], "repeats", 408),
        ([BEGUN, b"x" * 65_536], "repeats", 413),
        ([b"nonsense"], "silence", 400),
        ([b"nonsense"], "repeats", 400),
        ([BEGUN], "leaves", None),
    ],
)
async def test_an_upload_that_does_not_end(
    house: House, doings: Doings, pieces: list[bytes], end: str, status: int | None, tmp_path: Path
) -> None:
    source = Source(pieces, end)
    await source.run(house)
    assert source.status == status
    assert doings.uploads == []
    assert status is None or source.closes
    assert list_files(tmp_path) == []


def list_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_file_that_can_t_be_read_to_its_end_is_cut_off(house: House) -> None:
    async with serve(house.app, LIMITS) as url:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(f"GET /acme/{house.names['app']}/broken HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        received = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert received.endswith(b"\r\n\r\nhalf")
    assert b"content-length: 8\r\n" in received
    line = house.log.requests[-1]
    assert (line["failure"], line["reason"], line["bytes_out"]) == ("store_unavailable", "files", 4)
