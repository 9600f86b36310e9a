"""The development mode: a tenant `demo` with well-known credentials, and a curl line for each dialect."""

from collections.abc import Iterable, Sequence

from adapters.contract import Adapter
from core.core import Core
from core.errors import Failure, Kind
from core.model import Tenant

DEMO = "demo"


async def ensure_demo(core: Core, adapters: Sequence[Adapter]) -> Tenant:
    """The tenant `demo` with every adapter's demo applications; what is there already stays as it is."""
    tenant = await core.tenants.find(DEMO)
    if tenant is None:
        try:
            tenant = await core.tenants.add(DEMO)
        except Failure as problem:
            if problem.kind is not Kind.CONFLICT:
                raise
            tenant = await core.tenants.find(DEMO)
            if tenant is None:
                raise
    present = {(own.dialect, own.name, key.kind, key.name) for own in tenant.applications for key in own.credentials}
    for adapter in adapters:
        for application in adapter.demo:
            for credential in application.credentials:
                if (application.dialect, application.name, credential.kind, credential.name) not in present:
                    tenant = await core.tenants.add_credential(DEMO, application.dialect, application.name, credential)
    return tenant


def known_to_everybody(adapters: Sequence[Adapter], tenants: Iterable[Tenant]) -> list[str]:
    """The names of tenants that the development mode's well-known credentials open."""
    demo = {
        (application.dialect, application.name, credential)
        for adapter in adapters
        for application in adapter.demo
        for credential in application.credentials
    }
    return [
        tenant.name
        for tenant in tenants
        if any(
            (own.dialect, own.name, credential) in demo for own in tenant.applications for credential in own.credentials
        )
    ]


def examples(core: Core, adapters: Sequence[Adapter], tenant: Tenant, origin: str) -> list[str]:
    """One command to paste for each dialect, with a fresh token in it."""
    return [f"# {adapter.name}\n{adapter.example(origin, core, tenant)}" for adapter in adapters]
