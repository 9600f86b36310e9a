"""Tenants, what opens them, and who is calling."""

import msgspec


class Credential(msgspec.Struct, frozen=True):
    """A secret that opens an application: what kind, whose, and the secret itself. Only adapters give kinds a meaning."""

    kind: str
    name: str
    secret: str
    sends: bool = False
    """Whether a program sends and receives under this name with it: nobody else becomes a user of the name."""


class Application(msgspec.Struct, frozen=True):
    """A dialect's own name for a tenant (an app key, an app id, a domain) with the credentials that open it there."""

    dialect: str
    name: str
    credentials: tuple[Credential, ...] = ()


class SigningKey(msgspec.Struct, frozen=True):
    """A key that the gateway's own tokens are signed with."""

    id: str
    secret: bytes
    created: int


class Tenant(msgspec.Struct, frozen=True):
    """One customer's chat space, as a worker knows it. `version` moves with every change here; a script that is given an
    older one than its partition knows refuses with no effect."""

    number: int
    name: str
    secret: bytes
    """32 random bytes that key the tenant's ids."""
    generation: int = 1
    version: int = 1
    applications: tuple[Application, ...] = ()
    signing_keys: tuple[SigningKey, ...] = ()
    """Newest first; new tokens are signed with the first, all verify."""
    outbox: bool = False
    """Whether somebody consumes the tenant's events, so that appends queue them."""
    retention_days: int | None = None
    """After how many days messages are dropped; none: never."""
    erasures: int = 0
    """How many users were erased in this generation: a name may have another number since."""


class Principal(msgspec.Struct, frozen=True):
    """Who is calling: a user of the tenant, or an administrator (an app token, an admin role)."""

    tenant: Tenant
    user: str | None = None
    administrator: bool = False
