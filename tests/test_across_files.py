"""Files across the dialects: uploaded in one, opened from each by the address in the message, over real HTTP on each engine."""

from typing import Any

import pytest

from core.ids import file_tenant, new_file_id
from tests.test_across import Both, both

__all__ = ["both"]

CONTENT = b"\x89PNG, more or less"
ELSEWHERE = "https://cdn.example.com/pictures/1.png"


async def uploaded(both: Both, *, restricted: bool = False) -> dict[str, Any]:
    """The `msg` of a picture, as apps make it of the upload's answer."""
    base = "/" + both.application("easemob").name.replace("#", "/")
    headers = {"Authorization": f"Bearer {await both.token('easemob', None)}"}
    if restricted:
        headers["restrict-access"] = "true"
    reply = await both.http.post(base + "/chatfiles", files={"file": ("a.png", CONTENT)}, headers=headers)
    body = reply.json()
    (entity,) = body["entities"]
    msg = {"type": "img", "filename": "a.png", "url": f"{body['uri']}/{entity['uuid']}"}
    return msg | ({"secret": entity["share-secret"]} if restricted else {})


async def opened(both: Both, url: str, **headers: str) -> tuple[int, bytes]:
    reply = await both.http.get(url, headers=headers)
    return reply.status_code, reply.content


@pytest.mark.parametrize("restricted", [False, True])
async def test_a_picture_is_opened_from_each_dialect(both: Both, restricted: bool) -> None:
    msg = await uploaded(both, restricted=restricted)
    await both.send(msg, "user2")
    (row,) = await both.history("user2", "user1")
    shown = row["metadata"]["src"]
    application = both.application("chat21").name
    assert shown.startswith(f"{both.http.base_url}/api/{application}/files?id=")
    assert await opened(both, shown) == (200, CONTENT)
    assert both.house.log.requests[-1].get("losses") is None
    if restricted:
        for url in (shown.partition("&")[0], shown + "x"):
            status, content = await opened(both, url)
            assert (status, CONTENT in content) == (403, False)
    # In the dialect of the upload it reads as it was sent.
    (body,) = (await both.newest())["payload"]["bodies"]
    assert body == msg
    secret = {"share-secret": body["secret"]} if restricted else {}
    assert await opened(both, body["url"], **secret) == (200, CONTENT)
    assert not restricted or msg["secret"] not in both.house.log.text


@pytest.mark.parametrize("restricted", [False, True])
async def test_what_is_passed_on_in_another_dialect_is_opened_there_too(both: Both, restricted: bool) -> None:
    msg = await uploaded(both, restricted=restricted)
    await both.send(msg, "user2")
    (row,) = await both.history("user2", "user1")
    fields = {name: row[name] for name in ("type", "text")}
    # An app's own field makes it keep all of them.
    fields["metadata"] = {**row["metadata"], "uid": "17"}
    names = {"sender_fullname": "Two", "recipient_id": "user3", "recipient_fullname": "Three"}
    await both.chat21("POST", "user2", "/messages", {**names, **fields})
    (passed,) = await both.history("user3", "user2")
    assert passed["metadata"] == fields["metadata"]
    (body,) = (await both.newest())["payload"]["bodies"]
    assert (body["url"], body.get("secret")) == (msg["url"], msg.get("secret"))
    (channel,) = (await both.easemob("/users/user3/user_channels", None, method="GET"))["data"]["channel_infos"]
    assert msg["url"] in channel["meta"]["payload"]


async def test_each_reader_has_the_address_by_which_he_called(both: Both) -> None:
    """The same message, read again and again in one process, from two hosts."""
    await both.send(await uploaded(both), "user2")
    token = {"Authorization": await both.token("chat21", "user2")}
    path = f"/api/{both.application('chat21').name}/user2/conversations/user1/messages"
    for host in ("here.test", "there.test:81", "here.test"):
        reply = await both.http.get(path, headers={**token, "Host": host})
        (row,) = reply.json()["result"]
        assert row["metadata"]["src"].startswith(f"http://{host}/api/")
        assert await opened(both, row["metadata"]["src"].removeprefix(f"http://{host}")) == (200, CONTENT)
        (body,) = (
            await both.easemob("/chatmessages?ql=select%20*", None, method="GET", Host=host)
        )["entities"][0]["payload"]["bodies"]  # fmt: skip
        assert body["url"].startswith(f"http://{host}/")


async def test_what_lies_elsewhere_keeps_its_address(both: Both) -> None:
    base = "/" + both.application("easemob").name.replace("#", "/")
    of_another = new_file_id(both.house.tenant.number + 1)
    assert file_tenant(of_another) != both.house.tenant.number
    urls = [ELSEWHERE, f"{both.http.base_url}{base}/chatfiles/{of_another}"]
    for url in urls:
        await both.send({"type": "img", "filename": "a.png", "url": url}, "user2")
    rows = await both.history("user2", "user1")
    assert [row["metadata"]["src"] for row in reversed(rows)] == urls
    names = {"sender_fullname": "Two", "recipient_id": "user3", "recipient_fullname": "Three"}
    await both.chat21("POST", "user2", "/messages", {**names, "type": "image", "metadata": {"src": urls[1]}})
    (body,) = (await both.newest())["payload"]["bodies"]
    assert body["url"] == urls[1]
    assert (await opened(both, urls[1]))[0] == 404


async def test_an_app_of_another_tenant_opens_nothing(both: Both) -> None:
    msg = await uploaded(both)
    await both.send(msg, "user2")
    (row,) = await both.history("user2", "user1")
    application = both.application("chat21").name
    other = await both.house.core.tenants.add("another-" + application)
    await both.house.core.tenants.add_credential(
        other.name, "chat21", "another", both.application("chat21").credentials[0]
    )
    for app, status in (("another", 404), ("nobodys", 403)):
        found, content = await opened(both, row["metadata"]["src"].replace(f"/api/{application}/", f"/api/{app}/"))
        assert (found, CONTENT in content) == (status, False)
