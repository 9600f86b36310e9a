"""Upload and download of files."""

import io

import httpx
import pytest
from PIL import Image

from adapters.easemob.ids import application_uuid
from tests.harness import House


def picture() -> bytes:
    image = Image.effect_noise((400, 300), 90)
    found = io.BytesIO()
    image.save(found, "PNG")
    assert len(found.getvalue()) > 10_000
    return found.getvalue()


async def upload(house: House, content: bytes, media_type: str, **headers: str) -> httpx.Response:
    return await house.client.post(
        house.names["base"] + "/chatfiles",
        files={"file": ("a name", content, media_type)},
        headers={"Authorization": f"Bearer {house.names['token']}", **headers},
    )


async def test_what_is_uploaded_is_downloaded(house: House) -> None:
    reply = await upload(house, b"some bytes", "text/plain")
    body = reply.json()
    assert (reply.status_code, body["path"], body["action"]) == (200, "/chatfiles", "post")
    assert body["application"] == application_uuid(
        house.tenant.secret, house.names["base"].strip("/").replace("/", "#")
    )
    (entity,) = body["entities"]
    assert entity == {"uuid": entity["uuid"], "type": "chatfile"}
    assert body["uri"].endswith(house.names["base"] + "/chatfiles")
    found = await house.client.get(body["uri"] + "/" + entity["uuid"])
    assert (found.status_code, found.content) == (200, b"some bytes")
    assert (found.headers["content-type"], found.headers["content-length"]) == ("text/plain", "10")


async def test_a_restricted_file_needs_its_secret(house: House) -> None:
    (entity,) = (await upload(house, b"secret bytes", "text/plain", **{"restrict-access": "true"})).json()["entities"]
    path = f"{house.names['base']}/chatfiles/{entity['uuid']}"
    for headers, query in (({}, ""), ({"share-secret": "wrong"}, ""), ({}, "?share-secret=wrong")):
        refused = await house.client.get(path + query, headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (401, "auth_bad_access_token")
    by_header = await house.client.get(path, headers={"share-secret": entity["share-secret"]})
    by_query = await house.client.get(f"{path}?share-secret={entity['share-secret']}")
    assert by_header.content == by_query.content == b"secret bytes"


async def test_a_picture_has_a_small_version(house: House) -> None:
    content = picture()
    (entity,) = (await upload(house, content, "image/png", **{"thumbnail-width": "80"})).json()["entities"]
    path = f"{house.names['base']}/chatfiles/{entity['uuid']}"
    whole = await house.client.get(path)
    small = await house.client.get(path, headers={"thumbnail": "true"})
    assert whole.content == content
    assert Image.open(io.BytesIO(small.content)).size == (80, 60)


@pytest.mark.parametrize("width", ["0", "-1", "a", "\u0663", "9" * 5_000])
async def test_a_size_of_thumbnails_that_is_none_is_the_usual_one(house: House, width: str) -> None:
    headers = {b"thumbnail-width": width.encode(), b"Authorization": f"Bearer {house.names['token']}".encode()}
    files = {"file": ("a name", picture(), "image/png")}
    reply = await house.client.post(house.names["base"] + "/chatfiles", files=files, headers=headers)
    (entity,) = reply.json()["entities"]
    small = await house.client.get(f"{house.names['base']}/chatfiles/{entity['uuid']}", headers={"thumbnail": "true"})
    assert Image.open(io.BytesIO(small.content)).size == (170, 128)


async def test_a_file_lives_for_seven_days(house: House) -> None:
    (entity,) = (await upload(house, b"bytes", "text/plain")).json()["entities"]
    path = f"{house.names['base']}/chatfiles/{entity['uuid']}"
    house.manual_clock.move(7 * 86_400_000 - 1)
    assert (await house.client.get(path)).status_code == 200
    house.manual_clock.move(1)
    expired = await house.client.get(path)
    assert (expired.status_code, expired.json()["error"]) == (404, "file_expired")


@pytest.mark.parametrize(
    ("sent", "status", "text"),
    [
        ({"files": {"other": ("name", b"bytes", "text/plain")}}, 400, "file must be provided."),
        ({"content": b"{}", "headers": {"Content-Type": "application/json"}}, 400, "file must be provided."),
        ({"files": {"file": ("name", bytes((10 << 20) + 1), "text/plain")}}, 413, "file exceeding maximum limit"),
    ],
)
async def test_what_is_no_upload_is_refused(house: House, sent: dict[str, object], status: int, text: str) -> None:
    headers = {"Authorization": f"Bearer {house.names['token']}", **sent.pop("headers", {})}  # type: ignore[dict-item]
    reply = await house.client.post(house.names["base"] + "/chatfiles", headers=headers, **sent)  # type: ignore[arg-type]
    assert (reply.status_code, reply.json()["error_description"]) == (status, text)


async def test_files_of_others_and_of_nobody_are_not_found(house: House) -> None:
    (entity,) = (await upload(house, b"bytes", "text/plain")).json()["entities"]
    for path, status in (
        (f"{house.names['base']}/chatfiles/{application_uuid(b'x' * 32, 'some')}", 404),
        (f"{house.names['base']}/chatfiles/nonsense", 404),
        (f"/nobody/app/chatfiles/{entity['uuid']}", 404),
    ):
        reply = await house.client.get(path)
        assert reply.status_code == status
        assert reply.json()["error"] in ("entity_not_found", "organization_application_not_found")
    without_token = await house.client.post(f"{house.names['base']}/chatfiles", files={"file": ("n", b"x")})
    assert without_token.status_code == 401
