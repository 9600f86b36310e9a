"""The dialects that the gateway speaks: the built-in ones, and those that other packages bring."""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

import msgspec

import adapters.applozic
import adapters.chat21
import adapters.easemob
import adapters.ozeki
from adapters.contract import Adapter

Create = Callable[[Mapping[str, Any]], Adapter]

ENTRY_POINTS = "chatgateway.adapters"
BUILT_IN: Mapping[str, Create] = {
    "easemob": adapters.easemob.create,
    "chat21": adapters.chat21.create,
    "applozic": adapters.applozic.create,
    "ozeki": adapters.ozeki.create,
}


class UnknownOptions(ValueError):
    """Settings of dialects that don't exist, or that a dialect does not understand."""


def load_adapters(options: Mapping[str, Mapping[str, Any]]) -> list[Adapter]:
    """All dialects, each made with its table of the settings (`[dialects.<name>]`). Another package adds one by an entry
    point in the group `chatgateway.adapters`: its name, and a function like `adapters.chat21.create`.

    Raises `UnknownOptions` with everything that is wrong, a line each.
    """
    creators = dict(BUILT_IN)
    problems = []
    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name in creators:
            problems.append(f"{entry.value}: there is another dialect {entry.name}")
        creators[entry.name] = entry.load()
    problems += [f"dialects.{name}: there is no such dialect" for name in options if name not in creators]
    made = []
    for name, create in creators.items():
        try:
            made.append(create(options.get(name, {})))
        except msgspec.ValidationError as problem:
            problems.append(f"dialects.{name}: {problem}")
    if problems:
        raise UnknownOptions("\n".join(problems))
    return made
