"""docs/parity.md: every row of every wire table, and how sure we are of it."""

from collections import Counter
from collections.abc import Sequence

from adapters.contract import Adapter, Evidence, Route

_HEAD = """\
# What is served, and how sure we are of it

Made by `make docs` from the wire tables (`adapters/*/routes.py`). A part of a path in braces stands for any text. The
operation is the gateway's own name for what happens. The evidence says what the answer was measured by, best first:

| evidence | what it is |
| --- | --- |
"""


def page(adapters: Sequence[Adapter]) -> str:
    """The page for these dialects."""
    words = "".join(f"| {evidence.name.lower()} | {evidence.value} |\n" for evidence in Evidence)
    counts = "".join(_count(adapter) for adapter in adapters)
    head = "".join(f" {evidence.name.lower()} |" for evidence in Evidence)
    rules = " ---: |" * (len(Evidence) + 1)
    summary = f"\n| dialect | rows |{head}\n| --- |{rules}\n{counts}"
    return _HEAD + words + summary + "".join(_table(adapter) for adapter in adapters)


def shown_path(route: Route) -> str:
    """The path of a row, and what else of a request names it."""
    return f"{route.path}?{route.call}" if route.call else route.path


def _count(adapter: Adapter) -> str:
    found = Counter(route.evidence for route in adapter.routes)
    cells = "".join(f" {found[evidence]} |" for evidence in Evidence)
    return f"| [{adapter.name}](#{adapter.name}) | {len(adapter.routes)} |{cells}\n"


def _table(adapter: Adapter) -> str:
    rows = "".join(
        f"| {route.method} | `{shown_path(route)}` | {route.operation} | {route.evidence.name.lower()} |\n"
        for route in adapter.routes
    )
    return f"\n## {adapter.name}\n| method | path | operation | evidence |\n| --- | --- | --- | --- |\n{rows}"
