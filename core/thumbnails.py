"""Pictures made small, from files that anybody may have sent.

What is decoded has bounded pixels, so bounded memory (about 300 megabytes at the worst), and one picture is decoded at a
time. Who made the file chooses none of the code that reads it but that of a few common formats.
"""

import asyncio
import io
import logging
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

import msgspec
from PIL import Image, ImageOps

DEFAULT_BOX = (170, 170)
"""Width and height in pixels that a thumbnail fits into."""
LARGEST_BOX = 1024
OWN_THUMBNAIL_BYTES = 10 * 1024
"""A picture below this many bytes is its own thumbnail."""
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
_MAXIMUM_PIXELS = 1 << 24
_MAXIMUM_PIXELS_OF_JPEG = 25_000_000
"""More, since these come from cameras, and are decoded at a fraction of their size."""
_MAXIMUM_SCANS = 32
"""Of a progressive JPEG: each is a walk over the whole picture, and costs the sender a few bytes."""
_START_OF_SCAN = b"\xff\xda"
_PIECE = 1 << 20
_MAXIMUM_WAITING = 16
_QUALITY = 80
_ORIENTATION = 0x0112
_LYING = range(5, 9)
_PLAIN_MODES = frozenset({"L", "RGB", "LA", "RGBA"})

# Refused before anything is decoded, twice as much by an error of Pillow's own.
Image.MAX_IMAGE_PIXELS = _MAXIMUM_PIXELS_OF_JPEG
warnings.simplefilter("error", Image.DecompressionBombWarning)

_threads = ThreadPoolExecutor(1, "thumbnails")
_log = logging.getLogger(__name__)


class Picture(msgspec.Struct, frozen=True):
    """What a picture is, and its thumbnail unless it is its own."""

    width: int
    height: int
    media_type: str
    thumbnail: bytes = b""
    thumbnail_type: str = ""


class Thumbnails:
    """Makes thumbnails in a thread, one at a time."""

    def __init__(self) -> None:
        self._waiting = 0

    async def look_at(self, file: BinaryIO, size_bytes: int, box: tuple[int, int]) -> Picture | None:
        """The picture in a file, with a thumbnail that fits into `box` (pixels, up to `LARGEST_BOX`). None for what is no
        picture of a common format, has too many pixels, or comes while too many others wait."""
        if self._waiting >= _MAXIMUM_WAITING:
            _log.warning("too many pictures at once: one stays without a thumbnail")
            return None
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(_threads, _look_at, file, size_bytes, box)
        finally:
            self._waiting -= 1


def _look_at(file: BinaryIO, size_bytes: int, box: tuple[int, int]) -> Picture | None:
    try:
        file.seek(0)
        if file.read(2) == b"\xff\xd8" and _count_scans(file) > _MAXIMUM_SCANS:
            return None
        file.seek(0)
        with Image.open(file, formats=_FORMATS) as image:
            return _shrink(image, size_bytes, box)
    except Exception as problem:  # noqa: BLE001  # whatever a hostile file makes of a decoder, it only gets no thumbnail
        _log.debug("no picture: %r", problem)
        return None


def _count_scans(file: BinaryIO) -> int:
    """How often a scan begins, at least: a marker does not occur within what is compressed."""
    count, last = 0, b""
    while piece := file.read(_PIECE):
        count += (last + piece).count(_START_OF_SCAN)
        last = piece[-1:]
    return count


def _shrink(image: Image.Image, size_bytes: int, box: tuple[int, int]) -> Picture | None:
    is_jpeg = image.format in ("JPEG", "MPO")
    width, height = image.size
    if width * height > (_MAXIMUM_PIXELS_OF_JPEG if is_jpeg else _MAXIMUM_PIXELS):
        return None
    if image.format != "PNG" and image.getexif().get(_ORIENTATION) in _LYING:  # asking a PNG would decode it
        width, height = height, width
    picture = Picture(width, height, Image.MIME["JPEG" if is_jpeg else image.format or ""])
    if size_bytes < OWN_THUMBNAIL_BYTES:
        return picture
    box = (min(LARGEST_BOX, max(1, box[0])), min(LARGEST_BOX, max(1, box[1])))
    image.draft(None, (2 * max(box), 2 * max(box)))
    if image.mode not in _PLAIN_MODES:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    ImageOps.exif_transpose(image, in_place=True)
    image.thumbnail(box)
    content = io.BytesIO()
    has_alpha = image.mode in ("LA", "RGBA")
    if has_alpha:
        image.save(content, "PNG", optimize=True)
    else:
        image.save(content, "JPEG", quality=_QUALITY, optimize=True)
    if content.tell() >= size_bytes:
        return picture
    return msgspec.structs.replace(
        picture, thumbnail=content.getvalue(), thumbnail_type="image/png" if has_alpha else "image/jpeg"
    )
