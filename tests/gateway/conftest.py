"""Commands as an operator gives them."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from gateway.cli import group

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """Runs a command with these words, in a folder of its own; `code` is what it must end with."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, code: int = 0, given: str | None = None) -> Result:
        result = CliRunner().invoke(group, words, input=given)
        assert result.exit_code == code, (words, result.output, result.exception)
        return result

    # Commands set up logging for a process of their own; here it is the tests'.
    handlers, level = list(logging.root.handlers), logging.root.level
    yield run
    logging.root.handlers, logging.root.level = handlers, level
    structlog.reset_defaults()
