"""A house that speaks Easemob, with tokens of every sort and the users ann, bob and Cy."""

from collections.abc import AsyncIterator

import pytest

from adapters.easemob import create
from adapters.easemob.ids import application_uuid
from tests.harness import House, new_tenant, open_house
from tests.servers import Engine


@pytest.fixture
async def house(embedded_engine: Engine) -> AsyncIterator[House]:
    async with open_house(embedded_engine.url, [create({})]) as house:
        await settle(house)
        yield house


async def settle(house: House) -> None:
    """Names for the rows, and users."""
    adapter = house.adapters["easemob"]
    application = house.application("easemob")
    org, app = application.name.split("#")

    async def token(user: str | None = None, seconds: int = 86_400) -> str:
        return await adapter.mint(house.core, house.tenant, application.name, user, user is None, seconds)

    stranger = await new_tenant(house.core, [adapter])
    elsewhere = stranger.applications[0].name
    house.names |= {
        "org": org,
        "app": app,
        "base": f"/{org}/{app}",
        "other_app": elsewhere.partition("#")[2],
        "uuid": application_uuid(house.tenant.secret, application.name),
        "client_id": application.credentials[0].name,
        "client_secret": application.credentials[0].secret,
        "token": await token(),
        "expired": await token(seconds=1),
        "foreign": await adapter.mint(house.core, stranger, elsewhere, None, True, 60),
        "another_dialect": "YWMt" + house.core.tokens.mint(house.tenant, "another", application.name, 60),
        "another_application": await adapter.mint(house.core, house.tenant, "chat-demo#else", None, True, 60),
    }
    house.manual_clock.move(2000)
    for name in ("ann", "bob"):
        await house.core.users.register(house.tenant, name, folded=True)
    await house.core.users.register(house.tenant, "Cy", display_name="Cyan")
    house.names["ann_token"] = await token("Ann")
