"""`chatgateway serve`."""

import asyncio
import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from core.errors import Failure
from core.store.data_folder import EmbeddedServerError
from gateway import adapters_list, logs
from gateway.commands import config_option, read_settings
from gateway.settings import load
from gateway.settings_sources import PREFIX
from gateway.sockets import ListenError
from gateway.store_check import StoreRefusedError, StoreUnreachableError
from gateway.supervisor import ReadyFileError, Supervisor
from gateway.worker_process import WorkerEndedError

_EXPECTED = (
    EmbeddedServerError, Failure, ListenError, ReadyFileError, StoreRefusedError, StoreUnreachableError, WorkerEndedError,
)  # fmt: skip


@click.command()
@config_option
@click.option("--dev", is_flag=True, help="Make the tenant demo and print a curl line for each dialect.")
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Where the dialects are served; 0 takes any free port.  [default: 8080]")
@click.option("--tls-cert", metavar="FILE", help="The certificate for that port, in PEM; without one it is plain HTTP.")
@click.option("--tls-key", metavar="FILE", help="The certificate's key, where its file does not hold it.")
@click.option(
    "--listen",
    "listeners",
    metavar="DIALECT=[HOST:]PORT",
    multiple=True,
    help="A further port for one dialect alone, as ozeki=9509; can be repeated.",
)
@click.option("--admin-port", type=int, help="Where health is served; 0 takes any free port.  [default: 8081]")
@click.option("--redis", metavar="URL", help="The store; without it an embedded server is started.")
@click.option("--data", metavar="DIR", help="The embedded server's folder; :memory: keeps nothing after the run.")
@click.option("--durable", is_flag=True, default=None, help="Every write is on disk before it is acknowledged.")
@click.option("--workers", type=int, help="Worker processes.  [default: 1]")
@click.option(
    "--ready-file", metavar="PATH", help="Written once requests are accepted: JSON with url, admin_url and listeners."
)
def serve(config: Path | None, dev: bool, **options: Any) -> None:
    """Serve all dialects until SIGTERM or Ctrl-C. SIGUSR1 restarts the workers without a failed request, with the settings
    and the code as they are then."""
    settings = read_settings(config, **options).settings
    environment = dict(os.environ)
    # The children get what they need otherwise; what is secret here stays out of their environment.
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    logs.configure(readable=dev)
    # Every connection takes a file descriptor; the usual soft limit is far below the limit on connections.
    highest = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):  # some systems name a limit that they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, highest))
    supervisor = Supervisor(
        settings,
        lambda: load(config, environment, options).settings,
        adapters_list.load_adapters(settings.dialects),
        click.echo,
        development=dev,
    )
    try:
        asyncio.run(supervisor.run())
    except _EXPECTED as problem:
        raise click.ClickException(str(problem)) from None
