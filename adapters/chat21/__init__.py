"""Chat21's HTTP API, also known as Tiledesk's chat."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.chat21.adapter import Chat21Adapter
from adapters.chat21.options import Options
from adapters.contract import Adapter


def create(options: Mapping[str, Any]) -> Adapter:
    """The adapter with the settings of `[dialects.chat21]`. Raises `msgspec.ValidationError` for wrong ones."""
    return Chat21Adapter(msgspec.convert(dict(options), Options))
