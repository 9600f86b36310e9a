"""Live events: who listens is told at once what happens in conversations.

An announcement is a hint, the log is the truth: what was missed is read from there. That something may have been missed is
always said.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import msgspec

from core.clock import LAG_MS, Clock
from core.errors import Failure, store_unavailable
from core.ids import bucket_of, group_identity
from core.model import Tenant, UserKey
from core.store.keys import PARTITIONS, partition_of, tenant_key
from core.store.live import Subscriptions
from core.store.store import DEADLINE, Store
from core.tenants import Tenants

MAXIMUM_EVENTS = 1_000
"""Events that may wait for a listener."""
USER_CHANNELS = 64
"""Users share channels by the last bits of their number. A user's conversations lie in all partitions, so each of these
channels is one in every partition."""
_MAXIMUM_CONVERSATIONS = 1_000
_LOOK_SECONDS = 2.0

_Scope = tuple[int, int]
"""Number and generation of a tenant."""
_Name = tuple[str, str]
"""What is listened to: the word of a channel, and the id of a user or the identity of a group that it is about."""


class Announced(msgspec.Struct, frozen=True, gc=False):
    """Something happened in a conversation. `what` is `message`, `edited`, `recalled`, `delivered`, `read`, `cleared`,
    `members`, `group`, or a word that is newer than this text; `sequence` is the message that it is about (negative in
    the backfill lane), `time` when it happened (epoch milliseconds), `identity` the conversation's (`core.ids`)."""

    what: str
    conversation: int
    sequence: int
    time: int
    identity: str


class Gap(msgspec.Struct, frozen=True, gc=False):
    """Something may have happened that was not announced, at `since` (epoch milliseconds) or later: look in the log. When a
    conversation is given, it is there alone: behind its message `sequence`, the last that was announced, of time `since`."""

    since: int
    conversation: int | None = None
    identity: str | None = None
    sequence: int = 0


class Ended(msgspec.Struct, frozen=True, gc=False):
    """Nothing more will come: the tenant was reset or removed, or the gateway stops."""


class Listener:
    """What one caller hears. Events wait here, those of a conversation in their order, at most `MAXIMUM_EVENTS`; more than
    that become one `Gap`."""

    def __init__(self, live: "Live", scope: _Scope) -> None:
        self._live = live
        self._scope = scope
        self._names: set[_Name] = set()
        self._events: deque[Announced | Gap] = deque()
        self._arrived = asyncio.Event()
        self._ended = False
        self._newest: dict[int, Announced] = {}
        self._lost: set[_Source] = set()
        self._since = 0

    async def get(self) -> Announced | Gap | Ended:
        """The next event; waits for it. Once it is `Ended`, it always is."""
        while not self._events:
            if self._ended:
                return Ended()
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()

    async def add(self, *, users: Iterable[UserKey] = (), groups: Iterable[int] = ()) -> None:
        """Hear also the direct conversations of these users, and these groups (by number). What happens after this has
        returned is announced, or behind a `Gap`. Raises *store unavailable* when the store does not confirm it in time; then
        nothing is added."""
        await self._live._attach(self, _names(users, groups))

    def remove(self, *, users: Iterable[UserKey] = (), groups: Iterable[int] = ()) -> None:
        """Hear these no more. What waits already still comes."""
        self._live._detach(self, _names(users, groups))

    def _announce(self, event: Announced) -> None:
        if event.what == "message":
            before = self._newest.pop(event.conversation, None)
            if before is not None and event.sequence > before.sequence + 1:
                self._put(Gap(before.time, event.conversation, event.identity, before.sequence))
            self._newest[event.conversation] = event
            if len(self._newest) > _MAXIMUM_CONVERSATIONS:
                del self._newest[next(iter(self._newest))]
        self._put(event)

    def _miss(self, since: int) -> None:
        self._newest.clear()
        self._put(Gap(since))

    def _regain(self, source: "_Source") -> None:
        """A source is heard again, or not wanted any more. The gap is said once everything is heard: what is read then is
        complete."""
        if source in self._lost:
            self._lost.remove(source)
            self._since = min(self._since or source.since, source.since)
            if not self._lost:
                self._miss(self._since)
                self._since = 0

    def _end(self) -> None:
        self._ended = True
        self._arrived.set()

    def _put(self, event: Announced | Gap) -> None:
        if self._ended:
            return
        if len(self._events) >= MAXIMUM_EVENTS:
            dropped = (*self._events, event)
            self._events.clear()
            event = Gap(min(one.since if isinstance(one, Gap) else one.time for one in dropped))
        self._events.append(event)
        self._arrived.set()


class _Source:
    """What is subscribed to as one: the channel of a group, or those in all partitions of some users."""

    def __init__(self, scope: _Scope, word: str) -> None:
        tenant, generation = scope
        partitions = range(PARTITIONS) if word.startswith("u") else (partition_of(bucket_of(word)),)
        self.channels = {
            b"%b:%d:!%b" % (tenant_key(partition, tenant), generation, word.encode()): partition
            for partition in partitions
        }
        self.listeners: dict[str, set[Listener]] = {}
        """By the id of a user or the identity of a group."""
        self.unheard = set(self.channels)
        self.whole = asyncio.Event()
        """Set while all channels are heard."""
        self.since = 0
        """When it is not: what was published before was received."""

    def all_listeners(self) -> set[Listener]:
        return set().union(*self.listeners.values())


class Live:
    """All that this worker's callers listen to. `close` ends what runs for it."""

    def __init__(self, store: Store, tenants: Tenants, clock: Clock) -> None:
        self._store = store
        self._tenants = tenants
        self._clock = clock
        self._subscriptions = Subscriptions(store, clock, self)
        self._sources: dict[tuple[_Scope, str], _Source] = {}
        self._by_channel: dict[bytes, _Source] = {}
        self._listeners: set[Listener] = set()
        self._latest: dict[int, tuple[bytes, bytes, set[Listener]]] = {}
        # By partition: the last that was published, on which channel, and who was told.
        self._versions: dict[_Scope, bytes | None] = {}
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def healthy(self) -> bool:
        """Whether everything that somebody listens to is heard, as far as is known."""
        return not self._listeners or self._subscriptions.healthy

    @asynccontextmanager
    async def listen(
        self, tenant: Tenant, *, users: Iterable[UserKey] = (), groups: Iterable[int] = ()
    ) -> AsyncIterator[Listener]:
        """Hear the direct conversations of these users, and these groups (by number), as `Listener.add` says."""
        listener = Listener(self, (tenant.number, tenant.generation))
        try:
            await listener.add(users=users, groups=groups)
            self._listeners.add(listener)
            yield listener
        finally:
            self._listeners.discard(listener)
            self._detach(listener, list(listener._names))

    async def close(self) -> None:
        """End all listeners and connections."""
        self._closed = True
        for listener in self._listeners:
            listener._end()
        for source in self._sources.values():
            source.whole.set()  # who waits for it finds out
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking
        await self._subscriptions.close()

    async def _attach(self, listener: Listener, names: list[_Name]) -> None:
        added = [name for name in names if name not in listener._names]
        try:
            async with asyncio.timeout(DEADLINE):
                await self._subscriptions.start()
                for source in [self._join(listener, name) for name in names]:
                    await source.whole.wait()
            self._check_open()
        except BaseException as problem:
            self._detach(listener, added)
            if isinstance(problem, TimeoutError):
                raise store_unavailable() from None
            raise

    def _join(self, listener: Listener, name: _Name) -> _Source:
        self._check_open()
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look(), name="listeners' tenants")
        word, subject = name
        source = self._sources.get((listener._scope, word))
        if source is None:
            source = self._sources[listener._scope, word] = _Source(listener._scope, word)
            self._by_channel.update(dict.fromkeys(source.channels, source))
            self._subscriptions.add(source.channels)
        source.listeners.setdefault(subject, set()).add(listener)
        listener._names.add(name)
        return source

    def _check_open(self) -> None:
        if self._closed:
            raise store_unavailable("The gateway stops")

    def _detach(self, listener: Listener, names: Iterable[_Name]) -> None:
        going = listener._names.intersection(names)
        listener._names -= going
        listener._newest.clear()  # what comes when it hears them again is no jump
        kept = {word for word, _ in listener._names}
        for word, subject in going:
            source = self._sources[listener._scope, word]
            source.listeners[subject].remove(listener)
            if not source.listeners[subject]:
                del source.listeners[subject]
            if not source.listeners:
                del self._sources[listener._scope, word]
                for channel in source.channels:
                    del self._by_channel[channel]
                self._subscriptions.remove(source.channels)
            if word not in kept:
                listener._regain(source)

    def received(self, channel: bytes, payload: bytes) -> None:
        """Something was published: tell whom it concerns."""
        source = self._by_channel.get(channel)
        if source is None:
            return
        try:
            event = _read(payload)
        except ValueError:
            # A gateway of another version, perhaps, with something to say.
            for listener in source.all_listeners():
                listener._miss(self._clock.now() - LAG_MS)
            return
        identity = event.identity
        subjects = identity[1:].split("\0") if identity.startswith("d") else [identity]
        concerned = {listener for subject in subjects for listener in source.listeners.get(subject, ())}
        # What concerns two users is published on the channels of both, one right behind the other.
        partition = source.channels[channel]
        before = self._latest.pop(partition, None)
        if before is not None and before[0] == payload and before[1] != channel:
            concerned -= before[2]
        else:
            self._latest[partition] = payload, channel, concerned
        for listener in concerned:
            listener._announce(event)

    def heard(self, channel: bytes) -> None:
        """From now on nothing published on the channel is missed."""
        source = self._by_channel.get(channel)
        if source is None:
            return
        source.unheard.discard(channel)
        if not source.unheard:
            source.whole.set()
            for listener in source.all_listeners():
                listener._regain(source)

    def lost(self, channel: bytes, since: int) -> None:
        """The channel is not heard any more; what was published before `since` was received."""
        source = self._by_channel.get(channel)
        if source is None:
            return
        if not source.unheard:
            source.whole.clear()
            source.since = since
            for listener in source.all_listeners():
                listener._lost.add(source)
        source.unheard.add(channel)
        source.since = min(source.since, since)

    async def _look(self) -> None:
        """Look again and again whether the tenants are still what they were when their listeners came."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            with suppress(Failure):
                await self._end_stale()

    async def _end_stale(self) -> None:
        """End the listeners of tenants that were reset or removed: nothing is announced there any more."""
        scopes = sorted({listener._scope for listener in self._listeners if not listener._ended})
        if not scopes:
            self._versions.clear()
            return
        keys = [tenant_key(0, number) for number, _ in scopes]
        versions = dict(zip(scopes, await self._store.command(0, "MGET", *keys), strict=True))
        changed = [scope for scope in scopes if scope not in self._versions or versions[scope] != self._versions[scope]]
        tenants = await self._tenants.numbered({number for number, _ in changed})
        for scope in changed:
            tenant = tenants.get(scope[0])
            if tenant is None or tenant.generation != scope[1]:
                del versions[scope]
                for listener in self._listeners:
                    if listener._scope == scope:
                        listener._end()
        self._versions = versions


def _names(users: Iterable[UserKey], groups: Iterable[int]) -> list[_Name]:
    return [(f"u{user.number % USER_CHANNELS}", user.id) for user in users] + [
        (identity, identity) for identity in map(group_identity, groups)
    ]


def _read(payload: bytes) -> Announced:
    what, conversation, sequence, time, identity = payload.decode().split(" ", 4)
    return Announced(what, int(conversation), int(sequence), int(time), identity)
