"""What supervisor and worker say to each other over the worker's standard input, a socket: one line each."""

import msgspec

from gateway.settings import Settings

READY = b"ready\n"
"""From the worker: it accepts requests."""
LEAVE = b"leave\n"
"""To the worker: another serves in your place. Accept nobody any more, and end with your last connection, none of which is
ended under a client that may be about to use it."""
STOP = b"stop\n"
"""To the worker: nobody serves after you. Answer who was accepted or waits for it, then end. The socket's end means the
same: the supervisor is gone."""
TASK_BYTES = 1 << 20


class Task(msgspec.Struct, frozen=True):
    """The first line, to the worker. It holds secrets; arguments and environment of a process can be read by others."""

    store_url: str
    files: str
    """Where files lie, as `core.objects.Objects` takes it."""
    settings: Settings
    listeners: tuple[int, ...]
    """File numbers of the public listeners, inherited: the main one, then those of `settings.listeners`."""
    private_listener: int
    private_path: str
    readable_logs: bool
    needs_store: bool
    """Whether to end at once when the store can't be reached or used: another process still serves, and does so better."""
