"""The pages of docs/ that are made from the program itself: `make docs` writes them, a test says when one is stale."""

from collections.abc import Mapping
from pathlib import Path

from gateway.adapters_list import BUILT_IN
from tests.documents import losses, openapi, parity

FOLDER = Path(__file__).parent.parent.parent / "docs"


def made() -> Mapping[str, str]:
    """The text of every page that is made, by its path in `FOLDER`."""
    adapters = [create({}) for create in BUILT_IN.values()]
    documents = {f"openapi/{adapter.name}.json": openapi.page(adapter) for adapter in adapters}
    return {"parity.md": parity.page(adapters), "losses.md": losses.page(), **documents}
