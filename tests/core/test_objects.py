"""Bytes in a bucket of a server that speaks S3."""

import io
import time
from collections.abc import AsyncIterator

import pytest

from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind
from core.objects import Objects
from tests.core.bucket import Bucket
from tests.core.support import new_name, opened
from tests.harness import serve
from tests.servers import Engine, free_ports


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
async def objects(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Objects]:
    async with serve(bucket) as url:
        use(monkeypatch, url)
        yield Objects("s3://bucket/some/prefix")


def use(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("size", [0, 10, 5 * 1024 * 1024, 12_000_000])
async def test_bytes_come_back(objects: Objects, bucket: Bucket, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    await objects.write("1/2/ab/name", io.BytesIO(content))
    assert bucket.objects == {"some/prefix/1/2/ab/name": content}
    assert bucket.uploads == {}
    found = await objects.read("1/2/ab/name")
    assert found is not None
    assert found.size_bytes == size
    assert b"".join([piece async for piece in found.pieces]) == content
    await objects.delete(["1/2/ab/name", "1/2/ab/nothing"])
    assert bucket.objects == {}
    assert await objects.read("1/2/ab/name") is None


async def test_files_in_a_bucket(objects: Objects, bucket: Bucket, embedded_engine: Engine) -> None:
    clock = ManualClock(1_700_000_000_000)
    async with opened(embedded_engine.url, clock, objects) as core:
        tenant = await core.tenants.add(new_name())
        upload = core.files.spool()
        await upload.write(b"content")
        file = await core.files.put(tenant, upload, lifetime_ms=1_000)
        download = await core.files.get(tenant, file.id)
        assert [piece async for piece in download.content.pieces] == [b"content"]
        clock.move(60_000)
        await sweep(core)
        assert bucket.objects == {}


async def sweep(core: Core) -> None:
    for _ in range(1_000):
        if not await core.files.round():
            return


async def test_a_server_that_is_gone_is_said_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, f"http://127.0.0.1:{free_ports(1)[0]}")
    objects = Objects("s3://bucket")
    before = time.monotonic()
    for doing in (objects.write("a", io.BytesIO(b"x")), objects.read("a"), objects.delete(["a"])):
        with pytest.raises(Failure) as refused:
            await doing
        assert (refused.value.kind, refused.value.reason) == (Kind.STORE_UNAVAILABLE, "files")
    assert time.monotonic() - before < 15


@pytest.mark.parametrize("place", ["s3://", "s3:///prefix"])
def test_a_bucket_needs_a_name(place: str) -> None:
    with pytest.raises(ValueError, match="bucket"):
        Objects(place)
