"""A whole gateway keeps files where its operator says, and nothing of what was never complete."""

import os
import re
import signal
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from adapters.contract import Adapter
from tests.gateway.program import ROOT, WAIT_SECONDS, Program, running, until
from tests.gateway.test_files import Doings, list_files
from tests.gateway.vendor import Vendor, row
from tests.servers import Engine

CONTENT = bytes(range(256)) * 20_000
PIECES = 20
"""How many of it make a large file."""
PATH = "/acme/demo-acme/files"
KEY = {"Authorization": "Key demo-key"}


def create(_options: Mapping[str, Any]) -> Adapter:
    """A dialect that has files; the gateway finds it by an entry point."""
    doings = Doings()
    doings.limit = PIECES * len(CONTENT)
    return Vendor(
        routes=[
            row("POST", "/acme/{app}/files", doings.upload),
            row("GET", "/acme/{app}/files/{file}", doings.download, authentication=False),
        ]
    )


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """What lets the gateway find the dialect."""
    info = tmp_path / "packages" / "acme_dialect-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-dialect\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[chatgateway.adapters]\nacme = {__name__}:create\n")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), str(info.parent)]), "TMPDIR": str(temporary)}


def upload(program: Program) -> str:
    reply = httpx.post(program.url + PATH, files={"file": ("x", CONTENT)}, headers=KEY, timeout=WAIT_SECONDS)
    return str(reply.raise_for_status().json()["files"]["file"][0])


def download(program: Program, file: str) -> bytes:
    return httpx.get(f"{program.url}{PATH}/{file}", timeout=WAIT_SECONDS).raise_for_status().content


def peak_bytes(process: int) -> int:
    """The most memory that a process ever had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def test_no_file_is_held_in_memory(tmp_path: Path, variables: dict[str, str]) -> None:
    def form() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        for _ in range(PIECES):
            yield CONTENT
        yield b"\r\n--b--\r\n"

    variables["CHATGATEWAY_LIMITS__BODY_BYTES"] = "1000000000"
    headers = {**KEY, "Content-Type": "multipart/form-data; boundary=b"}
    with running(tmp_path, "--dev", variables=variables) as program:
        download(program, upload(program))
        before = peak_bytes(program.worker)
        sent = httpx.post(program.url + PATH, content=form(), headers=headers, timeout=WAIT_SECONDS)
        file = sent.raise_for_status().json()["files"]["file"][0]
        with httpx.stream("GET", f"{program.url}{PATH}/{file}", timeout=WAIT_SECONDS) as reply:
            assert sum(map(len, reply.iter_raw())) == PIECES * len(CONTENT)
        assert peak_bytes(program.worker) - before < PIECES * len(CONTENT) / 4


@pytest.mark.parametrize("place", ["", "elsewhere"])
def test_files_stay_where_the_operator_says(tmp_path: Path, variables: dict[str, str], place: str) -> None:
    if place:
        variables["CHATGATEWAY_FILES"] = place
    folder = tmp_path / place if place else tmp_path / "data" / "files"
    with running(tmp_path, "--dev", "--workers", "2", variables=variables) as program:
        file = upload(program)
        assert [path.name for path in list_files(folder)] == [file]
        assert (f"Files are kept in {folder}" in program.output) is bool(place)
        program.process.terminate()
        assert program.wait() == 0
    with running(tmp_path, "--dev", variables=variables) as program:
        assert download(program, file) == CONTENT
    assert list_files(tmp_path / "tmp") == []


def test_a_run_in_memory_leaves_no_files(tmp_path: Path, variables: dict[str, str], embedded_engine: Engine) -> None:
    for arguments in ([], ["--redis", embedded_engine.url]):
        with running(tmp_path, "--dev", *arguments, data=":memory:", variables=variables) as program:
            assert download(program, upload(program)) == CONTENT
            program.process.terminate()
            assert program.wait() == 0
        assert list((tmp_path / "tmp").iterdir()) == []


def test_a_worker_that_is_killed_in_mid_upload_leaves_nothing(tmp_path: Path, variables: dict[str, str]) -> None:
    with running(tmp_path, "--dev", variables=variables) as program:
        parts = urlsplit(program.url)
        worker = program.worker
        with socket.create_connection((parts.hostname, parts.port), WAIT_SECONDS) as connection:
            head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Key demo-key\r\n"
            head += f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(CONTENT)}\r\n\r\n"
            begun = '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
            connection.sendall(head.encode() + begun.encode() + CONTENT[:-1000])
            # It lies there, without a name: the kernel alone knows of it.
            until(lambda: any("(deleted)" in str(each.readlink()) for each in Path(f"/proc/{worker}/fd").iterdir()))
            os.kill(worker, signal.SIGKILL)
        until(lambda: program.worker not in (0, worker))
        program.wait_ready()
        assert list_files(tmp_path / "data" / "files") == []
        assert download(program, upload(program)) == CONTENT
