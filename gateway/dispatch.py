"""Which dialect a request speaks, and which row of its wire table answers.

Everything is looked up in structures that are built once, at start; ambiguity is refused there.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote_to_bytes

import msgspec

from adapters.contract import Adapter, Claim, ClaimKind, NamesCalls, Preflight, ReadsBodyFirst, Request, Route
from core.errors import Failure, Kind

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PARAMETER = re.compile(r"\{[a-z_]+\}")
_MAXIMUM_REMEMBERED = 4096
_LONGEST_REMEMBERED = 512
_MOST_PARTS_REMEMBERED = 16
_SERVED_BY_THE_GATEWAY = ("HEAD", "OPTIONS")


class AmbiguousRoutes(ValueError):
    """Two rows or two dialects want the same requests, or no request can reach a row."""


def split_path(raw: bytes) -> tuple[str, tuple[str, ...], bool]:
    """The path as text, its parts, and whether all parts are legible: escapes whole, UTF-8 valid, no control characters.

    Repeated and trailing slashes make no parts; an escaped slash is part of its part.
    """
    if b"%" not in raw and raw.isascii():
        path = raw.decode("ascii")
        return path, tuple(filter(None, path.split("/"))), path.isprintable()
    legible = _BROKEN_ESCAPE.search(raw) is None
    parts = []
    for piece in filter(None, raw.split(b"/")):
        octets = unquote_to_bytes(piece)
        try:
            part = octets.decode()
        except UnicodeDecodeError:
            part = octets.decode(errors="replace")
            legible = False
        if not part.isprintable() and any(c < " " or "\x7f" <= c <= "\x9f" for c in part):
            legible = False
        parts.append(part)
    return raw.decode(errors="replace"), tuple(parts), legible


class Row:
    """A route, with the places of its named parts."""

    __slots__ = ("names", "route")

    def __init__(self, route: Route, names: tuple[tuple[int, str], ...]) -> None:
        self.route = route
        self.names = names

    def parameters(self, segments: Sequence[str]) -> dict[str, str]:
        """The values of the path's named parts."""
        return {name: segments[index] for index, name in self.names}


class _Node:
    """A place in the tree of a wire table's paths."""

    __slots__ = ("literals", "parameter", "rows")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.rows: dict[str, Row] = {}

    def find(self, keys: Sequence[str], start: int, method: str) -> Row | None:
        """The row for a path and method. A literal part goes before a named one, wherever both lead to a row."""
        node = self
        for index in range(start, len(keys)):
            literal = node.literals.get(keys[index])
            if literal is not None and node.parameter is not None:
                row = literal.find(keys, index + 1, method)
                if row is not None:
                    return row
                literal = None
            following = literal or node.parameter
            if following is None:
                return None
            node = following
        return node.rows.get(method)

    def methods(self, keys: Sequence[str], index: int) -> set[str]:
        """The methods that rows for this path have."""
        if index == len(keys):
            return set(self.rows)
        found: set[str] = set()
        for node in (self.literals.get(keys[index]), self.parameter):
            if node is not None:
                found |= node.methods(keys, index + 1)
        return found


class Dialect:
    """An adapter with its wire table made ready, and the powers that the way of a request asks for."""

    __slots__ = ("_calls", "_folds", "_root", "adapter", "asked", "before_authentication", "name", "preflight")

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.name = adapter.name
        self.before_authentication = adapter.before_authentication if isinstance(adapter, ReadsBodyFirst) else None
        self.preflight = adapter.preflight if isinstance(adapter, Preflight) else None
        self.asked = adapter.asked if isinstance(adapter, NamesCalls) else None
        self._folds = adapter.folds_paths
        self._root = _Node()
        self._calls: dict[str, dict[str, Row]] = {}
        for route in adapter.routes:
            self._add(route)

    def find(self, method: str, segments: tuple[str, ...]) -> Row:
        """The row that answers. Raises *not found* with reason `route`, or *unsupported* with reason `method` where the
        path has rows for other methods."""
        keys = self._keys(segments)
        row = self._root.find(keys, 0, method)
        if row is not None:
            return row
        if self._root.methods(keys, 0):
            raise Failure(Kind.UNSUPPORTED, "This path does not take this method", reason="method", subject=method)
        raise Failure(Kind.NOT_FOUND, "There is nothing at this path", reason="route")

    def called(self, method: str, call: str) -> Row:
        """The row that answers what `NamesCalls.asked` says is asked for, on whatever path; raises as `find`."""
        rows = self._calls.get(call)
        if rows is None:
            raise Failure(Kind.NOT_FOUND, "There is no such call", reason="route")
        if method not in rows:
            raise Failure(Kind.UNSUPPORTED, "This call does not take this method", reason="method", subject=method)
        return rows[method]

    def allowed(self, segments: tuple[str, ...]) -> str:
        """The value of an `Allow` header for a path; empty when the path is unknown. Where paths don't tell what is asked for,
        all methods of the dialect."""
        if self.asked is None:
            methods = self._root.methods(self._keys(segments), 0)
        else:
            methods = {method for rows in self._calls.values() for method in rows}
        if "GET" in methods:
            methods.add("HEAD")
        return ", ".join(sorted({*methods, "OPTIONS"})) if methods else ""

    def _keys(self, segments: tuple[str, ...]) -> Sequence[str]:
        if self._folds:
            return [segment.lower() for segment in segments]
        # The first part is compared in lower case in every dialect: clients write /API and /Rest.
        return (segments[0].lower(), *segments[1:]) if segments else segments

    def _add(self, route: Route) -> None:
        where = f"{self.name}: {route.method} {route.path}"
        if route.method != route.method.upper() or route.method in _SERVED_BY_THE_GATEWAY:
            raise AmbiguousRoutes(f"{where}: methods are upper case, HEAD and OPTIONS are the gateway's own")
        if (self.asked is None) != (not route.call):
            raise AmbiguousRoutes(f"{where}: rows have a call where the dialect names calls, and nowhere else")
        if route.call:
            if self._calls.setdefault(route.call, {}).setdefault(route.method, Row(route, ())).route is not route:
                raise AmbiguousRoutes(f"{where}: {route.call} stands twice")
            return
        node = self._root
        names = []
        for index, part in enumerate(part for part in route.path.split("/") if part):
            if _PARAMETER.fullmatch(part):
                names.append((index, part[1:-1]))
                node.parameter = node.parameter or _Node()
                node = node.parameter
            elif "{" in part or "}" in part:
                raise AmbiguousRoutes(f"{where}: a part is either plain or one name in braces")
            else:
                node = node.literals.setdefault(part.lower() if self._folds or index == 0 else part, _Node())
        if len({name for _, name in names}) != len(names):
            raise AmbiguousRoutes(f"{where}: a name stands twice")
        if route.method in node.rows:
            raise AmbiguousRoutes(f"{where} is the same as {node.rows[route.method].route.path}")
        node.rows[route.method] = Row(route, tuple(names))


class Way(msgspec.Struct, eq=False):
    """A path made ready: what depends on it alone."""

    path: str
    segments: tuple[str, ...]
    legible: bool
    dialect: Dialect | None
    """Whose it is, unless the query says otherwise."""
    _rows: dict[tuple[str, str], tuple[Row, dict[str, str]]] = {}

    def row(self, dialect: Dialect, method: str) -> tuple[Row, dict[str, str]]:
        """The row that answers, and the values of the path's named parts; raises as `Dialect.find` does."""
        found = self._rows.get((dialect.name, method))
        if found is None:
            row = dialect.find(method, self.segments)
            found = self._rows[dialect.name, method] = (row, row.parameters(self.segments))
        return found


class Dispatcher:
    """The dialects of the main listener. Raises `AmbiguousRoutes` when they can't be told apart."""

    __slots__ = ("_fallback", "_first", "_fixed", "_queries", "_ways", "dialects")

    def __init__(self, adapters: Iterable[Adapter]) -> None:
        self._queries: list[tuple[frozenset[str], Dialect]] = []
        self._fixed: dict[tuple[str, ...], Dialect] = {}
        self._first: dict[str, Dialect] = {}
        self._fallback: Dialect | None = None
        self._ways: dict[bytes, Way] = {}
        self.dialects: dict[str, Dialect] = {}
        for adapter in adapters:
            dialect = Dialect(adapter)
            if self.dialects.setdefault(dialect.name, dialect) is not dialect:
                raise AmbiguousRoutes(f"Two adapters are named {dialect.name}")
            for claim in adapter.claims:
                self._claim(dialect, claim)
        for dialect in self.dialects.values():
            self._check_reachable(dialect)

    def way(self, raw_path: bytes) -> Way:
        """The path made ready, from memory when it was asked for lately."""
        way = self._ways.get(raw_path)
        if way is None:
            path, segments, legible = split_path(raw_path)
            way = Way(path, segments, legible, self._by_path(segments))
            if len(raw_path) <= _LONGEST_REMEMBERED and len(segments) <= _MOST_PARTS_REMEMBERED:
                if len(self._ways) >= _MAXIMUM_REMEMBERED:
                    del self._ways[next(iter(self._ways))]
                self._ways[raw_path] = way
        return way

    def dialect(self, way: Way, request: Request) -> Dialect | None:
        """Whose request this is; none when nobody claims it."""
        text = request.query_string
        if text:
            for names, dialect in self._queries:
                for name in names:
                    if name not in text:
                        break
                else:  # a text that may hold them is worth reading
                    if names <= request.query.keys():
                        return dialect
        return way.dialect

    def _by_path(self, segments: tuple[str, ...]) -> Dialect | None:
        length = len(segments)
        first = segments[0].lower() if length else ""
        if length <= 1:
            return self._fixed.get((first,) if length else ())
        return self._fixed.get((first, *segments[1:])) or self._first.get(first) or self._fallback

    def _claim(self, dialect: Dialect, claim: Claim) -> None:
        match claim.kind:
            case ClaimKind.QUERY:
                names = frozenset(claim.names)
                for others, other in self._queries:
                    if names <= others or others <= names:
                        raise _claimed_twice(dialect, other, "the query " + ", ".join(sorted(names)))
                self._queries.append((names, dialect))
            case ClaimKind.FIXED:
                _, (*parts,), _ = split_path(claim.path.encode())
                path = (*(part.lower() for part in parts[:1]), *parts[1:])
                if self._fixed.setdefault(path, dialect) is not dialect:
                    raise _claimed_twice(dialect, self._fixed[path], claim.path)
            case ClaimKind.SEGMENT:
                for name in claim.names:
                    if self._first.setdefault(name.lower(), dialect) is not dialect:
                        raise _claimed_twice(dialect, self._first[name.lower()], f"/{name}/…")
            case ClaimKind.FALLBACK:
                if self._fallback is not None:
                    raise _claimed_twice(dialect, self._fallback, "all other paths")
                self._fallback = dialect

    def _check_reachable(self, dialect: Dialect) -> None:
        """A row that its dialect's claims don't cover would never be asked."""
        if any(claim.kind is ClaimKind.QUERY for claim in dialect.adapter.claims):
            return
        for route in dialect.adapter.routes:
            owner = self._by_path(tuple(part for part in route.path.split("/") if part))
            if owner is not dialect:
                taken = f"belongs to {owner.name}" if owner else "is claimed by nobody"
                raise AmbiguousRoutes(f"{dialect.name}: {route.method} {route.path} {taken}")


class BoundDispatcher(Dispatcher):
    """One dialect that has a listener to itself: no claim counts, every request is its own."""

    __slots__ = ("_only",)

    def __init__(self, adapter: Adapter) -> None:
        super().__init__(())
        self._only = Dialect(adapter)

    def _by_path(self, segments: tuple[str, ...]) -> Dialect:  # noqa: ARG002
        return self._only


def claimed_segments(adapters: Iterable[Adapter]) -> frozenset[str]:
    """First path segments, in lower case, that dialects claim: no application of a fallback dialect can begin with one."""
    found: set[str] = set()
    for adapter in adapters:
        for claim in adapter.claims:
            found.update(name.lower() for name in claim.names if claim.kind is ClaimKind.SEGMENT)
            if claim.kind is ClaimKind.FIXED:
                found.update(split_path(claim.path.lower().encode())[1][:1])
    return frozenset(found)


def _claimed_twice(one: Dialect, other: Dialect, what: str) -> AmbiguousRoutes:
    return AmbiguousRoutes(f"{one.name} and {other.name} both claim {what}")
