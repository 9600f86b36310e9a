"""Files in messages: the vendor's `fileMeta`, both ways, pure.

Of a file that is kept here each reader gets his own addresses, so those of the sender are not kept.
"""

from typing import Any
from urllib.parse import unquote, urlsplit

from adapters.applozic.files import thumbnail_key
from adapters.applozic.wire import whole
from adapters.files import FileAddresses
from core.files import file_reference, referenced_file
from core.ids import file_tenant
from core.model import Audio, Content, File, Image, Video

ABSENT = "absent"
"""Where leftovers keep the names of fields of `fileMeta` that the rendering has and the message had not."""
FILE = "fileMeta"
AUDIO, VIDEO = 8, 9
"""Types of messages that tell a file's kind where its media type does not."""

_MEDIA_TYPES = {Image: "image/*", Audio: "audio/*", Video: "video/*", File: "application/octet-stream"}

Attachment = File | Image | Audio | Video


def read_file(kind: int, given: dict[str, Any], files: FileAddresses) -> Attachment:
    """A file by its media type. The vendor's own are named by `blobKey` alone, in some clients."""
    url, blob, name, thumbnail = (_text(given, field) for field in ("url", "blobKey", "name", "thumbnailUrl"))
    media_type, size = _text(given, "contentType"), whole(given.get("size"))
    if not url and blob and file_tenant(blob) == files.tenant.number:
        url = file_reference(blob)
    common: dict[str, Any] = {
        "url": url or thumbnail or blob or "",
        "name": name,
        "size_bytes": size if size is not None and size >= 0 else None,
        "media_type": media_type,
    }
    family = (media_type or "").partition("/")[0].lower()
    if family == "image":
        return Image(**common)
    if family == "audio" or (kind == AUDIO and not family):
        return Audio(**common)
    if family == "video" or (kind == VIDEO and not family):
        return Video(**common, thumbnail_url=thumbnail)
    return File(**common)


def leftovers(given: dict[str, Any], written: dict[str, Any], files: FileAddresses) -> dict[str, Any]:
    """What of `fileMeta` the rendering does not say. The addresses of a file that is kept here are each reader's own."""
    kept = {
        name: value
        for name, value in given.items()
        if name not in written or not (_same(value, written[name]) or _is_same_place(value, written[name], files))
    }
    left: dict[str, Any] = {FILE: kept} if kept else {}
    absent = [name for name in written if name not in given]
    if absent:
        left[ABSENT] = absent
    return left


def _is_same_place(one: Any, other: str, files: FileAddresses) -> bool:
    """Whether these are two addresses of one file that is kept here, at different hosts."""
    if not isinstance(one, str) or not isinstance(other, str) or not other.startswith(files.prefix):
        return False
    return one.startswith("http") and one.partition(files.base)[2] == other[len(files.prefix) :]


def _same(one: Any, other: Any) -> bool:
    return one == other and type(one) is type(other)


def write_file(shown: Attachment, stored: Content, files: FileAddresses, losses: list[str]) -> dict[str, Any]:
    """The `fileMeta` of a file; `shown` has the reader's addresses in place of the references in `stored`."""
    meta: dict[str, Any] = {"url": shown.url}
    file = referenced_file(stored.url) if isinstance(stored, (File, Image, Audio, Video)) else None
    if file is not None and stored is not shown:
        meta["blobKey"] = file
        if isinstance(shown, Image):
            small = meta["thumbnailBlobKey"] = thumbnail_key(file)
            meta["thumbnailUrl"] = shown.url.replace(files.prefix + file, files.prefix + small, 1)
    if shown.secret is not None:
        losses.append("secret: dropped, this dialect opens files by URL alone")
    if isinstance(shown, Video) and shown.thumbnail_url is not None:
        meta["thumbnailUrl"] = shown.thumbnail_url
        if shown.thumbnail_secret is not None:
            losses.append("thumbnail secret: dropped, this dialect opens files by URL alone")
    if isinstance(shown, (Image, Video)) and (shown.width is not None or shown.height is not None):
        losses.append("size in pixels: dropped")
    if isinstance(shown, (Audio, Video)) and shown.length_seconds is not None:
        losses.append("length: dropped")
    meta |= {"name": shown.name, "size": shown.size_bytes, "contentType": shown.media_type}
    return {name: value for name, value in meta.items() if value is not None}


def fill(fields: dict[str, Any], shown: Content, losses: list[str]) -> None:
    """What this dialect's clients need to find of a file and another dialect did not give."""
    if not isinstance(shown, (Image, Audio, Video, File)):
        return
    meta = fields[FILE]
    if "contentType" not in meta:
        meta["contentType"] = _MEDIA_TYPES[type(shown)]
        losses.append(f"fileMeta.contentType: defaulted to {meta['contentType']}")
    if "name" not in meta:
        meta["name"] = unquote(_last_part(shown.url)) or "file"
        losses.append("fileMeta.name: defaulted to the last part of the URL")


def _text(given: dict[str, Any], field: str) -> str | None:
    value = given.get(field)
    return value if isinstance(value, str) else None


def _last_part(url: str) -> str:
    try:
        return urlsplit(url).path.rpartition("/")[2]
    except ValueError:  # not a URL at all
        return ""
