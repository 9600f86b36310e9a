"""Easemob's REST API, also sold as Agora Chat."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.contract import Adapter
from adapters.easemob.adapter import EasemobAdapter
from adapters.easemob.options import Options


def create(options: Mapping[str, Any]) -> Adapter:
    """The adapter with the settings of `[dialects.easemob]`. Raises `msgspec.ValidationError` for wrong ones."""
    return EasemobAdapter(msgspec.convert(dict(options), Options))
