"""Files of other dialects' messages: their addresses stand in the text. The vendor's own file server is not documented."""

from adapters.bodies import file_reply
from adapters.contract import Call, Reply
from adapters.files import FileAddresses
from adapters.ozeki.errors import FILE_ACTION
from core.errors import Failure, Kind
from core.model import Principal, Tenant

PATH = "/api"
CALL = f"action={FILE_ACTION}"
_BASE = f"{PATH}?{CALL}&id="


def addresses(call: Call) -> FileAddresses:
    """Where files are for the caller; the address says the secret."""
    return FileAddresses(call.tenant, call.request.origin, _BASE, "secret")


def nowhere(tenant: Tenant) -> FileAddresses:
    """The same for no caller: what can be said of files, wherever they are."""
    return FileAddresses(tenant, "", f"?{CALL}&id=", "secret")


async def download(call: Call) -> Reply:
    """GET ?action=getfile&id=…: the bytes, for whoever has the address."""
    query = call.request.query
    file = query.get("id", "")
    tenant = await call.core.files.tenant_of(file)
    if tenant is None or tenant.number not in {owner.number for owner in call.tenants}:
        raise Failure(Kind.NOT_FOUND, "There is no such file", reason="file", subject=file)
    call.principal = Principal(tenant)
    return file_reply(await call.core.files.get(tenant, file, query.get("secret")))
