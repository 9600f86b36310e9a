"""The settings as an operator is shown them: as TOML, with the place of each, secrets hidden."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from gateway.settings import Loaded
from gateway.settings_sources import SECRET_NAME, Key

HIDDEN = "***"


def shown(loaded: Loaded) -> str:
    """The settings as TOML with the place of each given one, secrets hidden."""
    return "\n".join(_toml(msgspec.to_builtins(loaded.settings), (), loaded.places)) + "\n"


def hide_password(url: str) -> str:
    """A URL without its password."""
    parts = urlsplit(url)
    credentials, at, place = parts.netloc.rpartition("@")
    user, colon, _ = credentials.partition(":")
    return urlunsplit(parts._replace(netloc=f"{user}:{HIDDEN}{at}{place}")) if colon else url


def _toml(table: Mapping[str, Any], path: Key, places: Mapping[Key, str]) -> Iterator[str]:
    simple = {name: value for name, value in table.items() if not (isinstance(value, dict) or _are_tables(value))}
    if path and simple:
        yield f"\n[{'.'.join(path)}]"
    for name, value in simple.items():
        if value is not None:
            place = places.get((*path, name), "default")
            yield f"{name} = {json.dumps(_redacted(name, value), ensure_ascii=False)}  # {place}"
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _toml(value, (*path, name), places)
        elif _are_tables(value):
            for each in value:
                yield f"\n[[{name}]]  # {places[(*path, name)]}"
                yield from (f"{field} = {json.dumps(given)}" for field, given in each.items() if given is not None)


def _are_tables(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and isinstance(value[0], dict)


def _redacted(name: str, value: Any) -> Any:
    if SECRET_NAME.search(name):
        return HIDDEN
    return hide_password(value) if name == "redis" else value
