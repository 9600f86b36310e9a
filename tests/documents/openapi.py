"""docs/openapi/: a document for each dialect, for tools that read such documents.

The wire tables say which paths and methods there are; queries and bodies are whatever the vendor's are: any map.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.contract import Adapter, Route
from tests.documents.parity import shown_path

_SECURITY: Mapping[str, dict[str, Any]] = {
    "easemob": {"type": "http", "scheme": "bearer"},
    "chat21": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "applozic": {"type": "http", "scheme": "basic"},
    "ozeki": {"type": "http", "scheme": "basic"},
}
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_QUERY = {
    "name": "query",
    "in": "query",
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}
_BODY = {"content": {"application/json": {"schema": {"type": "object"}}}}
_REPLIES = {"default": {"description": "The vendor's own reply, failures included"}}


def page(adapter: Adapter) -> str:
    """The document of a dialect as it lies in the folder."""
    return json.dumps(document(adapter), indent=1) + "\n"


def document(adapter: Adapter) -> dict[str, Any]:
    """OpenAPI 3.1 for a dialect's wire table."""
    paths: dict[str, dict[str, Any]] = {}
    shown: dict[str, str] = {}
    for route in adapter.routes:
        # Two templates that differ in names only are one path here; the first row names its parts.
        path = shown.setdefault(re.sub(r"\{\w+\}", "{}", shown_path(route)), shown_path(route))
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, path)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"The dialect {adapter.name} of chatgateway",
            "version": "1",
            "description": "Made by `make docs` from the wire table. Queries and bodies are the vendor's.",
        },
        "paths": paths,
        "components": {"securitySchemes": {"token": _SECURITY[adapter.name]}},
    }


def operation_id(route: Route) -> str:
    """What names a row in the document."""
    return f"{route.method} {shown_path(route)}"


def _operation(route: Route, path: str) -> dict[str, Any]:
    return {
        "operationId": operation_id(route),
        "summary": route.operation,
        "tags": [route.operation.partition(".")[0]],
        "x-evidence": route.evidence.name.lower(),
        "parameters": [*_parts(path), _QUERY],
        **({"requestBody": _BODY} if route.method in _WITH_BODY else {}),
        "responses": _REPLIES,
        "security": [{"token": []}] if route.authentication else [],
    }


def _parts(path: str) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
