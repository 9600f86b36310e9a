"""What an operator can set, and where each value came from.

One TOML file < environment variables < command line options. The name is the same everywhere: `admin_port` in the file,
`CHATGATEWAY_ADMIN_PORT`, `--admin-port`; a table's key in the environment has two underscores: `[limits] body_bytes` is
`CHATGATEWAY_LIMITS__BODY_BYTES`. A setting whose name ends in `password`, `secret`, `token` or `key` can be given as
`<name>_file`, the path of a file that holds it (`tls_key` is such a path itself).

Further listeners are tables in the file, words elsewhere: `CHATGATEWAY_LISTENERS=ozeki=9509,chat21=8004`, `--listen
ozeki=9509`.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_origin
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from core.errors import Failure
from core.objects import BUCKET_SCHEME, Objects
from core.store.address import parse_url
from gateway import adapters_list
from gateway.limits import Limits
from gateway.listeners import CertificateError, FilledText, Listener, Port, fields_of, tls_context
from gateway.settings_sources import (
    CONFIG_VARIABLE,
    Given,
    Key,
    Layer,
    environment_layer,
    file_layer,
    with_secrets_from_files,
)

MAXIMUM_WORKERS = 64
_NO_LISTENER = Listener(dialect="", port=0)
"""In the place of a wrong one, so that what else is wrong is said of the right ones."""

_NO_TABLES = "must be [[listeners]], a table for each"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set."""

    host: FilledText = "127.0.0.1"
    """The address that all listeners are bound to, unless one has its own."""
    port: Port = 8080
    """Where the dialects are served; 0 takes any free port."""
    tls_cert: str | None = None
    """A PEM file with the certificate for that port, and those that lead to it; absent for plain HTTP."""
    tls_key: str | None = None
    """A PEM file with its key; absent when the certificate's file has it."""
    listeners: tuple[Listener, ...] = ()
    """Further ports, each for one dialect alone."""
    admin_port: Port = 8081
    """Where health is served; 0 takes any free port."""
    redis: str | None = None
    """The store's URL; absent for the embedded server."""
    redis_password: str | None = None
    """The store's password, for a URL without one."""
    data: FilledText = "./chatgateway-data"
    """The embedded server's folder, and the files'; `:memory:` for a temporary one."""
    files: str | None = None
    """Where files lie: a folder's path, or `s3://bucket/prefix`; absent for the folder `files` in `data`."""
    durable: bool = False
    """Whether the embedded server puts every write on disk before it is acknowledged."""
    workers: int = 1
    """How many worker processes serve."""
    ready_file: str | None = None
    """A file to write once the gateway accepts requests."""
    drain_seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 10.0
    """How long requests in flight may take after a stop was asked for."""
    strict_translation: bool = False
    """Whether a message is refused of which another of the tenant's dialects would lose something."""
    limits: Limits = Limits()
    dialects: dict[str, dict[str, Any]] = {}
    """Options of each dialect, by its name; what they mean is the adapter's."""

    @property
    def store_url(self) -> str | None:
        """The store's URL with its password, absent for the embedded server. Never to be shown."""
        if self.redis is None or self.redis_password is None:
            return self.redis
        parts = urlsplit(self.redis)
        place = parts.netloc.rpartition("@")[2]
        user = quote(parts.username or "", safe="")
        return urlunsplit(parts._replace(netloc=f"{user}:{quote(self.redis_password, safe='')}@{place}"))


class Loaded(msgspec.Struct, frozen=True):
    """The settings, and by path (`("limits", "body_bytes")`) the place that each given one came from."""

    settings: Settings
    places: dict[Key, str]


class SettingsError(Exception):
    """All that is wrong with the settings, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(config: Path | None, environment: Mapping[str, str], options: Mapping[str, Any]) -> Loaded:
    """Read all sources. `options` are those of the command line by setting name; None means not given. Without `config`
    the file is the one that `CHATGATEWAY_CONFIG` names, if any. Raises `SettingsError` with everything that is wrong."""
    problems: list[str] = []
    named = environment.get(CONFIG_VARIABLE)
    if config is None and named:
        config = Path(named)
    given: Layer = {}
    layers: list[Layer] = [
        file_layer(config, problems) if config else {},
        environment_layer(environment),
        {(name,): Given(value, option_name(name), False) for name, value in options.items() if value not in (None, ())},
    ]
    for layer in layers:
        given |= with_secrets_from_files(layer, problems)
    unused = dict(given)
    values = _build(Settings, (), unused, problems)
    problems += [f"{found.place}: {_unknown(path)}" for path, found in unused.items()]
    settings = Settings(**values)
    places = {path: found.place for path, found in given.items()}
    problems += _contradictions(settings, places)
    problems += _dialect_problems(settings, places)
    if problems:
        raise SettingsError(problems)
    return Loaded(settings, places)


def option_name(name: str) -> str:
    """How a setting is called on the command line."""
    return "--listen" if name == "listeners" else "--" + name.replace("_", "-")


def _build(kind: type[msgspec.Struct], path: Key, unused: Layer, problems: list[str]) -> dict[str, Any]:
    """The given values of a table's fields, taken out of `unused`."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        here = (*path, field.name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            try:
                values[field.name] = field.type(**_build(field.type, here, unused, problems))
            except ValueError as problem:  # of a table's own check
                problems.append(f"{'.'.join(here)}: {problem}")
        elif field.name == "dialects":
            values[field.name] = _free_tables(here, unused)
        elif field.name == "listeners":
            if here in unused:
                values[field.name] = _listeners(unused.pop(here), problems)
        elif here in unused:
            found = unused.pop(here)
            try:
                values[field.name] = msgspec.convert(_listed(found, field.type), field.type, strict=not found.is_text)
            except msgspec.ValidationError as problem:
                problems.append(f"{found.place}: {problem}")
    return values


def _listeners(found: Given, problems: list[str]) -> tuple[Listener, ...]:
    """Tables, or words (`fields_of`)."""
    given = _listed(found, tuple)
    if not isinstance(given, (list, tuple)):
        problems.append(f"{found.place}: {_NO_TABLES}")
        return ()
    made = []
    for number, entry in enumerate(given, 1):
        place, table = _nth(found.place, number), fields_of(entry) if isinstance(entry, str) else entry
        if not isinstance(table, dict):
            problems.append(f"{place}: must be DIALECT=PORT or DIALECT=HOST:PORT")
            made.append(_NO_LISTENER)
            continue
        is_text = isinstance(entry, str)
        unused: Layer = {(name,): Given(value, f"{place}: {name}", is_text) for name, value in table.items()}
        needed = ("dialect", "port")
        problems += [f"{place}: {name} is missing" for name in needed if name not in table]
        values = _build(Listener, (), unused, problems)
        problems += [f"{other.place}: there is no such setting" for other in unused.values()]
        made.append(msgspec.structs.replace(_NO_LISTENER, **values))
    return tuple(made)


def _nth(place: str, number: int) -> str:
    return f"{place}: number {number}"


def _listed(found: Given, kind: Any) -> Any:
    """A variable's text is split at commas where a list is wanted."""
    if found.is_text and (get_origin(kind) or kind) in (tuple, list):
        return [part.strip() for part in found.value.split(",")]
    return found.value


def _free_tables(path: Key, unused: Layer) -> dict[str, Any]:
    """Tables whose fields only an adapter knows."""
    tables: dict[str, Any] = {}
    for full in [full for full in unused if full[: len(path)] == path and len(full) > len(path) + 1]:
        found = unused.pop(full)
        *names, last = full[len(path) :]
        table = tables
        for name in names:
            below = table.get(name)
            if not isinstance(below, dict):
                below = table[name] = {}
            table = below
        table[last] = _guessed(found.value) if found.is_text else found.value
    return tables


def _guessed(text: str) -> Any:
    """A variable's text as TOML would read it; what TOML does not understand is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _contradictions(settings: Settings, places: Mapping[Key, str]) -> Iterator[str]:
    def place(name: str) -> str:
        return places.get((name,), name)

    if settings.files is not None and settings.files.startswith(BUCKET_SCHEME):
        try:
            Objects(settings.files)
        except ValueError as problem:
            yield f"{place('files')}: {problem}"
    elif settings.files is not None and "://" in settings.files:
        yield f"{place('files')}: must be a folder's path or {BUCKET_SCHEME}bucket/prefix"
    if not 1 <= settings.workers <= MAXIMUM_WORKERS:
        yield f"{place('workers')}: must be 1 to {MAXIMUM_WORKERS}"
    yield from _listener_problems(settings, place)
    if settings.redis is not None:
        try:
            address = parse_url(settings.redis).address
        except (Failure, ValueError) as problem:
            yield f"{place('redis')}: {problem.text if isinstance(problem, Failure) else 'is not a URL'}"
        else:
            if settings.redis_password is not None and (address.password or address.path):
                yield f"{place('redis_password')}: {place('redis')} has a password already, or needs none"
        if settings.durable:
            yield f"{place('durable')}: is about the embedded server; with {place('redis')} set appendfsync there"
    elif settings.redis_password is not None:
        yield f"{place('redis_password')}: the embedded server has no password; the URL in redis is missing"


def _listener_problems(settings: Settings, place: Callable[[str], str]) -> Iterator[str]:
    listeners = [(_nth(place("listeners"), number), each) for number, each in enumerate(settings.listeners, 1)]
    taken: dict[tuple[str, int], str] = {}
    ports = [(place("port"), settings.host, settings.port), (place("admin_port"), settings.host, settings.admin_port)]
    for where, host, port in (*ports, *((where, each.host or settings.host, each.port) for where, each in listeners)):
        other = taken.setdefault((host, port), where)
        if port and other != where:
            yield f"{where}: must differ from {other}"
    files = [(place("tls_cert" if settings.tls_cert else "tls_key"), settings.tls_cert, settings.tls_key)]
    for where, certificate, key in (*files, *((where, each.tls_cert, each.tls_key) for where, each in listeners)):
        try:
            tls_context(certificate, key)
        except CertificateError as problem:
            yield f"{where}: {problem}"


def _dialect_problems(settings: Settings, places: Mapping[Key, str]) -> Iterator[str]:
    try:
        known = [adapter.name for adapter in adapters_list.load_adapters(settings.dialects)]
    except adapters_list.UnknownOptions as problems:
        for problem in str(problems).splitlines():
            table = tuple(problem.partition(":")[0].split("."))
            given = [place for path, place in places.items() if path[: len(table)] == table]
            yield ": ".join(filter(None, (", ".join(given), problem)))
    else:
        for number, listener in enumerate(settings.listeners, 1):
            if listener.dialect and listener.dialect not in known:
                where = _nth(places[("listeners",)], number)
                yield f"{where}: there is no dialect {listener.dialect!r}; there are: {', '.join(known)}"


def _unknown(path: Key) -> str:
    if path[0] == "listeners":
        return _NO_TABLES
    name = ".".join(path)
    known = list(_names(Settings, ""))
    if path[0] == "dialects" or any(each.startswith(f"{name}.") for each in known):
        return "must be a table"
    near = get_close_matches(name, known, n=1, cutoff=0.75)
    return f"there is no such setting (did you mean {near[0]}?)" if near else "there is no such setting"


def _names(kind: type[msgspec.Struct], before: str) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _names(field.type, f"{before}{field.name}.")
        else:
            yield before + field.name
