"""Files: upload in each style of the vendor's clients, download by the id alone, which nobody can guess.

A file's id is its `blobKey`. A picture's thumbnail has a key of its own, which is another name of the same file. Where clients ask
for an address to upload to they send nothing else with the file, so that address says who they are.
"""

from typing import Any
from urllib.parse import urlencode

from adapters.applozic.auth import application_of
from adapters.applozic.errors import bad_request, not_allowed, unauthenticated
from adapters.applozic.ids import user_key
from adapters.applozic.options import NAME
from adapters.applozic.wire import Fields, json_reply, parse_pairs, read, text_reply
from adapters.bodies import file_reply
from adapters.contract import Call, Form, Reply, Upload
from adapters.files import FileAddresses
from core.errors import Failure, Kind
from core.model import Principal, StoredFile, Tenant, UserKey
from core.tenants import applications_of

UPLOAD = "/rest/ws/aws/file/upload"
BASE = "/rest/ws/aws/file/"
"""What stands between a host and a file's key."""
SECRET = "secret"  # noqa: S105  # the name of a parameter
_TOKEN = "token"  # noqa: S105  # the same
_APPLICATION = "application"
_UPLOAD_SECONDS = 3_600
_FILE_BYTES = 15 << 20
_THUMBNAIL = ".thumbnail"
_PARTS = ("files[]", "file", "files")
_CORS = ((b"access-control-allow-origin", b"*"),)


def addresses(call: Call) -> FileAddresses:
    """Where files are for the caller: clients open an address as it stands, so a restricted file's secret is in it."""
    return FileAddresses(call.tenant, call.request.origin, BASE, SECRET)


def nowhere(tenant: Tenant) -> FileAddresses:
    """The same for no caller: what can be said of files, wherever they are."""
    return FileAddresses(tenant, "", BASE, SECRET)


def thumbnail_key(file: str) -> str:
    """The `thumbnailBlobKey` of a picture that is kept here."""
    return file + _THUMBNAIL


async def upload_address(call: Call) -> Reply:
    """GET aws/file/url: the address to upload a file to, for an hour, as a plain text."""
    return text_reply(f"{call.request.origin}{UPLOAD}?{urlencode(await _ticket(call))}")


async def upload(call: Call) -> Reply:
    """POST to such an address: the part `files[]` of a form."""
    owner = await _holder(call)
    stored = await _keep(call, owner)
    return json_reply({"fileMeta": _file_meta(call, stored)})


async def upload_file(call: Call) -> Reply:
    """POST upload/image, upload/file: the part `file` of a form."""
    return json_reply(_file_meta(call, await _keep(call, await _caller(call))))


async def upload_anywhere(call: Call) -> Reply:
    """POST /files/upload, /files/v2/upload: as a client of any other style expects the answer."""
    meta = _file_meta(call, await _keep(call, await _caller(call)))
    return json_reply({**meta, "fileMeta": meta})


async def download(call: Call) -> Reply:
    """GET aws/file/{key}, /files/get/{key}: the bytes, or those of the thumbnail; without credentials, since clients show what
    a message points at without any."""
    file, small = _file_of(call.parameters["key"])
    tenant = await call.core.files.tenant_of(file)
    if tenant is None or not applications_of(tenant, NAME):
        raise Failure(Kind.NOT_FOUND, "There is no such file", reason="file", subject=file)
    call.principal = Principal(tenant)
    secret = call.request.query.get(SECRET)
    return file_reply(await call.core.files.get(tenant, file, secret, thumbnail=small), _CORS)


async def address(call: Call) -> Reply:
    """GET file/url, /files/url: where a file is, as a plain text."""
    key = _key(await read(call))
    await call.core.files.find(call.tenant, _file_of(key)[0])
    return text_reply(f"{call.request.origin}{BASE}{key}")


async def delete(call: Call) -> Reply:
    """POST aws/file/delete: by who uploaded it, or an administrator."""
    file, _ = _file_of(_key(await read(call)))
    stored = await call.core.files.find(call.tenant, file)
    principal = call.authenticated
    if not principal.administrator and (stored.owner is None or stored.owner.id != principal.user):
        raise not_allowed()
    await call.core.files.remove(call.tenant, file)
    return text_reply("success")


async def _keep(call: Call, owner: UserKey | None) -> StoredFile:
    part = _part(await call.form(_FILE_BYTES))
    return await call.core.files.put(call.tenant, part.content, name=part.name, media_type=part.media_type, owner=owner)


def _part(form: Form) -> Upload:
    """The file of a form: by the usual names, else the only one."""
    for name in _PARTS:
        if name in form.files:
            return form.files[name]
    if len(form.files) == 1:
        return next(iter(form.files.values()))
    raise bad_request("files[] is missing")


def _file_meta(call: Call, stored: StoredFile) -> dict[str, Any]:
    url = f"{call.request.origin}{BASE}"
    meta: dict[str, Any] = {
        "key": stored.id,
        "blobKey": stored.id,
        "name": stored.name or stored.id,
        "url": url + stored.id,
        "size": stored.size_bytes,
        "contentType": stored.media_type,
        "createdAtTime": stored.created,
    }
    if stored.owner is not None:
        meta["userKey"] = user_key(call.core.ids(call.tenant), stored.owner.number)
    if stored.width is not None:
        small = thumbnail_key(stored.id)
        meta |= {"thumbnailBlobKey": small, "thumbnailUrl": url + small}
    return meta


def _file_of(key: str) -> tuple[str, bool]:
    """The file that a key names, and whether it is the thumbnail's."""
    file = key.removesuffix(_THUMBNAIL)
    return file, file != key


def _key(fields: Fields) -> str:
    key = fields.text("key", "blobKey")
    if key is None:
        raise bad_request("key is missing")
    return key


async def _caller(call: Call) -> UserKey | None:
    user = call.authenticated.user
    return await call.core.users.known_key(call.tenant, user) if user is not None else None


async def _ticket(call: Call) -> dict[str, str]:
    """What an upload address says: the application, and a token for nothing else that is its user's."""
    name, application = call.authenticated.user, application_of(call.request) or ""
    user = await call.core.users.find(call.tenant, name) if name is not None else None
    token = call.core.tokens.mint(call.tenant, NAME, _purpose(application), _UPLOAD_SECONDS, user)
    return {_APPLICATION: application, _TOKEN: token}


async def _holder(call: Call) -> UserKey | None:
    """Who was given the upload address. Raises *unauthenticated* for any other address."""
    # The body is the form's, and its fields are not asked.
    said = dict(parse_pairs(call.request.query_string))
    application, token = said.get(_APPLICATION, ""), said.get(_TOKEN, "")
    for tenant in await call.core.tenants.owners(NAME, application):
        try:
            claims = call.core.tokens.verify(tenant, token)
        except Failure:
            continue
        if (claims.dialect, claims.application) == (NAME, _purpose(application)):
            call.principal = Principal(tenant, claims.user, claims.user is None)
            if claims.user is None:
                return None
            user = await call.core.users.of_token(tenant, claims)
            return UserKey(user.id, user.number)
    raise unauthenticated()


def _purpose(application: str) -> str:
    return f"upload {application}"
