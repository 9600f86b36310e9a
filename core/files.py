"""Use cases of files: keeping what was uploaded, giving it back, ending it."""

import hmac
import io
import logging
import random
import re
import secrets
from collections import deque

import msgspec

from core.clock import Clock
from core.errors import Failure, Kind, files_unavailable
from core.ids import file_tenant, new_file_id
from core.model import StoredFile, Tenant, Thumbnail, UserKey
from core.objects import Content, Objects
from core.spool import Spool
from core.store.files import Bytes, FileStore
from core.store.keys import PARTITIONS
from core.tenants import Tenants
from core.thumbnails import DEFAULT_BOX, Thumbnails

DEFAULT_LIMIT = 10 * 1024 * 1024
"""Bytes of a file that a dialect takes unless it says otherwise."""
UNFINISHED_MS = 900_000
"""After which bytes that were written and never became a file are deleted."""
ANY_MEDIA_TYPE = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[\w.+!#$&^-]{1,63}/[\w.+!#$&^-]{1,63}(; ?[\w-]{1,32}=[\w.+/-]{1,64}){0,4}", re.ASCII)
_MAXIMUM_NAME_BYTES = 255
_SECRET_BYTES = 18
_REFERENCE = "file:"
_LOOK_MS = 60_000
"""Between two looks for what has ended."""
_CALLS_A_ROUND = 64

_log = logging.getLogger(__name__)


class Download(msgspec.Struct):
    """A file, and the bytes that were asked for: its own or those of its thumbnail. Each piece raises *store unavailable* when
    the rest can't be read."""

    file: StoredFile
    media_type: str
    content: Content


class Files:
    """The files of all tenants."""

    def __init__(self, store: FileStore, objects: Objects, tenants: Tenants, clock: Clock) -> None:
        self._store = store
        self._objects = objects
        self._tenants = tenants
        self._clock = clock
        self._thumbnails = Thumbnails()
        self._work: deque[int] = deque()
        self._looked = 0

    def spool(self, limit: int = DEFAULT_LIMIT) -> Spool:
        """Where an upload of up to `limit` bytes is received. Close it when done."""
        return self._objects.spool(limit)

    async def put(
        self,
        tenant: Tenant,
        content: Spool,
        *,
        name: str | None = None,
        media_type: str | None = None,
        owner: UserKey | None = None,
        restricted: bool = False,
        lifetime_ms: int | None = None,
        thumbnail: tuple[int, int] = DEFAULT_BOX,
    ) -> StoredFile:
        """Keep what was received. `restricted` gives it a secret; without `lifetime_ms` it stays until somebody ends it. A
        picture of 10 KB or more gets a thumbnail that fits into `thumbnail` (width and height in pixels, up to 1,024).

        Either all of it is kept, or nothing that anybody can see. Raises *store unavailable*, with reason `files` when it is
        the place of the bytes.
        """
        picture = await self._thumbnails.look_at(await content.reader(), content.size_bytes, thumbnail)
        media_type = _clean_media_type(media_type)
        if picture is not None and media_type == ANY_MEDIA_TYPE:
            media_type = picture.media_type
        small = picture.thumbnail if picture is not None else b""
        now = self._clock.now()
        file = StoredFile(
            id=new_file_id(tenant.number),
            expires=None if lifetime_ms is None else now + lifetime_ms,
            owner=owner,
            created=now,
            size_bytes=content.size_bytes,
            media_type=media_type,
            name=_clean_name(name),
            secret=secrets.token_urlsafe(_SECRET_BYTES) if restricted else None,
            width=picture.width if picture is not None else None,
            height=picture.height if picture is not None else None,
            thumbnail=Thumbnail(len(small), picture.thumbnail_type) if picture is not None and small else None,
        )
        await self._store.note(tenant, file.id, now + UNFINISHED_MS)
        own, beside = _names(Bytes(tenant.number, tenant.generation, file.id))
        await self._objects.write(own, await content.reader())
        if small:
            await self._objects.write(beside, io.BytesIO(small))
        if not await self._store.keep(tenant, file):
            _log.error("writing a file took over %d s: what was written is deleted", UNFINISHED_MS // 1000)
            raise files_unavailable()
        return file

    async def find(self, tenant: Tenant, file: str) -> StoredFile:
        """A file by its id. Raises *not found* with reason `file`, or for 30 days after it has expired `file_expired`."""
        found = await self._store.find(tenant, file) if file_tenant(file) == tenant.number else None
        if found is None:
            raise Failure(Kind.NOT_FOUND, "There is no such file", reason="file", subject=file)
        if found.expires is not None and found.expires <= self._clock.now():
            raise Failure(Kind.NOT_FOUND, "The file has expired", reason="file_expired", subject=file)
        return found

    async def get(self, tenant: Tenant, file: str, secret: str | None = None, *, thumbnail: bool = False) -> Download:
        """The bytes of a file, or of its thumbnail if it has one of its own.

        Raises like `find`, *unauthenticated* with reason `secret` when a restricted one is asked for without its secret, *store
        unavailable* with reason `files`.
        """
        found = await self.find(tenant, file)
        if found.secret is not None and not hmac.compare_digest(found.secret.encode(), (secret or "").encode()):
            raise Failure(Kind.UNAUTHENTICATED, "The file's secret is needed", reason="secret", subject=file)
        own, beside = _names(Bytes(tenant.number, tenant.generation, file))
        small = found.thumbnail if thumbnail else None
        content = await self._objects.read(beside if small is not None else own)
        expected = small.size_bytes if small is not None else found.size_bytes
        if content is None or content.size_bytes != expected:
            _log.error("file %s has lost its bytes", file)
            raise Failure(Kind.NOT_FOUND, "The file is lost", reason="file", subject=file)
        return Download(found, small.media_type if small is not None else found.media_type, content)

    async def remove(self, tenant: Tenant, file: str) -> bool:
        """End a file: nobody gets it from now on, and its bytes go within some minutes. False when there is none."""
        return file_tenant(file) == tenant.number and await self._store.remove(tenant, file)

    async def tenant_of(self, file: str) -> Tenant | None:
        """The tenant that a file of this id would belong to, for requests that name no application. Whether there is such a
        file is another question."""
        number = file_tenant(file)
        return (await self._tenants.numbered({number})).get(number) if number is not None else None

    async def round(self) -> bool:
        """Delete some bytes of files that have ended or never came to be; false when there was nothing to delete. Raises
        *store unavailable*."""
        now = self._clock.now()
        if not self._work:
            if abs(now - self._looked) < _LOOK_MS:
                return False
            self._work.extend(random.sample(range(PARTITIONS), PARTITIONS))
            self._looked = now
        done = False
        for _ in range(_CALLS_A_ROUND):
            if not self._work:
                break
            partition = self._work.popleft()
            ended = await self._store.ended(partition, now)
            if not ended:
                continue
            try:
                await self._objects.delete([name for each in ended for name in _names(each)])
            except Failure:
                self._work.clear()  # it was logged; the next look tries again
                return False
            await self._store.deleted(partition, ended)
            self._work.appendleft(partition)
            done = True
        return done or bool(self._work)


def file_reference(file: str) -> str:
    """How a message's content refers to a file that is kept here, wherever it was uploaded: in place of an address, which each
    dialect makes of it for its reader."""
    return _REFERENCE + file


def referenced_file(url: str) -> str | None:
    """The id in such a reference; none for an address of anything else."""
    file = url.removeprefix(_REFERENCE)
    return file if file != url and file_tenant(file) is not None else None


def _names(owner: Bytes) -> tuple[str, str]:
    """Under which names the bytes of a file and of its thumbnail lie."""
    own = f"{owner.tenant}/{owner.generation}/{owner.id[:2]}/{owner.id}"
    return own, f"{own}.thumbnail"


def _clean_name(name: str | None) -> str | None:
    """The last part of what is perhaps a path, with nothing in it that can't stand in a header."""
    if name is None:
        return None
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(character for character in last if character.isprintable()).strip()
    return visible.encode(errors="replace")[:_MAXIMUM_NAME_BYTES].decode(errors="ignore") or None


def _clean_media_type(media_type: str | None) -> str:
    cleaned = (media_type or "").strip().lower()
    return cleaned if _MEDIA_TYPE.fullmatch(cleaned) else ANY_MEDIA_TYPE
