"""The command line: `chatgateway`, also `python -m gateway`."""

import click

from gateway.commands.backup import backup, restore
from gateway.commands.configuration import config
from gateway.commands.doctor import doctor
from gateway.commands.serve import serve
from gateway.commands.tenants import credential, tenant, token, user


@click.group()
@click.version_option(package_name="chatgateway")
def group() -> None:
    """Several vendors' chat APIs over one neutral core."""


for command in (serve, config, tenant, user, credential, token, backup, restore, doctor):
    group.add_command(command)


def main() -> None:
    """The program's entry."""
    group(prog_name="chatgateway")
