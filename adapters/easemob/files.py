"""Files: upload and download."""

from adapters.bodies import file_reply
from adapters.contract import Call, Reply
from adapters.easemob.auth import application_of
from adapters.easemob.errors import illegal, unknown_application
from adapters.easemob.options import NAME
from adapters.easemob.wire import integer_of, success
from adapters.files import FileAddresses
from core.errors import Failure, Kind
from core.model import Principal
from core.tenants import applications_of

OPENED_BY = "share-secret"
"""What opens a restricted file, as header or in the query."""
_FILE_BYTES = 10 << 20
_LIFETIME_MS = 7 * 86_400_000
_THUMBNAIL = 170
_LARGEST_THUMBNAIL = 1_024


async def upload(call: Call) -> Reply:
    """`POST /chatfiles`: the part `file` of a form. A restricted file is opened by its secret alone. Clients put the id behind
    the reply's `uri`, so that ends with the path and nothing else."""
    user = call.authenticated.user
    owner = await call.core.users.known_key(call.tenant, user) if user else None
    form = await call.form(_FILE_BYTES)
    file = form.files.get("file")
    if file is None:
        raise illegal("file must be provided.", "file")
    headers = call.request.headers
    stored = await call.core.files.put(
        call.tenant,
        file.content,
        name=file.name,
        media_type=file.media_type,
        owner=owner,
        restricted=headers.get("restrict-access", "").lower() == "true",
        lifetime_ms=_LIFETIME_MS,
        thumbnail=(_pixels(headers.get("thumbnail-width")), _pixels(headers.get("thumbnail-height"))),
    )
    entity = {"uuid": stored.id, "type": "chatfile"}
    if stored.secret is not None:
        entity[OPENED_BY] = stored.secret
    path = call.request.path.rstrip("/")
    fields = {"uri": call.request.origin + path, "path": "/chatfiles", "entities": [entity]}
    return success(call, "post", call.now, fields)


async def download(call: Call) -> Reply:
    """`GET /chatfiles/{file}`: the bytes; no token, the secret as header or in the query, `thumbnail: true` for the small
    version."""
    request, file = call.request, call.parameters["file"]
    tenant = await call.core.files.tenant_of(file)
    application = application_of(request)
    if tenant is None or application not in [owned.name for owned in applications_of(tenant, NAME)]:
        if not await call.core.tenants.owners(NAME, application):
            raise unknown_application()
        raise Failure(Kind.NOT_FOUND, "No such file", reason="file", subject=file)
    call.principal = Principal(tenant)
    secret = request.headers.get(OPENED_BY) or request.query.get(OPENED_BY)
    small = request.headers.get("thumbnail", "").lower() == "true"
    return file_reply(await call.core.files.get(tenant, file, secret, thumbnail=small))


def addresses(call: Call) -> FileAddresses:
    """Where files are for the caller, whose messages say the secrets beside the addresses."""
    return FileAddresses(
        call.tenant, call.request.origin, f"/{call.parameters['org']}/{call.parameters['app']}/chatfiles/"
    )


def _pixels(given: str | None) -> int:
    return min(integer_of(given) or _THUMBNAIL, _LARGEST_THUMBNAIL)
