"""Shapes of replies, for the rows."""

from typing import Any

AUTHORIZED = {"Authorization": "Bearer {token}"}
URL = "http://gateway.test:8080{base}"

ILLEGAL_ARGUMENT = "java.lang.IllegalArgumentException"
SECURITY = "org.apache.usergrid.rest.exceptions.SecurityException"
EASEMOB_SECURITY = "com.easemob.im.exceptions.EasemobSecurityException"
GROUPS = "com.easemob.group.exception."


def error(name: str, exception: Any, text: Any) -> dict[str, Any]:
    """The envelope of a failure."""
    return {"error": name, "exception": exception, "timestamp": int, "duration": int, "error_description": text}


def illegal(text: Any) -> dict[str, Any]:
    return error("illegal_argument", ILLEGAL_ARGUMENT, text)


def success(action: str, path: str, /, **fields: Any) -> dict[str, Any]:
    """The envelope of a successful reply to a request at this path of the application."""
    return {
        "action": action,
        "application": "{uuid}",
        "applicationName": "{app}",
        "organization": "{org}",
        "uri": URL + path,
        "timestamp": int,
        "duration": int,
        **fields,
    }


def each(*values: Any) -> tuple[Any, ...]:
    """Values of all sorts."""
    return values
