"""`chatgateway tenant`, `user`, `credential` and `token`: who may use the gateway, and how."""

import secrets
from collections.abc import AsyncIterator
from typing import IO

import click

from core.core import Core
from core.model import Tenant, User
from core.names import is_sender
from core.tenants import applications_of
from gateway.adapters_list import load_adapters
from gateway.commands import Where, adapter_named, on_store, secret_in, store_options, tenant_named
from gateway.dispatch import claimed_segments

_PAGE = 500
_SECRET_BYTES = 32


@click.group()
def tenant() -> None:
    """Tenants: the customers, each with users, groups and messages of its own."""


@tenant.command("add")
@click.argument("name")
@click.option("--retention-days", type=click.IntRange(min=1), help="Drop messages that are older.  [default: never]")
@store_options
def add_tenant(where: Where, name: str, retention_days: int | None) -> None:
    """Make a tenant. `credential add` then gives it an application in a dialect."""

    async def work(core: Core) -> None:
        await core.tenants.add(name, retention_days)

    on_store(where, work)
    click.echo(f"Tenant {name} is made.")


@tenant.command("retention")
@click.argument("name")
@click.argument("days", type=click.IntRange(min=0))
@store_options
def set_retention(where: Where, name: str, days: int) -> None:
    """Drop a tenant's messages once they are older than DAYS; 0 keeps them all.

    A running gateway begins within about an hour. What was dropped does not come back.
    """

    async def work(core: Core) -> None:
        await core.tenants.set_retention(name, days or None)

    on_store(where, work)
    click.echo(f"Messages of {name} are kept for {days} days." if days else f"Messages of {name} are kept for ever.")


@tenant.command("list")
@store_options
def list_tenants(where: Where) -> None:
    """All tenants with their applications and the names of their credentials."""

    async def work(core: Core) -> list[Tenant]:
        return await core.tenants.list()

    for each in on_store(where, work):
        click.echo(each.name)
        for application in each.applications:
            names = ", ".join(f"{credential.kind} {credential.name}" for credential in application.credentials)
            click.echo(f"  {application.dialect}  {application.name}  ({names})")


@tenant.command("remove")
@click.argument("name")
@click.confirmation_option(prompt="Its applications end at once. Go on?")
@store_options
def remove_tenant(where: Where, name: str) -> None:
    """End a tenant: nothing of it is read or written any more, and within a second its applications are unknown."""

    async def work(core: Core) -> bool:
        return await core.tenants.remove(name)

    if not on_store(where, work):
        raise click.ClickException(f"There is no tenant {name!r}")
    click.echo(f"Tenant {name} is removed.")


@click.group()
def user() -> None:
    """Users of a tenant, the same in every dialect."""


@user.command("add")
@click.argument("tenant")
@click.argument("name")
@click.option("--display-name")
@click.option("--password-file", type=click.File(), help="A file with the password, - for standard input.")
@store_options
def add_user(
    where: Where,
    tenant: str,
    name: str,
    display_name: str | None,
    password_file: IO[str] | None,
) -> None:
    """Register a user; without a password nobody logs in with one."""
    password = secret_in(password_file) if password_file else None

    async def work(core: Core) -> None:
        found = await tenant_named(core, tenant)
        await core.users.register(found, name, password=password, display_name=display_name)

    on_store(where, work)
    click.echo(f"User {name} is registered.")


@user.command("friend")
@click.argument("tenant")
@click.argument("one")
@click.argument("other")
@store_options
def add_friend(where: Where, tenant: str, one: str, other: str) -> None:
    """Make two users contacts of each other, without asking them; an HTTP API user can be one of them."""

    async def work(core: Core) -> None:
        found = await tenant_named(core, tenant)
        for name, profile in zip((one, other), await core.users.find_many(found, (one, other)), strict=True):
            if profile is None and not is_sender(found, name):
                raise click.ClickException(f"{tenant} has no user {name!r}: chatgateway user add {tenant} {name}")
        first, second = await core.users.keys(found, (one, other))
        await core.relations.add(found, first, [second])

    on_store(where, work)
    click.echo(f"{one} and {other} are contacts of each other.")


@user.command("list")
@click.argument("tenant")
@store_options
def list_users(where: Where, tenant: str) -> None:
    """All registered users of a tenant, in order of registration."""

    async def work(core: Core) -> None:
        async for each in _users(core, await tenant_named(core, tenant)):
            click.echo(f"{each.id}\t{each.name}" if each.name else each.id)

    on_store(where, work)


async def _users(core: Core, tenant: Tenant) -> AsyncIterator[User]:
    after = 0
    while page := await core.users.page(tenant, after, _PAGE):
        for each in page:
            yield each
        after = page[-1].number


@click.group()
def credential() -> None:
    """Credentials: what opens a tenant's applications."""


@credential.command("add")
@click.argument("tenant")
@click.argument("dialect")
@click.argument("application")
@click.option("--kind", help="The kind of credential, where a dialect has several.  [default: its usual one]")
@click.option("--name", default="default", show_default=True, help="The credential's name, for example a client id.")
@click.option("--secret-file", type=click.File(), help="A file with the secret, - for standard input.")
@store_options
def add_credential(
    where: Where,
    tenant: str,
    dialect: str,
    application: str,
    kind: str | None,
    name: str,
    secret_file: IO[str] | None,
) -> None:
    """Give a tenant an application in a dialect, and a credential that opens it.

    APPLICATION is what the dialect calls an app: its key, its id, its domain. One of the same name gets the new secret.
    Without --secret-file a secret is made and printed, this once only.
    """
    secret = secret_in(secret_file) if secret_file else secrets.token_urlsafe(_SECRET_BYTES)
    adapters = load_adapters(where.settings().dialects)
    adapter = adapter_named(dialect, adapters)
    kind = kind or adapter.credential_kinds[0]
    if kind not in adapter.credential_kinds:
        raise click.ClickException(
            f"{dialect} has no credentials {kind!r}; it has: {', '.join(adapter.credential_kinds)}"
        )

    async def work(core: Core) -> None:
        given = adapter.credential(kind, name, secret)
        adapter.check_application(application, claimed_segments(each for each in adapters if each is not adapter))
        if given.sends:
            await _check_unused(core, await tenant_named(core, tenant), name)
        await core.tenants.add_credential(tenant, dialect, application, given)

    on_store(where, work)
    click.echo(f"{dialect} {application}: {kind} {name} opens it now.", err=True)
    if secret_file is None:
        click.echo("Its secret, shown only this once:", err=True)
        click.echo(secret)


async def _check_unused(core: Core, tenant: Tenant, name: str) -> None:
    """A program's messages must not be taken for those of a user."""
    if await core.users.find(tenant, name, folded=True) is not None:
        raise click.ClickException(f"{tenant.name} has a user {name!r} already")


@credential.command("rotate")
@click.argument("tenant")
@store_options
def rotate_key(where: Where, tenant: str) -> None:
    """Sign new tokens of a tenant with a new key.

    Tokens of the key before stay valid; those of older keys end.
    """

    async def work(core: Core) -> None:
        await core.tenants.rotate_signing_key(tenant)

    on_store(where, work)
    click.echo(f"New tokens of {tenant} are signed with a new key; those of the key before stay valid.")


@click.group()
def token() -> None:
    """Tokens of the gateway's own."""


@token.command("mint")
@click.argument("tenant")
@click.argument("dialect")
@click.argument("application")
@click.option("--user", help="The user whom the token is for; without it, it is an administrator's.")
@click.option("--admin", is_flag=True, help="The user's token is an administrator's too, where a dialect has that.")
@click.option(
    "--lifetime", type=click.IntRange(min=0), default=86_400, show_default=True, help="Seconds; 0 for no end."
)
@store_options
def mint_token(
    where: Where,
    tenant: str,
    dialect: str,
    application: str,
    user: str | None,
    admin: bool,
    lifetime: int,
) -> None:
    """Print a token without the dialect's login."""
    adapter = adapter_named(dialect, load_adapters(where.settings().dialects))

    async def work(core: Core) -> str:
        found = await tenant_named(core, tenant)
        owned = [each.name for each in applications_of(found, dialect)]
        if application not in owned:
            raise click.ClickException(
                f"{tenant} has no application {application!r} in {dialect}"
                + (f"; it has: {', '.join(owned)}" if owned else ": chatgateway credential add gives it one")
            )
        return await adapter.mint(core, found, application, user, admin or user is None, lifetime)

    click.echo(on_store(where, work))
