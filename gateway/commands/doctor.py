"""`chatgateway doctor`."""

import shutil
from pathlib import Path

import click

from core.store.data_folder import MEMORY, running_url
from gateway import logs
from gateway.commands import Where, reached_store, run_plainly, store_options
from gateway.settings import Settings
from gateway.store_check import Finding, examine

_MEGABYTE = 1_000_000


@click.command()
@store_options
def doctor(where: Where) -> None:
    """Look at the store: version, persistence, eviction, schema, data folder. Fails when it can't be used."""
    settings = where.settings()
    logs.configure(readable=True)
    for finding in run_plainly(_examine(settings)):
        click.echo(f"{'unsafe' if finding.unsafe else 'ok':7} {finding.topic + ':':13} {finding.text}")


async def _examine(settings: Settings) -> list[Finding]:
    found = [] if settings.redis else [_data_folder(settings.data)]
    async with reached_store(settings) as url:
        return [*await examine(url), *found]


def _data_folder(name: str) -> Finding:
    if name == MEMORY:
        return Finding("data", "kept for one run only", unsafe=True)
    path = Path(name).absolute()
    if not path.is_dir():
        return Finding("data", f"{path}, to be made at the first start")
    used = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / _MEGABYTE
    free = shutil.disk_usage(path).free / _MEGABYTE
    state = "a gateway runs on it" if running_url(path) else "not in use"
    return Finding("data", f"{path}, {used:.1f} MB used, {free:.0f} MB free, {state}")
