"""Applozic's HTTP API, also spoken by Kommunicate."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.applozic.adapter import ApplozicAdapter
from adapters.applozic.options import Options
from adapters.contract import Adapter


def create(options: Mapping[str, Any]) -> Adapter:
    """The adapter with the settings of `[dialects.applozic]`. Raises `msgspec.ValidationError` for wrong ones."""
    return ApplozicAdapter(msgspec.convert(dict(options), Options))
