"""Logins: of mobile clients (`register/client`), of browsers (`initialize.page`), and what keeps a session going.

A login needs no credential but the application key, which is public. So one without a password opens only users that were made
by one and have had no password since, and setting `open_login` to false ends that. What fails here is HTTP 200.
"""

from typing import Any
from urllib.parse import urlsplit

from adapters.applozic import auth, sessions
from adapters.applozic.errors import login_failure, unauthenticated
from adapters.applozic.ids import user_key
from adapters.applozic.options import NAME, Options
from adapters.applozic.profiles import ROLE, Profile, key_of, read_profile, role_of
from adapters.applozic.wire import Fields, flat, header, json_reply, read, success, sync_point, text_reply
from adapters.contract import Call, Reply
from core.errors import Failure, Kind
from core.model import Principal, Tenant, User, leftovers_of
from core.names import is_legal, is_reserved, is_sender

INVALID_PARAMETER = "INVALID_PARAMETER"
INVALID_APPLICATION = "INVALID_APPLICATIONID"
PASSWORD_INVALID = "PASSWORD_INVALID"  # noqa: S105
PASSWORD_REQUIRED = "PASSWORD_REQUIRED"  # noqa: S105
# The same in the words of the browsers' login.
_OF_PAGES = {
    INVALID_PARAMETER: "error",
    INVALID_APPLICATION: "INVALID_APPID",
    PASSWORD_INVALID: "INVALID_PASSWORD",
    PASSWORD_REQUIRED: "INVALID_PASSWORD",
}
_PACKAGE = 4
"""Enterprise: clients refuse closed accounts and complain of test ones."""
_TRIES = 2
"""Once more for who lost the race to make a user."""
_IDLE_SECONDS = 60
_BROKER_PORT = 1883
_PORTS = {"http": 80, "https": 443}


class _Refused(Exception):
    """A login that fails, in the mobile clients' word."""

    def __init__(self, word: str, *, deactivated: bool = False) -> None:
        super().__init__(word)
        self.word = word
        self.deactivated = deactivated


async def register_client(options: Options, call: Call) -> Reply:
    """`POST register/client`: log a user in, made if need be."""
    fields = await read(call)
    try:
        tenant, application, user, is_new = await _log_in(options, call, fields)
    except _Refused as refused:
        failure = login_failure(refused.word, call.now)
        return json_reply(failure | {"deactivate": refused.deactivated})
    message = "REGISTERED" if fields.text("registrationId") else "REGISTERED.WITHOUTREGISTRATIONID"
    return await _registered(call, tenant, application, user, message, is_new=is_new)


async def register_update(call: Call) -> Reply:
    """`POST register/update`: a push token or a profile that changed, of a user who is logged in. The answer is a session, so
    only who brings the user's own device key gets it, and nobody who acts for the user."""
    fields, tenant = await read(call), call.tenant
    user = await call.core.users.find(tenant, call.authenticated.user or "")
    given = (fields.text("deviceKey"), *auth.device_keys(call.request))
    ids = call.core.ids(tenant)
    device = next((key for key in given if user and key and sessions.is_device_key(ids, tenant, user, key)), None)
    if user is None or device is None:
        raise unauthenticated()
    user = await _updated(call, tenant, user, read_profile(fields))
    application = auth.application_of(call.request) or ""
    return await _registered(call, tenant, application, user, "UPDATED", device=device)


async def version_update(call: Call) -> Reply:  # noqa: ARG001
    """`GET register/version/update`: nothing here depends on an app's version."""
    return text_reply("success")


async def initialize_page(options: Options, call: Call) -> Reply:
    """`POST /v2/tab/initialize.page`: the same login, as browsers' clients have it. Failures are JSON texts: a plain one looks
    like a success to them."""
    fields = await read(call)
    try:
        tenant, application, user, is_new = await _log_in(options, call, fields)
    except _Refused as refused:
        return json_reply(_OF_PAGES.get(refused.word, refused.word))
    key, ids, request = key_of(user), call.core.ids(tenant), call.request
    known = leftovers_of(user, NAME)
    address = urlsplit(request.origin)
    return json_reply(
        {
            "userId": user.id,
            "token": user_key(ids, user.number),
            "deviceKey": sessions.device_key(ids, tenant, user),
            "authToken": sessions.sign(ids, tenant, application, user, call.now, sessions.WEB_SECONDS),
            "websocketUrl": f"{address.scheme}://{_host(address.hostname)}",
            "websocketPort": str(_port(address.port, address.scheme)),
            "websocketIdleTimeLimit": _IDLE_SECONDS,
            "fileBaseUrl": request.origin,
            "timeZoneOffset": "0",
            "displayName": user.name or user.id,
            "imageLink": known.get("imageLink"),
            "email": known.get("email", ""),
            "contactNumber": known.get("phoneNumber", ""),
            "clientId": application,
            "deactivated": False,
            "connectedClientCount": 0,
            "totalUnreadCount": await call.core.conversations.unread(tenant, key),
            "betaPackage": False,
            "roleType": role_of(user),
            "notifyState": 0,
            "metadata": flat(user.attributes or {}),
            "pricingPackage": _PACKAGE,
            "notificationAfter": 0,
            "newUser": "true" if is_new else "false",
            "countryCode": known.get("countryCode", "US"),
        }
    )


async def refresh_token(call: Call) -> Reply:
    """`POST register/refresh/token`: a new token for a device key that still holds."""
    fields = await read(call)
    name = fields.text("userId") or header(call.request, auth.OF_USER)
    application = _application(call, fields)
    given = [key for key in (*auth.device_keys(call.request), fields.text("deviceKey")) if key]
    for tenant in await _tenants(call, application) if name and given else ():
        user = await call.core.users.find(tenant, name or "")
        ids = call.core.ids(tenant)
        if user is not None and any(sessions.is_device_key(ids, tenant, user, key) for key in given):
            call.principal = Principal(tenant, user.id)
            token = sessions.sign(ids, tenant, application, user, call.now, sessions.MOBILE_SECONDS)
            return success(call, token)
    raise unauthenticated()


async def logout(call: Call) -> Reply:
    """`POST device/logout`: the device is no longer online. Its key stays good: it is nowhere kept, and all of the user's end
    together, with another password."""
    device, principal = header(call.request, "device-key"), call.authenticated
    if device and is_legal(device) and principal.user is not None:
        key = await call.core.users.known_key(call.tenant, principal.user)
        if key is not None:
            await call.core.presence.clear(call.tenant, key, device)
    return success(call)


async def pricing_package(call: Call) -> Reply:
    """`GET application/pricing/package`"""
    return success(call, _PACKAGE)


async def web_push(call: Call) -> Reply:  # noqa: ARG001
    """`POST plugin/update/sw/id`: a browser's push subscription; nothing is pushed from here."""
    return text_reply("success")


async def _log_in(options: Options, call: Call, fields: Fields) -> tuple[Tenant, str, User, bool]:
    """Who logs in, where, and whether the user is new. Raises `_Refused`, and *rate limited* after too many wrong passwords."""
    name, application = fields.text("userId"), _application(call, fields)
    if not name or not application:
        raise _Refused(INVALID_PARAMETER)
    tenants = await _tenants(call, application)
    if not tenants:
        raise _Refused(INVALID_APPLICATION)
    if not is_legal(name) or is_reserved(name):
        raise _Refused(INVALID_PARAMETER)
    profile, password = read_profile(fields), fields.text("password")
    if fields.text(ROLE, "roleName") not in (None, "3", "USER"):
        call.losses.append("roleType: a login gives no role")
    tenant, user, is_new = await _opened(options, call, tenants, name, password, profile)
    if not is_new:
        user = await _updated(call, tenant, user, profile)
    call.principal = Principal(tenant, user.id)
    return tenant, application, user, is_new


async def _opened(
    options: Options,
    call: Call,
    tenants: tuple[Tenant, ...],
    name: str,
    password: str | None,
    profile: Profile,
) -> tuple[Tenant, User, bool]:
    """The user whom the login opens. Where several tenants share the application, the one whose password is right goes first,
    then the one where none is asked for."""
    for _ in range(_TRIES):
        found = [(tenant, user) for tenant in tenants if (user := await call.core.users.find(tenant, name)) is not None]
        if password is not None:
            for tenant, user in found:
                if not user.unlocked and (owner := await _with_password(call, tenant, user, password)) is not None:
                    return tenant, owner, False
        for tenant, user in found:
            if user.unlocked and options.open_login:
                if not user.active:
                    raise _Refused(PASSWORD_INVALID, deactivated=True)
                return tenant, user, False
        # Nobody logs in as a program that has a credential, and who is known has another password.
        if found or is_sender(tenants[0], name) or not options.open_login:
            break
        user = await _new(call, tenants[0], name, password, profile)
        if user is not None:
            return tenants[0], user, True
    raise _Refused(PASSWORD_INVALID if password is not None else PASSWORD_REQUIRED)


async def _with_password(call: Call, tenant: Tenant, user: User, password: str) -> User | None:
    try:
        return await call.core.users.check_password(tenant, user.id, password)
    except Failure as failure:
        if failure.reason == "inactive":
            raise _Refused(PASSWORD_INVALID, deactivated=True) from None
        raise


async def _new(call: Call, tenant: Tenant, name: str, password: str | None, profile: Profile) -> User | None:
    """The user, made by this login; none when somebody was faster."""
    try:
        return await call.core.users.register(
            tenant,
            name,
            password=password,
            display_name=profile.name,
            attributes=dict(profile.metadata) if profile.metadata else None,
            leftovers={NAME: profile.own} if profile.own else None,
            reference=call.reference,
            unlocked=True,
        )
    except Failure as failure:
        if failure.kind is not Kind.CONFLICT:
            raise
        return None


async def _updated(call: Call, tenant: Tenant, user: User, profile: Profile) -> User:
    """The user with what the login says, written if that is anything new."""
    if profile.of(user) == user:
        return user
    return await call.core.users.update(tenant, user.id, profile.of)


async def _registered(
    call: Call, tenant: Tenant, application: str, user: User, message: str, *, is_new: bool = False, device: str = ""
) -> Reply:
    ids, known = call.core.ids(tenant), leftovers_of(user, NAME)
    shown: dict[str, Any] = {
        "message": message,
        "userKey": user_key(ids, user.number),
        "deviceKey": device or sessions.device_key(ids, tenant, user),
        "userId": user.id,
        "displayName": user.name or user.id,
        "contactNumber": known.get("phoneNumber"),
        "imageLink": known.get("imageLink"),
        "statusMessage": known.get("statusMessage"),
        "lastSyncTime": sync_point(call.now),
        "currentTimeStamp": sync_point(call.now),
        "brokerUrl": f"tcp://{_host(urlsplit(call.request.origin).hostname)}:{_BROKER_PORT}",
        "authToken": sessions.sign(ids, tenant, application, user, call.now, sessions.MOBILE_SECONDS),
        "roleType": role_of(user),
        "metadata": flat(user.attributes or {}),
        "pricingPackage": _PACKAGE,
        "notificationAfter": 0,
        "deactivate": False,
        "newUser": is_new,
        "totalUnreadCount": await call.core.conversations.unread(tenant, key_of(user)),
    }
    return json_reply(shown)


def _application(call: Call, fields: Fields) -> str:
    return fields.text("applicationId") or auth.application_of(call.request) or ""


async def _tenants(call: Call, application: str) -> tuple[Tenant, ...]:
    """The tenants that own the application of a login, which may be named in the body alone."""
    return await call.core.tenants.owners(NAME, application) if is_legal(application) else ()


def _host(name: str | None) -> str:
    """A host as it stands in an address."""
    return f"[{name}]" if name and ":" in name else name or ""


def _port(port: int | None, scheme: str) -> int:
    return port if port is not None else _PORTS.get(scheme, 443)
