"""Where settings are read from: a file, the environment, the command line; and secrets from files of their own."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

PREFIX = "CHATGATEWAY_"
CONFIG_VARIABLE = "CHATGATEWAY_CONFIG"
SECRET_NAME = re.compile(r"(^|_)(password|secret|token|key)(?<!^tls_key)$")

Key = tuple[str, ...]
"""The path of a setting: `("limits", "body_bytes")`."""


class Given(msgspec.Struct, frozen=True):
    """A value that was given, and where."""

    value: Any
    place: str
    is_text: bool
    """From the environment, where everything is text."""


Layer = dict[Key, Given]
"""What one source gives."""


def file_layer(config: Path, problems: list[str]) -> Layer:
    """The values of a TOML file; what is wrong with it as a whole is added to `problems`."""
    try:
        table = tomllib.loads(config.read_text())
    except OSError as problem:
        problems.append(f"{config}: cannot be read: {problem.strerror}")
    except UnicodeDecodeError:
        problems.append(f"{config}: is not UTF-8 text")
    except tomllib.TOMLDecodeError as problem:
        problems.append(f"{config}: is not TOML: {problem}")
    else:
        return {path: Given(value, f"{config}: {'.'.join(path)}", False) for path, value in _leaves(table, ())}
    return {}


def _leaves(table: Mapping[str, Any], path: Key) -> Iterator[tuple[Key, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def environment_layer(environment: Mapping[str, str]) -> Layer:
    """The values of variables. An empty one counts as not given: that is how compose files pass on what is not set."""
    return {
        tuple(name.removeprefix(PREFIX).lower().split("__")): Given(value, name, True)
        for name, value in environment.items()
        if name.startswith(PREFIX) and name != CONFIG_VARIABLE and value
    }


def with_secrets_from_files(layer: Layer, problems: list[str]) -> Layer:
    """The same, with what the files hold that stand in the place of secrets."""
    result: Layer = {}
    for path, found in layer.items():
        *table, name = path
        stem = name.removesuffix("_file")
        if stem == name or not SECRET_NAME.search(stem):
            result[path] = found
            continue
        target = (*table, stem)
        if target in layer:
            problems.append(f"{found.place}: {layer[target].place} is given too: only one of the two is possible")
            continue
        try:
            secret = Path(str(found.value)).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError, ValueError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
            problems.append(f"{found.place}: the file cannot be read: {why}")
            continue
        if not secret:
            problems.append(f"{found.place}: the file is empty")
        result[target] = Given(secret, found.place, True)
    return result
