"""Pictures are really shrunk, whatever pretends to be one is not, and none of them costs more than it should."""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import closing

import pytest
from PIL import ExifTags, Image

from core import thumbnails
from core.core import Core
from core.model import StoredFile, Tenant
from core.thumbnails import DEFAULT_BOX, OWN_THUMBNAIL_BYTES
from tests.core.pictures import claimed_png, picture, scanned_jpeg
from tests.core.support import new_name, opened
from tests.servers import Engine

BOMB_SECONDS = 5.0
LIMIT = 20_000_000


class Keeper:
    """Keeps pictures of one tenant."""

    def __init__(self, core: Core, tenant: Tenant) -> None:
        self.core = core
        self.tenant = tenant

    async def put(
        self, content: bytes, media_type: str | None = None, box: tuple[int, int] = DEFAULT_BOX
    ) -> StoredFile:
        with closing(self.core.files.spool(LIMIT)) as upload:
            await upload.write(content)
            return await self.core.files.put(self.tenant, upload, media_type=media_type, thumbnail=box)

    async def get(self, file: StoredFile, *, thumbnail: bool = True) -> bytes:
        download = await self.core.files.get(self.tenant, file.id, thumbnail=thumbnail)
        return b"".join([piece async for piece in download.content.pieces])

    async def shrunk(self, file: StoredFile) -> Image.Image:
        """The thumbnail, which has to be one."""
        assert file.thumbnail is not None
        content = await self.get(file)
        assert len(content) == file.thumbnail.size_bytes < file.size_bytes
        small = Image.open(io.BytesIO(content))
        assert Image.MIME[small.format or ""] == file.thumbnail.media_type
        small.load()
        return small


@pytest.fixture
async def keeper(embedded_engine: Engine) -> AsyncIterator[Keeper]:
    async with opened(embedded_engine.url) as core:
        yield Keeper(core, await core.tenants.add(new_name()))


@pytest.mark.parametrize(
    ("kind", "mode", "small"),
    [
        ("JPEG", "RGB", "JPEG"),
        ("JPEG", "L", "JPEG"),
        ("JPEG", "CMYK", "JPEG"),
        ("PNG", "RGB", "JPEG"),
        ("PNG", "RGBA", "PNG"),
        ("PNG", "LA", "PNG"),
        ("PNG", "P", "JPEG"),
        ("PNG", "1", "JPEG"),
        ("PNG", "I;16", "JPEG"),
        ("GIF", "P", "JPEG"),
        ("WEBP", "RGB", "JPEG"),
        ("WEBP", "RGBA", "PNG"),
        ("BMP", "RGB", "JPEG"),
    ],
)
async def test_pictures_are_shrunk(keeper: Keeper, kind: str, mode: str, small: str) -> None:
    content = picture(kind, mode=mode)
    file = await keeper.put(content)
    assert (file.width, file.height, file.media_type) == (640, 480, Image.MIME[kind])
    thumbnail = await keeper.shrunk(file)
    assert (thumbnail.size, thumbnail.format) == ((170, 128), small)
    assert await keeper.get(file, thumbnail=False) == content


@pytest.mark.parametrize(
    ("box", "size"),
    [((100, 100), (100, 75)), ((50, 1000), (50, 38)), ((1, 1), (1, 1)), ((0, -5), (1, 1)), ((9999, 9999), (640, 480))],
)
async def test_a_thumbnail_fits_into_what_was_asked_for(
    keeper: Keeper, box: tuple[int, int], size: tuple[int, int]
) -> None:
    file = await keeper.put(picture("PNG"), box=box)
    assert (await keeper.shrunk(file)).size == size


async def test_a_camera_held_upright(keeper: Keeper) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "canary"
    file = await keeper.put(picture("JPEG", (1200, 800), exif=exif))
    assert (file.width, file.height) == (800, 1200)
    thumbnail = await keeper.shrunk(file)
    assert thumbnail.size == (113, 170)
    assert not thumbnail.getexif()


async def test_a_small_picture_is_its_own_thumbnail(keeper: Keeper) -> None:
    content = picture("PNG", (40, 40))
    assert len(content) < OWN_THUMBNAIL_BYTES
    file = await keeper.put(content)
    assert (file.width, file.height, file.thumbnail) == (40, 40, None)
    assert await keeper.get(file) == content


@pytest.mark.parametrize("filler", [OWN_THUMBNAIL_BYTES - 1, OWN_THUMBNAIL_BYTES])
async def test_ten_kilobytes_are_where_it_begins(keeper: Keeper, filler: int) -> None:
    content = picture("BMP", (60, 50)).ljust(filler, b"\0")
    file = await keeper.put(content)
    assert (file.thumbnail is not None) is (filler == OWN_THUMBNAIL_BYTES)


async def test_the_media_type_that_was_given_stays(keeper: Keeper) -> None:
    content = picture("PNG", (40, 40))
    types = [(await keeper.put(content, given)).media_type for given in (None, "application/octet-stream", "image/x-y")]
    assert types == ["image/png", "image/png", "image/x-y"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8",
        b"no picture" * 2_000,
        picture("TIFF"),
        picture("JPEG")[:20_000],
        picture("PNG")[:20_000],
        picture("WEBP")[:20_000],
        picture("GIF")[:200] + b"\xff" * 20_000,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 500,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n" * 500,
    ],
)
async def test_what_is_no_whole_picture_is_kept_as_it_is(keeper: Keeper, content: bytes) -> None:
    file = await keeper.put(content, "image/png")
    assert file.thumbnail is None
    assert file.media_type == "image/png"
    assert await keeper.get(file) == content


def gif_with_a_large_frame() -> bytes:
    whole = bytearray(picture("GIF", (200, 200), mode="P"))
    whole[6:10] = b"\xff\xff\xff\xff"
    return bytes(whole)


@pytest.mark.parametrize(
    "content",
    [
        claimed_png(60_000, 60_000).ljust(OWN_THUMBNAIL_BYTES, b"\0"),
        claimed_png(20_000, 20_000, rows=20_000),
        claimed_png(4_097, 4_097, rows=4_097),
        gif_with_a_large_frame(),
        scanned_jpeg(500),
    ],
    ids=["claims", "nothing, packed", "a little too large", "screen", "scans"],
)
async def test_a_bomb_is_not_lit(keeper: Keeper, content: bytes) -> None:
    before = time.perf_counter()
    file = await keeper.put(content)
    assert (file.thumbnail, file.width) == (None, None)
    assert time.perf_counter() - before < BOMB_SECONDS


async def test_the_largest_picture_is_shrunk(keeper: Keeper) -> None:
    content = io.BytesIO()
    Image.new("RGB", (5_000, 5_000), (1, 2, 3)).save(content, "JPEG", progressive=True)
    file = await keeper.put(content.getvalue())
    assert (await keeper.shrunk(file)).size == (170, 170)
    file = await keeper.put(claimed_png(4_096, 4_096, rows=4_096).ljust(1_000_000, b"\0"))
    assert (await keeper.shrunk(file)).size == (170, 170)


async def test_too_many_at_once_stay_without(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "_MAXIMUM_WAITING", 2)
    content = picture("PNG")
    files = await asyncio.gather(*(keeper.put(content) for _ in range(5)))
    assert sorted(file.thumbnail is not None for file in files) == [False] * 3 + [True] * 2
    assert [await keeper.get(file, thumbnail=False) for file in files] == [content] * 5
    assert (await keeper.put(content)).thumbnail is not None


async def test_thumbnails_go_with_their_file(keeper: Keeper) -> None:
    file = await keeper.put(picture("PNG"))
    assert await keeper.core.files.remove(keeper.tenant, file.id)
    await keeper.core.files.round()
    found = [name async for page in keeper.core.files._objects._opened().list() for name in page]
    assert found == []
