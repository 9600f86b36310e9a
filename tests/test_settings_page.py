"""docs/settings.md names every setting with its default."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.applozic.options import Options as ApplozicOptions
from adapters.chat21.options import Options as Chat21Options
from adapters.easemob.options import Options as EasemobOptions
from adapters.ozeki.options import Options as OzekiOptions
from gateway.adapters_list import BUILT_IN
from gateway.limits import Limits
from gateway.settings import Settings

_PAGE = (Path(__file__).parent.parent / "docs" / "settings.md").read_text()
_TABLES: dict[str, type[msgspec.Struct]] = {
    "The program": Settings,
    "`[limits]`: one worker's public listener": Limits,
    "`[dialects.easemob]`": EasemobOptions,
    "`[dialects.chat21]`": Chat21Options,
    "`[dialects.applozic]`": ApplozicOptions,
    "`[dialects.ozeki]`": OzekiOptions,
}


def _written(heading: str) -> dict[str, Any]:
    section = _PAGE.split(f"## {heading}\n", 1)[1].split("\n#", 1)[0]
    rows = re.findall(r"^\| ([a-z_]+) \| (none|`[^|]+`) \| .+ \|$", section, re.MULTILINE)
    return {name: None if value == "none" else tomllib.loads(f"value = {value[1:-1]}")["value"] for name, value in rows}


@pytest.mark.parametrize(("heading", "kind"), _TABLES.items())
def test_every_setting_stands_there_with_its_default(heading: str, kind: type[msgspec.Struct]) -> None:
    defaults = msgspec.to_builtins(kind())
    own = {name: value for name, value in defaults.items() if not isinstance(value, dict)}
    assert _written(heading) == {
        name: list(value) if isinstance(value, tuple) else value for name, value in own.items()
    }


def test_every_dialect_has_a_table() -> None:
    assert set(re.findall(r"^## `\[dialects\.([a-z0-9]+)\]`$", _PAGE, re.MULTILINE)) == set(BUILT_IN)
