"""Steps 1, 15 and 16 of the vendor's golden scenario: logging in, an administrator's two forms, and what is refused."""

import pytest

from adapters.applozic.auth import basic
from tests.adapters.applozic.conftest import as_bot, as_user, envelope, log_in
from tests.harness import House, Row

LIST = "/rest/ws/message/v2/list"
CLIENT = "/rest/ws/register/client"


async def test_step_1(house: House) -> None:
    first = await log_in(house, "dave", deviceType="1")
    assert first["message"] == "REGISTERED.WITHOUTREGISTRATIONID"
    second = await log_in(house, "dave", deviceType="1")
    assert first["userKey"] == second["userKey"] != (await log_in(house, "eve"))["userKey"]
    assert first["deviceKey"] != second["deviceKey"]
    for answer in (first, second):
        house.names["dave"] = basic("dave", answer["deviceKey"])
        headers = {**as_user("dave"), "UserId-Enabled": "true", "Device-Key": answer["deviceKey"]}
        await Row("", "GET", LIST, 200, headers=headers).check(house)


@pytest.mark.parametrize(
    "headers",
    [{"Apz-AppId": "{app}", "Apz-Token": "{bot}", "Of-User-Id": "alice"}, as_bot("alice")],
    ids=["form A", "form B"],
)
async def test_step_15(house: House, headers: dict[str, str]) -> None:
    await Row("", "POST", "/rest/ws/user/messages/delete?days=0", 200, envelope(), headers=headers).check(house)


async def test_step_16(house: House) -> None:
    house.names["wrong"] = basic("alice", house.names["bob_device"])
    await Row("a wrong device key", "GET", LIST, 401, "UnAuthorized Access", headers=as_user("wrong")).check(house)
    await house.core.users.register(house.tenant, "pat", password="secret")
    body = {"userId": "pat", "password": "x", "applicationId": "{app}"}
    response = await Row("", "POST", CLIENT, 200, json=body).check(house)
    assert response.json()["message"] == "PASSWORD_INVALID"
    await Row("", "POST", "/v2/tab/initialize.page", 200, '"INVALID_PASSWORD"', json=body).check(house)
