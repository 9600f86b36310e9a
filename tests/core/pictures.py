"""Pictures for tests, harmless and not."""

import io
import struct
import zlib

from PIL import Image


def picture(kind: str, size: tuple[int, int] = (640, 480), mode: str = "RGB", **options: object) -> bytes:
    """A picture that does not compress well."""
    noise = Image.effect_noise(size, 90)
    made = Image.merge("RGB", (noise, noise.rotate(180), noise.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    if mode in ("RGBA", "LA"):
        made = made.convert(mode)
        made.putalpha(noise)
    elif mode == "I;16":
        made = noise.convert("I").point(lambda value: value * 256).convert("I;16")
    else:
        made = made.convert(mode)
    content = io.BytesIO()
    made.save(content, kind, **options)
    return content.getvalue()


def claimed_png(width: int, height: int, rows: int = 0) -> bytes:
    """A PNG that says it is this large, and has so many rows of nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes((4 * width + 1) * rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def scanned_jpeg(scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    whole = picture("JPEG", (128, 128), progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * scans + whole[-2:]
