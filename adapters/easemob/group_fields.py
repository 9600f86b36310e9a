"""The fields of groups and rooms as requests give them: under several names, and as text where untyped clients do so."""

from collections.abc import Collection
from typing import Any

from adapters.easemob.errors import invalid_parameter
from adapters.easemob.wire import boolean_of, integer_of, text_of

DEFAULT_MAXIMUM_USERS = 200
_HIGHEST_MAXIMUM_USERS = (1 << 31) - 1
_SPELLINGS = {
    "desc": "description",
    "members_only": "membersonly",
    "approval": "membersonly",
    "name": "groupname",
    "allow_user_invites": "allowinvites",
}
"""The same field under another name: the vendor's documents, clients and live service disagree."""
_TEXT_LIMITS = {"groupname": 128, "description": 512, "custom": 1024, "avatar": 1024}
_SWITCHES = ("membersonly", "allowinvites", "invite_need_confirm", "need_verify")
LEFTOVERS = (*_SWITCHES, "custom", "scale")
"""What only this dialect knows of a group."""


def read_fields(request: dict[str, Any]) -> dict[str, Any]:
    """What is given, under one name each, as values of the right types. Raises *bad request* for a value that can't be; fields
    that nobody knows stay as they are."""
    fields = {name: value for name, value in request.items() if value is not None}
    for other, name in _SPELLINGS.items():
        if other in fields:
            value = fields.pop(other)
            fields.setdefault(name, value)
    return {name: _value(name, value) for name, value in fields.items()}


def profile(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that every dialect knows of a group, by the core's names."""
    names = {
        "groupname": "name",
        "description": "description",
        "maxusers": "maximum_members",
        "public": "public",
        "avatar": "image_url",
    }
    return {names[name]: value for name, value in fields.items() if name in names}


def leftovers(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that only this dialect knows."""
    return {name: fields[name] for name in LEFTOVERS if name in fields}


def check_known(fields: Collection[str], known: Collection[str]) -> None:
    """Raises *bad request* for a field that can't be changed."""
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise invalid_parameter(f"some of [{', '.join(unknown)}] are not valid fields", unknown[0])


def _value(name: str, value: object) -> object:
    if name in _TEXT_LIMITS:
        return _text(name, value)
    if name in _SWITCHES or name == "public":
        switch = boolean_of(value)
        if switch is None:
            raise invalid_parameter(f"{name} must be boolean", name)
        return switch
    if name == "maxusers":
        maximum = integer_of(value)
        if maximum is None or not 0 < maximum <= _HIGHEST_MAXIMUM_USERS:
            raise invalid_parameter("maxusers must be a number", name)
        return maximum
    if name == "scale":
        return text_of(value) or ""
    return value


def _text(name: str, value: object) -> str:
    text = text_of(value)
    if text is None:
        raise invalid_parameter(f"{name} must be a string", name)
    if len(text) > _TEXT_LIMITS[name]:
        raise invalid_parameter(f"{name} length is too big", name)
    return text
