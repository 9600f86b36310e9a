from pathlib import Path

import pytest

from gateway.adapters_list import BUILT_IN, UnknownOptions, load_adapters
from gateway.dispatch import Dispatcher


def test_the_built_in_dialects_share_a_port() -> None:
    adapters = load_adapters({})
    assert {adapter.name for adapter in adapters} >= BUILT_IN.keys()
    Dispatcher(adapters)


def test_everything_wrong_with_options_is_told_at_once() -> None:
    with pytest.raises(UnknownOptions) as caught:
        load_adapters({"nobodys": {}, "chat21": {"no_such_option": 1}, "easemob": {"no_such_option": 1}})
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert any(line.startswith("dialects.nobodys:") for line in lines)
    assert any(line.startswith("dialects.chat21:") and "no_such_option" in line for line in lines)


def install(folder: Path, name: str) -> None:
    """A package that brings a dialect, as an installer leaves it."""
    (folder / "acme_dialect.py").write_text(
        "from tests.gateway.vendor import Vendor\n\ndef create(options):\n    return Vendor(options.get('name', 'acme'))\n"
    )
    info = folder / "acme_dialect-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-dialect\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[chatgateway.adapters]\n{name} = acme_dialect:create\n")


def test_another_package_adds_a_dialect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "acme")
    monkeypatch.syspath_prepend(tmp_path)
    adapters = load_adapters({"acme": {"name": "acme"}})
    assert [adapter.name for adapter in adapters][-1] == "acme"
    assert Dispatcher(adapters).dialects["acme"].adapter is adapters[-1]


def test_a_package_cannot_take_the_place_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "chat21")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnknownOptions, match="another dialect chat21"):
        load_adapters({})
