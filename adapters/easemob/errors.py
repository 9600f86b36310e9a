"""Neutral failures in Easemob's status, error, exception and wording.

Clients read different parts: the Java SDK the status and `error_description`, the PHP SDK whether there is a key
`error`, the Web SDK two wordings of the token endpoint.
"""

from typing import NamedTuple

from adapters.bodies import json_reply, writable
from adapters.contract import Reply, Request
from core.errors import Failure, Kind

_SECURITY = "org.apache.usergrid.rest.exceptions.SecurityException"
_EASEMOB_SECURITY = "com.easemob.im.exceptions.EasemobSecurityException"
_ILLEGAL_ARGUMENT = "java.lang.IllegalArgumentException"
_INVALID_PARAMETER = "com.easemob.group.exception.InvalidParameterException"
_RESOURCE_NOT_FOUND = "com.easemob.group.exception.ResourceNotFoundException"
_EXCEED_LIMIT = "com.easemob.group.exception.ExceedLimitException"
_FORBIDDEN_OPERATION = "com.easemob.group.exception.ForbiddenOpException"
_WEB = "javax.ws.rs.WebApplicationException"
_SEND = "MessageSendException"
_RECALL = "MessageRecallException"
_REWRITE = "MessageRewriteException"

_GROUP_FAMILY = frozenset({"chatgroups", "chatrooms", "publicchatgroups", "joined_chatgroups", "joined_chatrooms"})


class _Row(NamedTuple):
    status: int
    error: str
    exception: str
    text: str | None = None
    """None: the failure's own text."""
    code: int | None = None
    """What the newer endpoints for messages add."""


_ROWS: dict[tuple[Kind, str], _Row] = {
    (Kind.BAD_REQUEST, ""): _Row(400, "illegal_argument", _ILLEGAL_ARGUMENT),
    (Kind.BAD_REQUEST, "body"): _Row(400, "json_parse", "org.codehaus.jackson.JsonParseException"),
    (Kind.BAD_REQUEST, "name"): _Row(400, "illegal_argument", _ILLEGAL_ARGUMENT, "username [{subject}] is not legal"),
    (Kind.BAD_REQUEST, "grant"): _Row(400, "invalid_grant", _SECURITY),
    (Kind.BAD_REQUEST, "grant_type"): _Row(400, "unsupported_grant_type", _SECURITY),
    (Kind.BAD_REQUEST, "parameter"): _Row(400, "invalid_parameter", _INVALID_PARAMETER),
    # The newer endpoints for messages, and what lies around messages.
    (Kind.BAD_REQUEST, "request"): _Row(
        400,
        "invalid_request_body",
        "InvalidRequestBodyException",
        "Request body is invalid. Please check body is correct.",
    ),
    (Kind.BAD_REQUEST, "send"): _Row(400, "message_send_error", _SEND),
    (Kind.TOO_LARGE, "send"): _Row(400, "message_send_error", _SEND, "message is too large", 14007),
    (Kind.FORBIDDEN, "send"): _Row(403, "message_send_error", _SEND),
    (Kind.FORBIDDEN, "unopened"): _Row(403, "forbidden_op", "EasemobForbiddenOpException"),
    (Kind.BAD_REQUEST, "recall"): _Row(400, "message_recall_error", _RECALL),
    (Kind.FORBIDDEN, "recall"): _Row(403, "message_recall_error", _RECALL),
    (Kind.BAD_REQUEST, "rewrite"): _Row(400, "message_rewrite_error", _REWRITE),
    (Kind.FORBIDDEN, "rewrite"): _Row(403, "message_rewrite_error", _REWRITE),
    (Kind.NOT_FOUND, "rewrite"): _Row(
        404, "message_rewrite_error", _REWRITE, "The message is unavailable or has expired."
    ),
    (Kind.CONFLICT, "message"): _Row(
        409, "concurrent_operation_error", _REWRITE, "The message has been edited by another."
    ),
    (Kind.BAD_REQUEST, "message_id"): _Row(
        400,
        "InvalidMessageIdException",
        "InvalidMessageIdException",
        "The provided message ID is not a valid number.",
    ),
    (Kind.NOT_FOUND, "history"): _Row(404, "storage_object_not_found", "StorageObjectNotFoundException"),
    (Kind.BAD_REQUEST, "roaming"): _Row(400, "Bad Request", "BadRequestException", "Bad Request"),
    (Kind.BAD_REQUEST, "roaming_list"): _Row(400, "param exception", "ParamException"),
    (Kind.UNAUTHENTICATED, ""): _Row(401, "auth_bad_access_token", _SECURITY, "Unable to authenticate"),
    (Kind.UNAUTHENTICATED, "missing"): _Row(401, "unauthorized", _EASEMOB_SECURITY, "Unable to authenticate (OAuth)"),
    (Kind.UNAUTHENTICATED, "malformed"): _Row(
        401, "auth_bad_access_token", _SECURITY, "Unable to authenticate due to corrupt access token"
    ),
    (Kind.UNAUTHENTICATED, "expired"): _Row(
        401, "unauthorized", _SECURITY, "Unable to authenticate due to expired access token"
    ),
    # The comma at the end is the vendor's.
    (Kind.UNAUTHENTICATED, "registration"): _Row(
        401, "unauthorized", _EASEMOB_SECURITY, "Open registration doesn't allow, so register user need token,"
    ),
    (Kind.UNAUTHENTICATED, "organization"): _Row(401, "unauthorized", _SECURITY, "No organization access authorized"),
    (Kind.FORBIDDEN, ""): _Row(403, "forbidden_op", "com.easemob.group.exception.ForbiddenOpException"),
    (Kind.FORBIDDEN, "reserved"): _Row(400, "illegal_argument", _ILLEGAL_ARGUMENT, "username [{subject}] is not legal"),
    (Kind.FORBIDDEN, "members"): _Row(403, "exceed_limit", _EXCEED_LIMIT),
    (Kind.FORBIDDEN, "operation"): _Row(403, "forbidden_op", _FORBIDDEN_OPERATION),
    (Kind.CONFLICT, "members"): _Row(
        403, "exceed_limit", _EXCEED_LIMIT, "members size is greater than max user size !"
    ),
    (Kind.CONFLICT, "limit"): _Row(403, "exceed_limit", _EXCEED_LIMIT),
    (Kind.UNAUTHENTICATED, "group"): _Row(
        401, "group_authorization", "com.easemob.group.exception.GroupAuthorizationException"
    ),
    (Kind.UNAUTHENTICATED, "metadata"): _Row(401, "unauthorized", "MetadataException", "user is not in chatroom"),
    (Kind.NOT_FOUND, "group_read"): _Row(
        404,
        "service_resource_not_found",
        "com.easemob.group.exception.ServiceResourceNotFoundException",
        "do not find this group:{subject}",
    ),
    (Kind.NOT_FOUND, "group_member"): _Row(404, "resource_not_found", _RESOURCE_NOT_FOUND),
    (Kind.FORBIDDEN, "limit"): _Row(403, "exceed_limit", _EXCEED_LIMIT),
    (Kind.NOT_FOUND, ""): _Row(
        404, "service_resource_not_found", "ServiceResourceNotFoundException", "Service resource not found"
    ),
    (Kind.NOT_FOUND, "user"): _Row(
        404, "service_resource_not_found", "UserNotFoundException", "Service resource not found"
    ),
    (Kind.NOT_FOUND, "members"): _Row(
        404, "resource_not_found", _RESOURCE_NOT_FOUND, "username {subject} doesn't exist!"
    ),
    (Kind.NOT_FOUND, "group"): _Row(404, "resource_not_found", _RESOURCE_NOT_FOUND, "grpID {subject} does not exist!"),
    (Kind.NOT_FOUND, "grant"): _Row(404, "invalid_grant", _SECURITY),
    (Kind.NOT_FOUND, "entity"): _Row(404, "entity_not_found", "EntityNotFoundException"),
    # The path stands without its leading slash.
    (Kind.NOT_FOUND, "application"): _Row(
        404,
        "organization_application_not_found",
        "org.apache.usergrid.rest.exceptions.OrganizationApplicationNotFoundException",
        "Could not find application for {application} from URI: {path}",
    ),
    (Kind.NOT_FOUND, "file"): _Row(404, "entity_not_found", "EntityNotFoundException", "file may not exists"),
    (Kind.NOT_FOUND, "file_expired"): _Row(404, "file_expired", "FileExpiredException", "file is expired"),
    (Kind.BAD_REQUEST, "form"): _Row(400, "illegal_argument", _ILLEGAL_ARGUMENT, "file must be provided."),
    (Kind.UNAUTHENTICATED, "exchange"): _Row(401, "auth_bad_access_token", _SECURITY),
    (Kind.UNAUTHENTICATED, "secret"): _Row(401, "auth_bad_access_token", _SECURITY, "Unable to authenticate"),
    (Kind.CONFLICT, ""): _Row(409, "concurrent_operation_error", _WEB),
    # Where the vendor puts the application's UUID, its older servers print null too.
    (Kind.CONFLICT, "user"): _Row(
        400,
        "duplicate_unique_property_exists",
        "DuplicateUniquePropertyExistsException",
        "Application null Entity user requires that property named username be unique, value of {subject} exists",
    ),
    (Kind.CONFLICT, "group"): _Row(400, "illegal_argument", _ILLEGAL_ARGUMENT, "group ID {subject} already exists!"),
    (Kind.TOO_LARGE, ""): _Row(413, "Request Entity Too Large", _WEB, "Request Entity Too Large"),
    (Kind.TOO_LARGE, "file"): _Row(413, "Request Entity Too Large", _WEB, "file exceeding maximum limit"),
    (Kind.RATE_LIMITED, ""): _Row(429, "reach_limit", _WEB, "This request has reached api limit"),
    (Kind.RATE_LIMITED, "overload"): _Row(503, "service_unavailable", _WEB, "This request has reached api limit"),
    (Kind.UNSUPPORTED, ""): _Row(400, "illegal_argument", _ILLEGAL_ARGUMENT),
    (Kind.UNSUPPORTED, "method"): _Row(
        405, "unsupported_service_operation", "UnsupportedServiceOperationException", "Service operation not supported"
    ),
    (Kind.UNSUPPORTED, "media_type"): _Row(415, "web_application", _WEB, "Unsupported Media Type"),
    (Kind.TIMED_OUT, ""): _Row(408, "request_timeout", _WEB, "request timeout"),
    (Kind.UPSTREAM_FAILED, ""): _Row(502, "web_application", _WEB),
    (Kind.STORE_UNAVAILABLE, ""): _Row(503, "service_unavailable", _WEB),
    (Kind.INTERNAL, ""): _Row(500, "web_application", _WEB, "internal error"),
}
_BLANK_TOKEN_FOR_GROUPS = _Row(
    401, "group_authorization", "com.easemob.group.exception.GroupAuthorizationException", "token is blank!"
)
_BLANK_TOKEN_FOR_MESSAGES = _Row(401, "unauthorized", "ChatSecurityException", "Unable to authenticate (OAuth)")


def render_failure(request: Request, failure: Failure, duration_ms: int, now: int) -> Reply:
    """The failure in the vendor's own status and envelope."""
    if _is_missing(failure) and "metadata" in request.segments[2:4]:
        # This service alone has an envelope of its own.
        return json_reply(401, {"timestamp": now, "desc": "unauthorized", "duration": duration_ms})
    row = _row(request, failure)
    text = failure.text
    if row.text is not None and ("{subject}" not in row.text or failure.subject is not None):
        text = row.text.format(
            subject=failure.subject, application="/".join(request.segments[:2]), path="/".join(request.segments)
        )
    envelope = {
        "error": row.error,
        "exception": row.exception,
        "timestamp": now,
        "duration": duration_ms,
        **({"error_code": row.code} if row.code is not None else {}),
        "error_description": writable(text),
    }
    return json_reply(row.status, envelope)


def _row(request: Request, failure: Failure) -> _Row:
    if _is_missing(failure):
        resources = request.segments[2:]
        if not _GROUP_FAMILY.isdisjoint(resources):
            return _BLANK_TOKEN_FOR_GROUPS
        if resources[:1] == ("messages",):
            return _BLANK_TOKEN_FOR_MESSAGES
    return _ROWS.get((failure.kind, failure.reason)) or _ROWS[failure.kind, ""]


def _is_missing(failure: Failure) -> bool:
    return failure.kind is Kind.UNAUTHENTICATED and failure.reason == "missing"


def illegal(text: str, field: str | None = None) -> Failure:
    """A value that can't be: 400 `illegal_argument` with this wording."""
    return Failure(Kind.BAD_REQUEST, text, field=field)


def no_user(name: str) -> Failure:
    """Nobody registered this name."""
    return Failure(Kind.NOT_FOUND, "No such user", reason="user", subject=name)


def invalid_request() -> Failure:
    """A body that the newer endpoints can't read, or with fields of wrong types: 400 `invalid_request_body`."""
    return Failure(Kind.BAD_REQUEST, "Request body is invalid", reason="request")


def send_error(text: str, field: str) -> Failure:
    """A message that the newer endpoints don't send: 400 `message_send_error` with this wording."""
    return Failure(Kind.BAD_REQUEST, text, reason="send", field=field)


def unopened(what: str) -> Failure:
    """A service that an application has to be given first, and that is switched off here."""
    return Failure(Kind.FORBIDDEN, f"{what} service is unopened", reason="unopened")


def illegal_name(name: str) -> Failure:
    """A user name that can't be."""
    return Failure(Kind.BAD_REQUEST, "username is not legal", reason="name", subject=name)


def invalid_parameter(text: str, field: str) -> Failure:
    """A value that can't be, in the wording of the group endpoints: 400 `invalid_parameter`."""
    return Failure(Kind.BAD_REQUEST, text, reason="parameter", field=field)


def forbidden_operation(text: str) -> Failure:
    """What can't be done in a group: 403 `forbidden_op` with this wording."""
    return Failure(Kind.FORBIDDEN, text, reason="operation")


def no_group(text: str, reading: bool) -> Failure:
    """There is no such group or room: 404 in the wording of who looks at it, or of who changes it."""
    return Failure(Kind.NOT_FOUND, "No such group", reason="group_read" if reading else "group", subject=text)


def no_such_member_name(name: str) -> Failure:
    """Nobody registered this name, in the wording of the group endpoints."""
    return Failure(Kind.NOT_FOUND, "No such user", reason="members", subject=name)


def unknown_application() -> Failure:
    """Nobody owns the organisation and application of the path."""
    return Failure(Kind.NOT_FOUND, "No such application", reason="application")
