"""`chatgateway backup` and `restore`: everything of a store in one file."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import click

from core.backup import Summary
from core.core import Core
from gateway.commands import Where, on_store, store_options

_BUFFER_BYTES = 1 << 20


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@store_options
def backup(where: Where, file: Path) -> None:
    """Write everything of the store to FILE, while gateways go on serving from it.

    It holds all tenants with their users, groups and messages, and also SECRETS: credentials, signing keys, hashes of
    passwords. It is readable by you alone; keep it so. A file that is there is replaced once the new one is whole.

    What users uploaded is not in it: copy the folder `files` of the data folder, or the bucket, afterwards.
    """

    async def work(core: Core) -> Summary:
        with _written_whole(file) as opened:
            return await core.backup.write(opened)

    try:
        done = on_store(where, work)
    except OSError as problem:
        raise click.ClickException(f"{file} can't be written: {problem.strerror}") from None
    click.echo(
        f"{file}: tenants {done.tenants}, conversations {done.conversations}, messages {done.messages},"
        f" bytes {file.stat().st_size}"
    )
    click.echo("It holds credentials and hashes of passwords: keep it safe.", err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@store_options
def restore(where: Where, file: Path) -> None:
    """Write a backup into an empty store, also of another kind than the one it was made of.

    The whole FILE is checked first. Gateways may run on the store; tenants are known to them when everything is there.
    """

    async def work(core: Core) -> None:
        with file.open("rb", buffering=_BUFFER_BYTES) as opened:
            await core.backup.restore(opened)

    try:
        on_store(where, work)
    except OSError as problem:
        raise click.ClickException(f"{file} can't be read: {problem.strerror}") from None
    click.echo(f"{file} is restored.")


@contextmanager
def _written_whole(path: Path) -> Iterator[BinaryIO]:
    """A new file beside the path, readable by its owner alone, which takes its place once all is on the disk."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(number, "wb", buffering=_BUFFER_BYTES) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
