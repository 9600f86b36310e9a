"""What a caller may send: values of all sorts, with the words of a dialect among them more often than chance would have it."""

import ast
import inspect
import pkgutil
import re
import sys
from functools import cache, partial
from importlib import import_module
from types import ModuleType
from typing import Any

from hypothesis import strategies as st

from adapters.contract import Adapter, Route

_WORD = re.compile(r"[A-Za-z_][\w.:-]{0,30}")

LEGIBLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
"""What UTF-8 can hold."""
ODD = st.sampled_from(
    (
        *("", " ", "0", "-1", "1.5", "true", "null", ".", "..", "%", "%00", "\0", "\ud800", "/", "#", "{", "x" * 300),
        *("\u0663", "\u017fystem", "9" * 19, "9" * 40, "7" * 15, "ZHQt", "dt-", "YWMt", "group-", "support-group-1"),
        *("_-", "admin", "system"),
    )
)
NUMBERS = st.integers(-3, 5) | st.integers(-(2**64), 2**65) | st.floats() | st.just(1_750_000_000_000)


def names(known: list[str]) -> st.SearchStrategy[str]:
    """Things that there are (`{…}`, filled in when the request is sent), and others."""
    return st.sampled_from(known) | st.sampled_from(known) | st.sampled_from(known) | ODD | st.text(max_size=12)


def json_values(texts: st.SearchStrategy[str], fields: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Anything that JSON can say, and NaN."""
    scalars = texts | texts | st.none() | st.booleans() | NUMBERS
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=4),
        max_leaves=6,
    )


@st.composite
def mutated(
    draw: st.DrawFn, base: dict[str, Any], values: st.SearchStrategy[Any], fields: st.SearchStrategy[str]
) -> Any:
    """A good body with a few fields changed, left out or added; what lies within may be too."""
    body = dict(base)
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 1, 2, 3)))):
        name = draw(st.sampled_from(sorted(body)) if draw(st.booleans()) and body else fields)
        if name in body and draw(st.integers(0, 3)) == 0:
            del body[name]
        elif isinstance(body.get(name), dict) and draw(st.booleans()):
            body[name] = draw(mutated(body[name], values, fields))
        else:
            body[name] = draw(values)
    return body


def words_of_route(route: Route) -> list[str]:
    """The words in the module that answers a row: its fields are among them."""
    handler: Any = route.handler
    while isinstance(handler, partial):
        handler = handler.func
    return words_of_module(sys.modules[handler.__module__])


def words_of_dialect(adapter: Adapter) -> list[str]:
    """The words in all of an adapter's modules."""
    package = sys.modules[type(adapter).__module__.rpartition(".")[0]]
    found: dict[str, None] = {}
    for each in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        found |= dict.fromkeys(words_of_module(import_module(each.name)))
    return list(found)


@cache
def words_of_module(module: ModuleType) -> list[str]:
    """The words among a module's texts."""
    constants = (
        node.value
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return sorted({text for text in constants if _WORD.fullmatch(text)}) or ["a"]
