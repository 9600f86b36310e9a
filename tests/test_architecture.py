"""The house's rules that a reader must be able to rely on, checked over its source files."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("core", "adapters", "gateway")
MAY_IMPORT = {"core": {"core"}, "adapters": {"core", "adapters"}, "gateway": {"core", "adapters", "gateway"}}
VENDORS = re.compile("easemob|applozic|chat21|ozeki", re.IGNORECASE)
# Written so that this file does not find itself.
MACHINE_PATHS = re.compile(r"(?<![\w.:$}])/(?:" + "|".join(["work", "root", "home", "Users"]) + r")/\w|\." + "library")
LINE_CEILING = 600
TEXT_SUFFIXES = {".py", ".lua", ".md", ".toml", ".yaml", ".yml", ".sh", ".lock", ".js", ".html", ".css", ""}
# What tools and runs leave beside the sources.
IGNORED = {
    ".git", ".venv", ".lock-venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "build", "dist",
    "chatgateway-data",
}  # fmt: skip
WALL_CLOCK = {
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime", "strftime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}


def project_files(*folders: str) -> Iterator[Path]:
    """Text files of the project (of these top-level folders only, if any are named)."""
    for start in [ROOT / folder for folder in folders] or sorted(ROOT.iterdir()):
        if start.name in IGNORED:
            continue
        for path in [start, *sorted(start.rglob("*"))]:
            left_out = {"__pycache__", "node_modules"}.intersection(path.relative_to(ROOT).parts)
            if path.is_file() and path.suffix in TEXT_SUFFIXES and not left_out:
                yield path


def python_trees(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in project_files(*folders):
        if path.suffix == ".py":
            yield path.relative_to(ROOT), ast.parse(path.read_text(), str(path))


def imported_modules(path: Path, tree: ast.Module) -> Iterator[str]:
    """Absolute names of everything imported, relative imports resolved, names taken from a package included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = list(path.parts[: len(path.parts) - node.level]) if node.level else []
            module = ".".join(package + ([node.module] if node.module else []))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def import_faults(path: Path, tree: ast.Module) -> Iterator[str]:
    room = path.parts[0]
    for name in imported_modules(path, tree):
        head, *rest = name.split(".")
        if head in (*ROOMS, "tests") and head not in MAY_IMPORT[room]:
            yield f"{path} imports {name}"
        is_adapter_folder = bool(rest) and (ROOT / "adapters" / rest[0]).is_dir()
        if room == head == "adapters" and len(path.parts) > 2 and is_adapter_folder and rest[0] != path.parts[1]:
            yield f"{path} imports another adapter: {name}"


def clock_faults(path: Path, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            if node.attr in WALL_CLOCK.get(name.lower(), ()):
                yield f"{path}:{node.lineno} reads the wall clock: {name}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (
                f"{path}:{node.lineno} imports time.{alias.name}"
                for alias in node.names
                if alias.name in WALL_CLOCK["time"]
            )


def test_imports_go_one_way() -> None:
    faults = [fault for path, tree in python_trees(*ROOMS) for fault in import_faults(path, tree)]
    assert faults == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("core/groups.py", "import gateway.app"),
        ("core/groups.py", "from adapters import contract"),
        ("core/store/log.py", "from ...gateway import app"),
        ("adapters/contract.py", "from gateway.settings import Settings"),
        ("gateway/app.py", "from tests import servers"),
    ],
)
def test_an_import_the_other_way_is_found(path: str, source: str) -> None:
    assert list(import_faults(Path(path), ast.parse(source)))


def test_no_vendor_is_named_in_the_core() -> None:
    faults = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in project_files("core")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if VENDORS.search(line) or VENDORS.search(path.name)
    ]
    assert faults == []


def test_no_source_file_outgrows_the_ceiling() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in project_files()
        if path.suffix in {".py", ".lua"}
    }
    assert {path: lines for path, lines in lengths.items() if lines > LINE_CEILING} == {}


def test_only_the_clock_reads_the_wall_clock() -> None:
    faults = [
        fault
        for path, tree in python_trees(*ROOMS)
        if path != Path("core/clock.py")
        for fault in clock_faults(path, tree)
    ]
    assert faults == []


@pytest.mark.parametrize(
    "source",
    ["time.time()", "time.time_ns()", "datetime.now(UTC)", "datetime.datetime.utcnow()", "from time import time_ns"],
)
def test_a_wall_clock_reading_is_found(source: str) -> None:
    assert list(clock_faults(Path("core/messages.py"), ast.parse(source)))


def test_no_path_of_a_machine_is_written_down() -> None:
    faults = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in project_files()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if MACHINE_PATHS.search(line)
    ]
    assert faults == []
