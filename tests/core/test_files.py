"""Files: kept whole or not at all, given to whom they belong, and gone when they end."""

import asyncio
import io
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import pytest

from core import spool
from core.clock import ManualClock
from core.core import Core
from core.errors import Failure, Kind, StaleTenant
from core.files import UNFINISHED_MS, file_reference, referenced_file
from core.ids import file_tenant, new_file_id
from core.model import StoredFile, Tenant, UserKey
from core.objects import Objects
from core.store.files import KNOWN_MS, FileStore
from tests.core.store.rows import everything, stands_in, values_of_tenant
from tests.core.support import START, new_name, opened
from tests.servers import Engine, ServerProcess

DAY_MS = 86_400_000
ROUNDS = 1_000
LIMIT = 20_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
async def core(engine: Engine, clock: ManualClock, folder: Path) -> AsyncIterator[Core]:
    async with opened(engine.url, clock, Objects(str(folder))) as found:
        yield found


async def put(
    core: Core,
    tenant: Tenant,
    content: bytes = b"content",
    *,
    owner: UserKey | None = None,
    restricted: bool = False,
    lifetime_ms: int | None = None,
) -> StoredFile:
    """Upload in pieces of odd sizes."""
    upload = core.files.spool(LIMIT)
    try:
        for start in range(0, len(content), 70_001):
            await upload.write(content[start : start + 70_001])
        return await core.files.put(tenant, upload, owner=owner, restricted=restricted, lifetime_ms=lifetime_ms)
    finally:
        upload.close()


async def read(core: Core, tenant: Tenant, file: str, secret: str | None = None) -> bytes:
    download = await core.files.get(tenant, file, secret)
    content = b"".join([piece async for piece in download.content.pieces])
    assert len(content) == download.content.size_bytes
    return content


async def refusal(core: Core, tenant: Tenant, file: str, secret: str | None = None) -> tuple[Kind, str]:
    with pytest.raises(Failure) as refused:
        await core.files.get(tenant, file, secret)
    return refused.value.kind, refused.value.reason


async def sweep(core: Core) -> None:
    """Housekeeping until nothing is left to be done."""
    assert isinstance(core.clock, ManualClock)
    for chore in (core.reclaim, core.erase, core.files):
        core.clock.move(60_000)
        for _ in range(ROUNDS):
            if not await chore.round():
                break
        else:
            raise AssertionError(f"{chore} has no end")


def names(folder: Path) -> list[str]:
    """The names of all files in the folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def is_ours_alone(folder: Path) -> bool:
    return folder.stat().st_mode & 0o077 == 0


def put_in_the_way(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    folder.write_text("no folder")


def put_back(folder: Path) -> None:
    folder.unlink()
    folder.with_name("moved").rename(folder)


def damage(folder: Path, lost: str, cut: str) -> None:
    next(folder.rglob(lost)).unlink()
    next(folder.rglob(cut)).write_bytes(b"cont")


MISSING = (Kind.NOT_FOUND, "file")


# Keeping and giving back


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, (1 << 20) - 1, 1 << 20, 12_000_000])
async def test_what_comes_out_is_what_went_in(core: Core, tenant: Tenant, folder: Path, size: int) -> None:
    content = random.Random(size).randbytes(size)  # noqa: S311
    file = await put(core, tenant, content)
    assert (file.size_bytes, file.created, file.expires, file.secret) == (size, START, None, None)
    assert await core.files.find(tenant, file.id) == file
    assert await read(core, tenant, file.id) == content
    assert names(folder) == [file.id]
    assert is_ours_alone(folder)


async def test_a_record_says_what_was_said_of_it(core: Core, tenant: Tenant) -> None:
    ada = await core.users.key(tenant, "ada")
    upload = core.files.spool()
    await upload.write(b"hello")
    file = await core.files.put(
        tenant, upload, name="/tmp/größe\r\n.txt", media_type="Text/Plain; charset=UTF-8", owner=ada, lifetime_ms=1_000
    )
    assert (file.name, file.media_type, file.owner) == ("größe.txt", "text/plain; charset=utf-8", ada)
    assert (file.expires, file.width, file.thumbnail) == (START + 1_000, None, None)
    assert (await core.files.get(tenant, file.id)).media_type == file.media_type


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (None, None),
        ("", None),
        ("..", ".."),
        ("a/b\\c.png", "c.png"),
        ("x" * 300, "x" * 255),
        ("é" * 200, "é" * 127),
        ("\x00\x1f", None),
        ("a\ud800b", "ab"),
    ],
)
async def test_names_are_names(embedded_core: Core, name: str | None, kept: str | None) -> None:
    tenant = await embedded_core.tenants.add(new_name())
    assert (await embedded_core.files.put(tenant, embedded_core.files.spool(), name=name)).name == kept


@pytest.mark.parametrize("media_type", [None, "", "image", "image/", "a/b\r\nx: y", "é/b", "a/" + "b" * 100])
async def test_media_types_are_media_types(embedded_core: Core, media_type: str | None) -> None:
    tenant = await embedded_core.tenants.add(new_name())
    file = await embedded_core.files.put(tenant, embedded_core.files.spool(), media_type=media_type)
    assert file.media_type == "application/octet-stream"


@pytest.fixture
async def embedded_core(embedded_engine: Engine) -> AsyncIterator[Core]:
    async with opened(embedded_engine.url) as found:
        yield found


# Who may have it


async def test_a_restricted_file_is_for_who_knows_its_secret(core: Core, tenant: Tenant) -> None:
    file, other = [await put(core, tenant, b"content", restricted=True) for _ in range(2)]
    assert file.secret is not None
    assert len(file.secret) >= 22
    for wrong in (None, "", "é", file.secret[:-1], other.secret):
        assert await refusal(core, tenant, file.id, wrong) == (Kind.UNAUTHENTICATED, "secret")
    assert await read(core, tenant, file.id, file.secret) == b"content"
    public = await put(core, tenant)
    assert await read(core, tenant, public.id, "whatever") == b"content"


async def test_a_file_is_its_tenants_and_its_generations(core: Core, tenant: Tenant) -> None:
    other = await core.tenants.add(new_name())
    file, others = await put(core, tenant), await put(core, other, b"other")
    assert await refusal(core, other, file.id) == MISSING
    assert not await core.files.remove(other, file.id)
    assert await core.files.tenant_of(file.id) == tenant
    assert await core.files.tenant_of(others.id) == other
    reset = await core.tenants.reset(tenant.name)
    assert await refusal(core, reset, file.id) == MISSING
    with pytest.raises(StaleTenant):
        await core.files.get(tenant, file.id)
    with pytest.raises(StaleTenant):
        await put(core, tenant)
    assert await read(core, other, others.id) == b"other"
    assert await core.files.tenant_of(new_file_id((1 << 32) - 1)) is None


@pytest.mark.parametrize("file", ["", "x", "../../etc/passwd", "00000000-0000-4000-8000-00000000000", "A" * 36])
async def test_what_is_no_id_finds_nothing(embedded_core: Core, file: str) -> None:
    tenant = await embedded_core.tenants.add(new_name())
    assert await refusal(embedded_core, tenant, file) == MISSING
    assert not await embedded_core.files.remove(tenant, file)
    assert await embedded_core.files.tenant_of(file) is None


def test_ids_are_frozen() -> None:
    assert file_tenant("01234567-89ab-4def-8123-456776f1f582") == 1
    assert file_tenant("01234567-89ab-4def-8123-456776f1f5ce") == 77
    ids = [new_file_id(tenant) for tenant in (1, 77, 2**32 - 1) for _ in range(50)]
    assert [file_tenant(each) for each in ids] == [1] * 50 + [77] * 50 + [2**32 - 1] * 50
    assert len(set(ids)) == 150
    assert all(UUID(each).version == 4 for each in ids)
    assert len({each[-8:] for each in ids}) == 150


def test_references_are_told_from_addresses() -> None:
    file = new_file_id(5)
    assert referenced_file(file_reference(file)) == file
    for address in ("", "file:", "file:///etc/passwd", f"https://elsewhere.test/{file}", file, f"file:{file}/x"):
        assert referenced_file(address) is None


# Limits, interruptions, crashes


async def test_a_limit_holds_to_the_byte(embedded_core: Core, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spool, "_MEMORY_BYTES", 50)
    for size in (10, 100):
        upload = Objects(str(tmp_path)).spool(size)
        for _ in range(size):
            await upload.write(b"x")
        with pytest.raises(Failure) as refused:
            await upload.write(b"x")
        assert (refused.value.kind, refused.value.reason) == (Kind.TOO_LARGE, "file")
        upload.close()
    assert names(tmp_path) == []


async def test_an_upload_that_is_given_up_leaves_nothing(
    engine: Engine, core: Core, tenant: Tenant, folder: Path
) -> None:
    upload = core.files.spool(LIMIT)
    await upload.write(b"x" * 3_000_000)
    assert (await upload.reader()).read() == b"x" * 3_000_000
    assert names(folder) == []  # it lies there, without a name
    upload.close()
    assert not any(key.endswith((b":fi", b":fo")) for key in values_of_tenant(engine, tenant.number))
    assert pending(engine, tenant) == []


def pending(engine: Engine, tenant: Tenant) -> list[str]:
    """Those of a tenant's bytes that housekeeping has an eye on."""
    found: list[str] = []
    for server in engine.servers:
        with server.client() as client:
            for key in everything((server,), "cg{*}:files*"):
                found += client.zrange(key.decode(), 0, -1)
    return [row for row in found if row.startswith(f"{tenant.number}:")]


class Dying(Objects):
    """A worker that is killed once the bytes are there."""

    async def write(self, name: str, content: BinaryIO) -> None:
        await super().write(name, content)
        raise KeyboardInterrupt


async def test_bytes_that_never_became_a_file_go(
    engine: Engine, core: Core, tenant: Tenant, clock: ManualClock, folder: Path
) -> None:
    kept = await put(core, tenant)
    async with opened(engine.url, clock, Dying(str(folder))) as dying:
        with pytest.raises(KeyboardInterrupt):
            await put(dying, tenant)
    (orphan,) = set(names(folder)) - {kept.id}
    assert await refusal(core, tenant, orphan) == MISSING
    await sweep(core)
    assert orphan in names(folder)  # somebody may still be about to make it a file
    clock.move(UNFINISHED_MS)
    await sweep(core)
    assert names(folder) == [kept.id]
    assert pending(engine, tenant) == []
    assert await read(core, tenant, kept.id) == b"content"


async def test_what_a_killed_write_left_in_the_folder_goes(
    core: Core, tenant: Tenant, clock: ManualClock, folder: Path
) -> None:
    """Names of unfinished writes are those of the library, so one is looked at here."""
    halfway, go_on = asyncio.Event(), asyncio.Event()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 5_000_000:
                loop.call_soon_threadsafe(halfway.set)
                asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)
            return super().read(size)

    loop = asyncio.get_running_loop()
    file = new_file_id(tenant.number)
    name = f"{tenant.number}/{tenant.generation}/{file[:2]}/{file}"
    writing = asyncio.ensure_future(Objects(str(folder)).write(name, Slow(bytes(11_000_000))))
    await asyncio.wait_for(halfway.wait(), 10)
    (unfinished,) = names(folder)
    assert unfinished.startswith(file)
    left = folder / name
    go_on.set()
    await writing
    left.with_name(unfinished).write_bytes(b"half of it")
    left.unlink()
    await FileStore(core.store).note(tenant, file, clock.now())
    await sweep(core)
    assert names(folder) == []


class Late(Objects):
    """Takes so long to write that housekeeping has given it up."""

    def __init__(self, place: str, core: Core) -> None:
        super().__init__(place)
        self._core = core

    async def write(self, name: str, content: BinaryIO) -> None:
        await super().write(name, content)
        assert isinstance(self._core.clock, ManualClock)
        self._core.clock.move(UNFINISHED_MS + 1)
        await sweep(self._core)


async def test_a_file_is_not_kept_once_its_bytes_are_given_up(
    engine: Engine, core: Core, tenant: Tenant, clock: ManualClock, folder: Path
) -> None:
    async with opened(engine.url, clock, Late(str(folder), core)) as late:
        with pytest.raises(Failure) as refused:
            await put(late, tenant)
    assert (refused.value.kind, refused.value.reason) == (Kind.STORE_UNAVAILABLE, "files")
    assert names(folder) == []
    assert pending(engine, tenant) == []
    assert not any(key.endswith(b":fi") for key in values_of_tenant(engine, tenant.number))


async def test_without_the_store_nothing_is_kept(server: ServerProcess, clock: ManualClock, folder: Path) -> None:
    async with opened(server.url, clock, Objects(str(folder))) as core:
        tenant = await core.tenants.add(new_name())
        server.kill()
        with pytest.raises(Failure) as refused:
            await put(core, tenant)
        assert (refused.value.kind, refused.value.reason) == (Kind.STORE_UNAVAILABLE, "")
        assert names(folder) == []


async def test_without_the_folder_the_store_stays_as_it_is(
    engine: Engine, core: Core, tenant: Tenant, clock: ManualClock, folder: Path
) -> None:
    file = await put(core, tenant)
    await core.files.remove(tenant, file.id)
    put_in_the_way(folder)
    for content in (b"short", b"x" * 2_000_000):
        with pytest.raises(Failure) as refused:
            await put(core, tenant, content)
        assert (refused.value.kind, refused.value.reason) == (Kind.STORE_UNAVAILABLE, "files")
    clock.move(60_000)
    assert not await core.files.round()  # and no stack of it, nor another attempt a moment later
    put_back(folder)
    clock.move(UNFINISHED_MS)
    await sweep(core)
    assert names(folder) == []
    assert pending(engine, tenant) == []


async def test_a_file_that_lost_its_bytes_is_not_found(core: Core, tenant: Tenant, folder: Path) -> None:
    lost, cut = await put(core, tenant), await put(core, tenant)
    damage(folder, lost.id, cut.id)
    assert await refusal(core, tenant, lost.id) == MISSING
    assert await refusal(core, tenant, cut.id) == MISSING


# Ends


async def test_a_file_expires(engine: Engine, core: Core, tenant: Tenant, clock: ManualClock, folder: Path) -> None:
    ada = await core.users.key(tenant, "ada")
    file = await put(core, tenant, owner=ada, lifetime_ms=7 * DAY_MS)
    lasting = await put(core, tenant, owner=ada)
    clock.move(7 * DAY_MS - 1)
    await core.files.round()
    assert await read(core, tenant, file.id) == b"content"
    clock.move(1)
    expired = (Kind.NOT_FOUND, "file_expired")
    assert await refusal(core, tenant, file.id) == expired
    await sweep(core)
    assert names(folder) == [lasting.id]
    assert await refusal(core, tenant, file.id) == expired  # whether or not somebody has swept
    clock.move(KNOWN_MS)
    await sweep(core)
    assert await refusal(core, tenant, file.id) == MISSING
    assert pending(engine, tenant) == []
    assert file.id not in repr(values_of_tenant(engine, tenant.number))
    assert await read(core, tenant, lasting.id) == b"content"


async def test_a_removed_file_is_gone_at_once_and_its_bytes_soon(
    engine: Engine, core: Core, tenant: Tenant, folder: Path
) -> None:
    ada = await core.users.key(tenant, "ada")
    file = await put(core, tenant, owner=ada, lifetime_ms=DAY_MS)
    assert await core.files.remove(tenant, file.id)
    assert not await core.files.remove(tenant, file.id)
    assert await refusal(core, tenant, file.id) == MISSING
    await sweep(core)
    assert names(folder) == []
    assert pending(engine, tenant) == []
    assert file.id not in repr(values_of_tenant(engine, tenant.number))


@pytest.mark.parametrize("end", ["reset", "remove"])
async def test_a_tenant_takes_its_files_with_it(
    engine: Engine, core: Core, tenant: Tenant, folder: Path, end: str
) -> None:
    other = await core.tenants.add(new_name())
    kept = await put(core, other, lifetime_ms=DAY_MS)
    ada = await core.users.key(tenant, "ada")
    for number in range(70):
        await put(core, tenant, owner=ada if number % 2 else None, lifetime_ms=DAY_MS if number % 3 else None)
    if end == "reset":
        tenant = await core.tenants.reset(tenant.name)
        kept_too = [(await put(core, tenant)).id]
    else:
        await core.tenants.remove(tenant.name)
        kept_too = []
    await sweep(core)
    assert names(folder) == sorted([kept.id, *kept_too])
    assert pending(engine, tenant) == []
    assert await read(core, other, kept.id) == b"content"


async def test_an_erased_user_takes_the_own_files(engine: Engine, core: Core, tenant: Tenant, folder: Path) -> None:
    ada, bob = await core.users.keys(tenant, ["ada", "bob"])
    for number in range(120):
        await put(core, tenant, owner=ada, lifetime_ms=DAY_MS if number % 2 else None)
    kept = [await put(core, tenant, owner=bob), await put(core, tenant)]
    assert await core.erase.user(tenant, "ada")
    with pytest.raises(StaleTenant):
        await put(core, tenant, owner=ada)
    await sweep(core)
    core.clock.move(UNFINISHED_MS)  # type: ignore[attr-defined]
    await sweep(core)
    found = await core.tenants.find(tenant.name)
    assert found is not None
    assert names(folder) == sorted(file.id for file in kept)
    assert [await read(core, found, file.id) for file in kept] == [b"content"] * 2
    assert pending(engine, tenant) == []
    for key, value in values_of_tenant(engine, tenant.number).items():
        assert b":f" not in key or not (stands_in(ada.number, value) or key.endswith(b":%d" % ada.number)), key


async def test_many_put_read_and_end_at_once(
    engine: Engine, core: Core, tenant: Tenant, clock: ManualClock, folder: Path
) -> None:
    kept: dict[str, bytes] = {}

    async def live(worker: Core, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311
        for _ in range(12):
            content = chance.randbytes(chance.choice([10, 20_000, 1_200_000]))
            file = await put(worker, tenant, content, lifetime_ms=chance.choice([None, DAY_MS]))
            if chance.random() < 0.4:
                assert await worker.files.remove(tenant, file.id)
            else:
                kept[file.id] = content
            clock.move(chance.choice([0, 61_000]))
            await worker.files.round()

    async with opened(engine.url, clock, Objects(str(folder))) as other:
        await asyncio.gather(*(live((core, other)[seed % 2], seed) for seed in range(8)))
        await asyncio.gather(sweep(core), sweep(other))
        for file, content in kept.items():
            assert await read(other, tenant, file) == content
    assert names(folder) == sorted(kept)


async def test_a_backup_holds_what_is_known_of_files(
    core: Core, tenant: Tenant, clock: ManualClock, folder: Path, server: ServerProcess
) -> None:
    ada = await core.users.key(tenant, "ada")
    mortal = await put(core, tenant, owner=ada, restricted=True, lifetime_ms=DAY_MS)
    lasting = await put(core, tenant, b"lasting", owner=ada)
    file = io.BytesIO()
    await core.backup.write(file)
    async with opened(server.url, clock, Objects(str(folder))) as copy:
        await copy.backup.restore(file)
        found = await copy.tenants.find(tenant.name)
        assert found is not None
        assert await copy.files.find(found, mortal.id) == mortal
        assert await read(copy, found, lasting.id) == b"lasting"
        clock.move(DAY_MS)
        await sweep(copy)
        assert await refusal(copy, found, mortal.id) == (Kind.NOT_FOUND, "file_expired")
        assert names(folder) == [lasting.id]
        await copy.erase.user(found, "ada")
        await sweep(copy)
        assert names(folder) == []
