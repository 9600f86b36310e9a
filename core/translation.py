"""Strict translation: a message of which other dialects' readers would lose something is refused before it is stored."""

from collections.abc import Callable, Mapping, Sequence

from core.errors import Failure, Kind
from core.model import Message, Tenant

Losses = Callable[[Tenant, Message], Sequence[str]]
"""What a dialect's readers lose of a message, one `field: what happened` each. Of a message that the dialect sent itself: what
the readers of all others lose of it."""


class Translation:
    """What each dialect loses, by its name. Without that nothing is refused."""

    def __init__(self, losses: Mapping[str, Losses]) -> None:
        self._losses = losses

    def check(self, tenant: Tenant, message: Message) -> None:
        """Raises *unsupported* with reason `loss` (`subject`: the dialect that loses) when a dialect in which the tenant has
        applications, besides the one that sends, would lose something of the message."""
        if not self._losses:
            return
        others = sorted({application.dialect for application in tenant.applications} - {message.dialect})
        for dialect in others and (message.dialect, *others):
            losses = self._losses.get(dialect)
            lost = losses(tenant, message) if losses is not None else ()
            if lost:
                whose = "Other dialects" if dialect == message.dialect else dialect.capitalize()
                text = f"{whose} would lose something of this message ({'; '.join(lost)})"
                raise Failure(Kind.UNSUPPORTED, text, reason="loss", subject=dialect)
