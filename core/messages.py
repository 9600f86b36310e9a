"""Use cases of messages: send to one and to many, page, get, edit, recall, delete for one user."""

from collections.abc import Callable, Sequence

import msgspec

from core.clock import Clock
from core.errors import Failure, Kind
from core.ids import Parties, direct_identity, group_identity, identity_of
from core.membership import Check
from core.model import EVERYBODY, Audience, Event, Message, MessageKind, Receipt, Signal, Stored, Tenant, UserKey
from core.names import fits
from core.store.log import Append, Log, Page, Query
from core.translation import Translation

__all__ = ["Messages", "Page", "Query"]

MAXIMUM_EXTERNAL_BYTES = 512

_KINDS: dict[type, MessageKind] = {Signal: MessageKind.SIGNAL, Event: MessageKind.EVENT}


class Messages:
    """The messages of all tenants."""

    def __init__(self, log: Log, clock: Clock, translation: Translation) -> None:
        self._log = log
        self._clock = clock
        self._translation = translation

    async def send_direct(
        self,
        tenant: Tenant,
        sender: UserKey,
        recipients: Sequence[UserKey],
        message: Message,
        reference: str,
        audience: Audience = EVERYBODY,
        *,
        check: Check = Check.NONE,
        external_id: str = "",
    ) -> list[Receipt]:
        """Send one message to each recipient, in their direct conversation with the sender; one receipt each, in order.

        The same `reference` again, from the same sender in the same conversation, gives the first receipt and stores
        nothing. It is remembered for 24 to 48 hours when it begins with `client:` (the caller chose it), else for one to
        two minutes (enough for repeats of our own). An `external_id` (up to 512 bytes, empty for none) is one message's in its
        conversation as long as that has the message, whoever sends with it again: the receipt is that one's.

        Raises *bad request* with reason `audience` when that names over 100 users, or `external_id`, *too large* when the packed message has
        over 1 MiB, *not found* with reason `topic` when the message's topic is not one of the conversation's, as it never is
        of several, *unsupported* as `Translation.check` does: nothing is sent then; with a `check`, of a user who sends,
        *forbidden* with reason `blocked` when a recipient (its `subject`) has blocked the sender, or as `check` says the sender
        a recipient: the others have got it then;
        *rate limited* when a conversation's time would run more than a second ahead of the clock, *store unavailable* when it
        is not certain that everything was stored (repeating is safe).
        """
        self._translation.check(tenant, message)
        check_external_id(external_id)
        kind = kind_of(message)
        appends = [
            Append(
                identity=direct_identity(sender.id, recipient.id),
                sender=sender.number,
                pair=(sender.number, recipient.number)
                if sender.id <= recipient.id
                else (recipient.number, sender.number),
                kind=kind,
                message=message,
                reference=reference,
                audience=audience,
                check=check,
                external_id=external_id,
            )
            for recipient in recipients
        ]
        return await self._log.append(tenant, appends, self._clock.now())

    async def send_group(
        self,
        tenant: Tenant,
        sender: UserKey,
        groups: Sequence[int],
        message: Message,
        reference: str,
        audience: Audience = EVERYBODY,
        *,
        check: Check = Check.NONE,
        external_id: str = "",
    ) -> list[Receipt]:
        """Send one message to each group (by number), like `send_direct`. To a number that is reserved but not created the
        message is kept; only its sender sees it until the group is created.

        Also raises *not found* with reason `group` for a group that was deleted, *forbidden* with reason `disabled` for one
        to which nobody sends, and what `check` asks for, of a user who sends: `member` for who is none, `blocked`, `muted`,
        `all_muted` for who is not allowed to send while the group is muted. The others of several groups have got it
        then."""
        self._translation.check(tenant, message)
        check_external_id(external_id)
        kind = kind_of(message)
        appends = [
            Append(
                identity=group_identity(number),
                sender=sender.number,
                pair=(),
                kind=kind,
                message=message,
                reference=reference,
                audience=audience,
                check=check,
                external_id=external_id,
            )
            for number in groups
        ]
        return await self._log.append(tenant, appends, self._clock.now())

    async def page(self, tenant: Tenant, parties: Parties, query: Query, viewer: UserKey | None = None) -> Page:
        """A page of a conversation as the viewer sees it (everything for `viewer=None`, an administrator's look); empty when
        there is none. Of a group, who never was a member sees only own messages."""
        return await self._log.page(tenant, identity_of(parties), viewer.number if viewer else None, query)

    async def direct_page(
        self, tenant: Tenant, first: str, second: str, query: Query, viewer: UserKey | None = None
    ) -> Page:
        """`page` of the direct conversation between two user ids."""
        return await self.page(tenant, (first, second), query, viewer)

    async def group_page(self, tenant: Tenant, viewer: UserKey | None, group: int, query: Query) -> Page:
        """`page` of a group, by number."""
        return await self.page(tenant, group, query, viewer)

    async def get(
        self, tenant: Tenant, message: int, viewer: UserKey | None = None, station: str = ""
    ) -> Stored | None:
        """A message by its id; none when this tenant has no such message that the viewer is shown. For `viewer=None`, an
        administrator's look, any that is not deleted."""
        return await self._log.get(tenant, message, viewer.number if viewer else None, station)

    async def named(self, tenant: Tenant, conversation: int, external_id: str) -> int | None:
        """The id of the message that has an external id in a conversation, by number; none for an unknown one. The message may
        be gone since."""
        return (
            await self._log.named(tenant, conversation, external_id)
            if fits(external_id, MAXIMUM_EXTERNAL_BYTES)
            else None
        )

    async def parties(self, tenant: Tenant, message: int) -> Parties | None:
        """Whose conversation a message of this id lies in; none for an id that leads nowhere. That the message is there, and
        whom it is shown, is for `get` to say."""
        return await self._log.parties(tenant, message)

    async def edit(
        self, tenant: Tenant, message: int, change: Callable[[Message], Message], *, reference: str | None = None
    ) -> Stored:
        """Replace what a message says by what `change` makes of it; sender, place, time, kind and topic stay. Who may do it is
        for the caller to check. With the `reference` of an earlier try (`Call.reference`) it is done once, and gives
        the message as it is now. Raises *not found* with reason `message`, *bad request* with it when `change` touches what
        stays, *conflict* with it when many change the message at once, *too large*, *unsupported* as `Translation.check`
        does."""
        now = self._clock.now()

        def changed(stored: Stored) -> Message:
            new = change(stored.message)
            old = stored.message
            if (new.sender, kind_of(new), new.topic) != (old.sender, kind_of(old), old.topic):
                raise Failure(Kind.BAD_REQUEST, "An edit leaves sender, kind and topic of a message", reason="message")
            self._translation.check(tenant, new)
            return msgspec.structs.replace(new, edited=now)

        found = await self._log.edit(tenant, message, changed, now, reference)
        if found is None:
            raise Failure(Kind.NOT_FOUND, "No such message", reason="message", subject=str(message))
        return found

    async def recall(self, tenant: Tenant, message: int) -> bool:
        """Delete a message for everybody; false when that was done before. Who may do it is for the caller to check. Raises
        *not found* with reason `message`."""
        done = await self._log.recall(tenant, message, self._clock.now())
        if done is None:
            raise Failure(Kind.NOT_FOUND, "No such message", reason="message", subject=str(message))
        return done

    async def hide(self, tenant: Tenant, user: UserKey, messages: Sequence[int]) -> list[bool]:
        """Delete messages for one user alone. One answer a message: false for one that the user did not see anyway, as the
        ids of others' conversations are."""
        return await self._log.hide(tenant, user.number, messages)


def check_external_id(external_id: str) -> None:
    """Raises *bad request* with reason `external_id` for one that is too long or can't be held."""
    if not fits(external_id, MAXIMUM_EXTERNAL_BYTES):
        raise Failure(
            Kind.BAD_REQUEST, f"An external id has up to {MAXIMUM_EXTERNAL_BYTES} bytes", reason="external_id"
        )


def kind_of(message: Message) -> MessageKind:
    """The record kind that a message's content asks for."""
    return _KINDS.get(type(message.content), MessageKind.MESSAGE)
