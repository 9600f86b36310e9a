"""Use cases of messages: send to one and to many, page, get."""

from collections.abc import Sequence

from core.clock import Clock
from core.ids import direct_identity, group_identity
from core.model import Event, Message, MessageKind, Receipt, Signal, Stored, Tenant, UserKey
from core.store.log import Append, Log, Page, Query

__all__ = ["Messages", "Page", "Query"]

_KINDS: dict[type, MessageKind] = {Signal: MessageKind.SIGNAL, Event: MessageKind.EVENT}


class Messages:
    """The messages of all tenants."""

    def __init__(self, log: Log, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    async def send_direct(
        self, tenant: Tenant, sender: UserKey, recipients: Sequence[UserKey], message: Message, reference: str
    ) -> list[Receipt]:
        """Send one message to each recipient, in their direct conversation with the sender; one receipt each, in order.

        The same `reference` again, from the same sender in the same conversation, gives the first receipt and stores
        nothing. It is remembered for 24 to 48 hours when it begins with `client:` (the caller chose it), else for one to
        two minutes (enough for repeats of our own). Raises *rate limited* when a conversation's time would run more than a second ahead of
        the clock, *store unavailable* when it is not certain that everything was stored (repeating is safe).
        """
        kind = kind_of(message)
        appends = [
            Append(
                identity=direct_identity(sender.id, recipient.id),
                sender=sender.number,
                inboxes=(sender.number, recipient.number) if sender.number != recipient.number else (sender.number,),
                kind=kind,
                message=message,
                reference=reference,
            )
            for recipient in recipients
        ]
        return await self._log.append(tenant, appends, self._clock.now())

    async def send_group(
        self, tenant: Tenant, sender: UserKey, groups: Sequence[int], message: Message, reference: str
    ) -> list[Receipt]:
        """Send one message to each group (by number), like `send_direct`. The sender need not be a member. To a number that
        is reserved but not created the message is kept; only its sender sees it until the group is created."""
        kind = kind_of(message)
        appends = [
            Append(
                identity=group_identity(number),
                sender=sender.number,
                inboxes=(),
                kind=kind,
                message=message,
                reference=reference,
            )
            for number in groups
        ]
        return await self._log.append(tenant, appends, self._clock.now())

    async def direct_page(self, tenant: Tenant, viewer: str, peer: str, query: Query) -> Page:
        """A page of the direct conversation between two user ids; empty when they have none."""
        return await self._log.page(tenant, direct_identity(viewer, peer), None, query)

    async def group_page(self, tenant: Tenant, viewer: UserKey | None, group: int, query: Query) -> Page:
        """A page of a group: what the viewer may see of it (everything for `viewer=None`, an administrator's look).
        Who never was a member sees only own messages."""
        identity = group_identity(group)
        page = await self._log.page(tenant, identity, viewer.number if viewer else None, query)
        if page.member or viewer is None:
            return page
        page = await self._log.page(tenant, identity, None, query)
        return Page([row for row in page.messages if row.message.sender == viewer.id], page.cursor, False)

    async def get(self, tenant: Tenant, message: int) -> Stored | None:
        """A message by its id; none when this tenant has no such message. Who may read it is for the caller to check."""
        return await self._log.get(tenant, message)


def kind_of(message: Message) -> MessageKind:
    """The record kind that a message's content asks for."""
    return _KINDS.get(type(message.content), MessageKind.MESSAGE)
