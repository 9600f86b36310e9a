"""Files that were uploaded in another dialect: the vendor's server keeps none, its apps have places of their own for them."""

from functools import lru_cache
from urllib.parse import quote

from adapters.bodies import file_reply
from adapters.chat21.wire import ALWAYS
from adapters.contract import Call, Reply
from adapters.files import FileAddresses
from core.errors import Failure, Kind
from core.ids import file_tenant
from core.model import Principal, Tenant

PATH = "/api/{app}/files"
SECRET = "secret"  # noqa: S105  # the name of a parameter
_FILE = "id"


def addresses(call: Call) -> FileAddresses:
    """Where files are for the caller: apps open an address as it stands, so a restricted file's secret is in it."""
    return FileAddresses(call.tenant, call.request.origin, _base(call.parameters["app"]), SECRET)


@lru_cache(1024)
def _base(app: str) -> str:
    return f"{PATH.replace('{app}', quote(app, safe=''))}?{_FILE}="


def nowhere(tenant: Tenant) -> FileAddresses:
    """The same for no caller: what can be said of files, wherever they are."""
    return FileAddresses(tenant, "", f"?{_FILE}=", SECRET)


async def download(call: Call) -> Reply:
    """GET /api/{app}/files?id=…: the bytes; no token, since apps show what a message points at without one. The id is no part of
    the path: all paths of that length are users' names."""
    file = call.request.query.get(_FILE, "")
    if not call.tenants:
        raise Failure(Kind.UNAUTHENTICATED, "An app that nobody owns")
    owner = file_tenant(file)
    for tenant in call.tenants:
        if tenant.number == owner:
            call.principal = Principal(tenant)
            return file_reply(await call.core.files.get(tenant, file, call.request.query.get(SECRET)), ALWAYS)
    raise Failure(Kind.NOT_FOUND, "There is no such file", reason="file", subject=file)
