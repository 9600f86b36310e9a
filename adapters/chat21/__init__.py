"""Chat21 (Tiledesk): its HTTP API."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.chat21.adapter import Chat21, Options
from adapters.contract import Adapter


def create(options: Mapping[str, Any]) -> Adapter:
    """The adapter with its settings. Raises `msgspec.ValidationError` for settings that it does not know."""
    return Chat21(msgspec.convert(dict(options), Options))
