"""How this wire table is written: a line a path, whatever its methods."""

from collections.abc import Iterable

from adapters.contract import Evidence, Handler, Route

WS = "/rest/ws/"
"""What all paths but those of one login and of one way to upload files begin with."""
Line = tuple[str, str, Handler, str, Evidence]
"""The methods (`GET POST`: parameters, or the same as a body), the path behind `WS`, the handler, what happens, how sure we are."""


def rows(lines: Iterable[Line]) -> tuple[Route, ...]:
    """The rows of lines, all of which ask for a credential."""
    return tuple(
        Route(method, WS + path, handler, operation, evidence)
        for methods, path, handler, operation, evidence in lines
        for method in methods.split()
    )
