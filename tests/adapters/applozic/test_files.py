"""Files: upload in each of the vendor's styles, download by the id alone, thumbnails, deletion."""

import io
import re
from typing import Any

import httpx
import pytest
from PIL import Image

from adapters import applozic
from core.ids import new_file_id
from tests.adapters.applozic.conftest import UUID, WS, as_bot, as_user, ask, failed, settle
from tests.harness import NOON, House, Row, match, open_house
from tests.servers import Engine

BASE = "http://gateway.test:8080/rest/ws/aws/file/"


def picture() -> bytes:
    image = Image.effect_noise((400, 300), 90)
    found = io.BytesIO()
    image.save(found, "PNG")
    return found.getvalue()


def meta_shape(owner: str | None = "alice", **changes: Any) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "key": re.compile(UUID),
        "blobKey": re.compile(UUID),
        "name": "a name.txt",
        "url": re.compile(re.escape(BASE) + UUID),
        "size": 5,
        "contentType": "text/plain",
        "createdAtTime": NOON,
    }
    if owner is not None:
        shape["userKey"] = "{" + owner + "_key}"
    return shape | changes


def headers_of(house: House, named: dict[str, str]) -> dict[str, str]:
    return {name: value.format_map(house.names) for name, value in named.items()}


async def address(house: House, user: str = "alice") -> str:
    found: str = await ask(house, user, "GET", "aws/file/url?data=1700000000000")
    return found


async def upload(
    house: House,
    path: str,
    named: dict[str, str],
    *,
    part: str = "file",
    content: bytes = b"hello",
    kind: str = "text/plain",
) -> httpx.Response:
    files = {part: ("a name.txt", content, kind)}
    return await house.client.post(path, files=files, headers=headers_of(house, named))


def filled(house: House, shape: dict[str, Any]) -> dict[str, Any]:
    return {name: value.format_map(house.names) if isinstance(value, str) else value for name, value in shape.items()}


async def test_upload_to_an_address(house: House) -> None:
    found = await address(house)
    assert re.fullmatch(r"http://gateway\.test:8080/rest/ws/aws/file/upload\?\S+", found)
    # Nothing else says who uploads.
    response = await upload(house, found, {}, part="files[]")
    assert response.status_code == 200
    match({"fileMeta": filled(house, meta_shape())}, response.json())
    download = await house.client.get(response.json()["fileMeta"]["url"])
    assert (download.status_code, download.content) == (200, b"hello")
    assert download.headers["content-type"] == "text/plain"
    assert download.headers["access-control-allow-origin"] == "*"


STYLES: list[tuple[str, dict[str, str], str, dict[str, Any]]] = [
    ("/rest/ws/upload/image?aclsPrivate=true", as_user("alice"), "file", meta_shape()),
    ("/rest/ws/upload/file", as_user("alice"), "file", meta_shape()),
    ("/rest/ws/upload/file", as_bot("alice"), "files[]", meta_shape()),
    ("/rest/ws/upload/file", as_user("alice"), "any name", meta_shape()),
    ("/rest/ws/upload/file", {"Apz-AppId": "{app}", "Apz-Token": "{bot}"}, "file", meta_shape(None)),
    ("/files/upload/", as_user("alice"), "files[]", meta_shape(fileMeta=dict)),
    ("/files/v2/upload", as_user("alice"), "file", meta_shape(fileMeta=dict)),
]


@pytest.mark.parametrize(("path", "headers", "part", "shape"), STYLES)
async def test_upload_in_other_styles(
    house: House, path: str, headers: dict[str, str], part: str, shape: dict[str, Any]
) -> None:
    response = await upload(house, path, headers, part=part)
    assert response.status_code == 200
    meta = response.json()
    match(filled(house, shape), meta)
    for url in (meta["url"], f"/files/get/{meta['blobKey']}", f"/rest/ws/aws/file/{meta['blobKey']}"):
        assert (await house.client.get(url)).content == b"hello"


async def test_a_picture_has_a_thumbnail(house: House) -> None:
    content = picture()
    meta = (await upload(house, "/rest/ws/upload/image", as_user("alice"), content=content, kind="image/png")).json()
    small: dict[str, Any] = {"thumbnailBlobKey": str, "thumbnailUrl": str}
    match(filled(house, meta_shape(size=len(content), contentType="image/png", **small)), meta)
    assert meta["thumbnailUrl"] == BASE + meta["thumbnailBlobKey"]
    assert (await house.client.get(meta["url"])).content == content
    thumbnail = await house.client.get(meta["thumbnailUrl"])
    assert Image.open(io.BytesIO(thumbnail.content)).size == (170, 128)
    found = await ask(house, "bob", "GET", f"file/url?key={meta['thumbnailBlobKey']}")
    assert found == meta["thumbnailUrl"]


async def test_a_small_picture_is_its_own(house: House) -> None:
    found = io.BytesIO()
    Image.new("RGB", (4, 4)).save(found, "PNG")
    meta = (await upload(house, "/rest/ws/upload/image", as_user("alice"), content=found.getvalue(), kind="")).json()
    assert meta["contentType"] == "image/png"
    assert (await house.client.get(meta["thumbnailUrl"])).content == found.getvalue()


@pytest.mark.parametrize("path", ["/rest/ws/file/url", "/files/url"])
async def test_where_a_file_is(house: House, path: str) -> None:
    meta = (await upload(house, "/rest/ws/upload/file", as_user("alice"))).json()
    row = Row("", "GET", path, 200, meta["url"], query={"key": meta["blobKey"]}, headers=as_user("bob"))
    response = await row.check(house)
    assert response.headers["content-type"] == "text/plain"
    for query, status in (({"key": new_file_id(house.tenant.number)}, 404), ({"key": "x"}, 404), ({}, 200)):
        await Row("", "GET", path, status, "error", query=query, headers=as_user("bob")).check(house)


async def test_links_begin_with_the_address_that_the_caller_used(house: House) -> None:
    path = "https://gateway.test:8443" + "/rest/ws/aws/file/url"
    found = await house.client.get(path, headers=headers_of(house, as_user("alice")))
    assert found.text.startswith("https://gateway.test:8443/rest/ws/aws/file/upload?")


ENDED = [
    ("who uploaded it", as_user("alice"), "success", 404),
    ("an administrator", as_bot(), "success", 404),
    ("somebody else", as_user("bob"), "error", 200),
]


@pytest.mark.parametrize(("label", "headers", "answer", "after"), ENDED, ids=[row[0] for row in ENDED])
async def test_who_deletes_a_file(house: House, label: str, headers: dict[str, str], answer: str, after: int) -> None:
    meta = (await upload(house, "/rest/ws/upload/file", as_user("alice"))).json()
    path = f"{WS}aws/file/delete?key={meta['blobKey']}"
    await Row(label, "POST", path, 200, answer, headers=headers).check(house)
    assert (await house.client.get(meta["url"])).status_code == after


async def test_what_is_no_file_is_not_found(house: House) -> None:
    for key in ("x", new_file_id(house.tenant.number), new_file_id(1 << 20), "upload", "x.thumbnail"):
        response = await house.client.get(BASE + key)
        assert response.status_code == 404
        match(failed("AL-M-01"), response.json())


@pytest.mark.parametrize(
    "path",
    [
        "/rest/ws/aws/file/upload",
        "/rest/ws/aws/file/upload?application={app}&token=x",
        "/rest/ws/upload/file",
        "/files/upload",
    ],
)
async def test_nobody_uploads_without_a_credential(house: House, path: str) -> None:
    response = await upload(house, path.format_map(house.names), {})
    assert (response.status_code, response.text) == (401, "UnAuthorized Access")


async def test_an_upload_address_ends(house: House) -> None:
    found = await address(house)
    stolen = await address(house, "bob")
    await house.core.users.revoke(house.tenant, "bob")
    assert (await upload(house, stolen, {})).status_code == 401
    house.manual_clock.move(3_600_000 - 1)
    assert (await upload(house, found, {})).status_code == 200
    house.manual_clock.move(1)
    assert (await upload(house, found, {})).status_code == 401


async def test_other_tokens_are_no_upload_address(house: House) -> None:
    token = house.core.tokens.mint(house.tenant, "applozic", house.names["app"], 60)
    path = f"/rest/ws/aws/file/upload?application={house.names['app']}&token={token}"
    assert (await upload(house, path, {})).status_code == 401


async def test_what_is_no_upload_is_refused(house: House) -> None:
    found = await address(house)
    headers = headers_of(house, as_user("alice"))
    for sent in ({"content": b"{}", "headers": {"Content-Type": "application/json"}}, {"data": {"a": "b"}}, {}):
        more: dict[str, Any] = dict(sent)
        response = await house.client.post(found, **more)
        match(failed("AL-M-01"), response.json())
        more["headers"] = {**headers, **more.get("headers", {})}
        response = await house.client.post("/rest/ws/upload/file", **more)
        assert (response.status_code, response.text) == (200, "error")
    large = bytes((15 << 20) + 1)
    assert (await upload(house, found, {}, part="files[]", content=large)).status_code == 413


async def test_a_restricted_file_is_opened_by_its_secret(house: House) -> None:
    spool = house.core.files.spool()
    await spool.write(b"secret bytes")
    stored = await house.core.files.put(house.tenant, spool, restricted=True)
    url = BASE + stored.id
    for path in (url, url + "?secret=wrong"):
        assert (await house.client.get(path)).status_code == 401
    assert (await house.client.get(f"{url}?secret={stored.secret}")).content == b"secret bytes"


async def test_files_of_who_does_not_speak_this_dialect(house: House, embedded_engine: Engine) -> None:
    stranger = await house.core.tenants.add("stranger " + house.tenant.name)
    spool = house.core.files.spool()
    await spool.write(b"bytes")
    stored = await house.core.files.put(stranger, spool)
    assert (await house.client.get(BASE + stored.id)).status_code == 404
    async with open_house(embedded_engine.url, [applozic.create({})]) as other:
        await settle(other)
        path = f"/rest/ws/file/url?key={stored.id}"
        assert (await other.client.get(path, headers=headers_of(other, as_user("alice")))).status_code == 404
