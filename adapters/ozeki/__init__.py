"""Ozeki's chat APIs: that of HTTP API users, for programs, and that of chat clients."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.contract import Adapter
from adapters.ozeki.adapter import OzekiAdapter
from adapters.ozeki.options import Options


def create(options: Mapping[str, Any]) -> Adapter:
    """The adapter with the settings of `[dialects.ozeki]`. Raises `msgspec.ValidationError` for wrong ones."""
    return OzekiAdapter(msgspec.convert(dict(options), Options))
