"""`chatgateway config`."""

from pathlib import Path

import click

from gateway.commands import config_option, read_settings
from gateway.settings_shown import shown


@click.group()
def config() -> None:
    """Look at the settings."""


@config.command()
@config_option
def check(config: Path | None) -> None:
    """Say whether file and environment are right."""
    read_settings(config)
    click.echo("The settings are right.")


@config.command()
@config_option
def show(config: Path | None) -> None:
    """All settings and where each comes from, secrets hidden."""
    click.echo(shown(read_settings(config)), nl=False)
