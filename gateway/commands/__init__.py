"""The commands of `chatgateway`, and what they share: reading settings, reaching the store, saying what went wrong."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from adapters.contract import Adapter
from core.core import Core
from core.errors import Failure, StaleTenant
from core.model import Tenant
from core.store.data_folder import EmbeddedServerError, opened_data, running_url
from core.store.embedded import EmbeddedServer
from core.store.store import Store
from gateway import logs
from gateway.settings import Loaded, Settings, SettingsError, load
from gateway.store_check import StoreRefusedError, StoreUnreachableError

Result = TypeVar("Result")

_ATTEMPTS = 5

config_option = click.option(
    "--config", type=click.Path(path_type=Path), help="A TOML file with settings; also CHATGATEWAY_CONFIG."
)
_data_option = click.option("--data", help="The embedded server's folder.  [default: ./chatgateway-data]")
_redis_option = click.option("--redis", metavar="URL", help="The store, when it is not the embedded server.")


class Where(msgspec.Struct, frozen=True):
    """Which store a command is about, as its options say."""

    config: Path | None
    data: str | None
    redis: str | None

    def settings(self) -> Settings:
        """The settings that follow from it; ends the command with everything that is wrong with them."""
        return read_settings(self.config, data=self.data, redis=self.redis).settings


def store_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that say which store a command is about; the command gets them as one argument `where`."""

    @wraps(command)
    def collected(config: Path | None, data: str | None, redis: str | None, **others: Any) -> None:
        command(where=Where(config, data, redis), **others)

    return config_option(_data_option(_redis_option(collected)))


def read_settings(config: Path | None, **options: Any) -> Loaded:
    """All settings. Ends the command with everything that is wrong with them."""
    try:
        return load(config, os.environ, options)
    except SettingsError as error:
        raise click.ClickException("\n  ".join(["The settings are wrong.", *error.problems])) from None


@asynccontextmanager
async def reached_store(settings: Settings) -> AsyncIterator[str]:
    """The URL of the store: the one that is set, else the running gateway's on the data folder, else an embedded server for
    as long as the context lasts."""
    url = settings.store_url or running_url(Path(settings.data))
    if url is not None:
        yield url
        return
    with opened_data(settings.data) as data:
        server = EmbeddedServer(data, durable=settings.durable)
        try:
            yield await server.start()
        finally:
            await server.stop()


def on_store(where: Where, work: Callable[[Core], Awaitable[Result]]) -> Result:
    """Do something with the store, and say in one line when that fails."""
    settings = where.settings()
    logs.configure(readable=True)

    async def run() -> Result:
        async with reached_store(settings) as url:
            store = await Store.open(url)
            try:
                return await _persistently(Core(store), work)
            finally:
                await store.close()

    return run_plainly(run())


def run_plainly(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine; what an operator can mend ends the command in one line."""
    try:
        return asyncio.run(work)
    except Failure as failure:
        raise click.ClickException(failure.text) from None
    except (EmbeddedServerError, StoreRefusedError, StoreUnreachableError) as problem:
        raise click.ClickException(str(problem)) from None


async def _persistently(core: Core, work: Callable[[Core], Awaitable[Result]]) -> Result:
    """Again when a tenant was changed between reading it and using it."""
    for _ in range(_ATTEMPTS):
        try:
            return await work(core)
        except StaleTenant as stale:
            await core.tenants.reload(stale.tenant)
    raise click.ClickException("The tenant is being changed by others just now: try again")


async def tenant_named(core: Core, name: str) -> Tenant:
    """The tenant of this name; ends the command when there is none."""
    tenant = await core.tenants.find(name)
    if tenant is None:
        raise click.ClickException(f"There is no tenant {name!r}: chatgateway tenant add {name}")
    return tenant


def adapter_named(name: str, adapters: Sequence[Adapter]) -> Adapter:
    """The adapter of a dialect; ends the command when there is none."""
    for adapter in adapters:
        if adapter.name == name:
            return adapter
    known = ", ".join(adapter.name for adapter in adapters)
    raise click.ClickException(f"There is no dialect {name!r}; there are: {known}")


def secret_in(file: Any) -> str:
    """The secret in an opened file, without the line's end."""
    secret = str(file.read()).rstrip("\r\n")
    if not secret:
        raise click.ClickException("The file of the secret is empty")
    return secret
