"""What supervisor and worker say to each other over the worker's standard input, a socket: one line each."""

import msgspec

from gateway.settings import Settings

READY = b"ready\n"
"""From the worker: it accepts requests."""
STOP = b"stop\n"
"""To the worker: answer what was accepted, then end. The socket's end means the same: the supervisor is gone."""
TASK_BYTES = 1 << 20


class Task(msgspec.Struct, frozen=True):
    """The first line, to the worker. It holds secrets; arguments and environment of a process can be read by others."""

    store_url: str
    settings: Settings
    listeners: tuple[int, ...]
    """File numbers of the public listeners, inherited."""
    private_listener: int
    private_path: str
    readable_logs: bool = False
