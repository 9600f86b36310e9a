"""A store and a plain model side by side: asking the one, looking it up in the other, comparing."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
import pytest

from core.clock import ManualClock
from core.conversations import Target
from core.core import Core
from core.errors import Failure, Kind, StaleTenant
from core.ids import BUCKETS, bucket_of
from core.messages import Page, Query
from core.model import EVERY_KIND, Box, Credential, Overview, Stored, Tenant, UserKey
from core.names import fold
from tests.core.model.plain_conversation import PlainConversation
from tests.core.model.plain_rows import PlainMessage
from tests.core.model.plain_space import PlainSpace
from tests.core.support import new_name
from tests.servers import Engine

SCANNED = 1000
PAGES = 40
DIALECT = "plain"
NAMES = ["ada", "Ada", "ADA", "bob", "Bob", "zoë", "ZOË", "名前", "a;b", "c", "a", "b;c", "admin"]
NAMES += [f"user{number}" for number in range(35)] + [f"User{number}" for number in range(10)]
SPELLINGS = [name for name in NAMES if sum(fold(other) == fold(name) for other in NAMES) > 1]
"""Names that fold alike."""
ALIASES = ["lobby", "Lobby", "team", "games", "news", "名前"]
STATIONS = ["", "", "phone", "desk"]

Answer = TypeVar("Answer")


class Worker:
    """One gateway process: its core, and its view of each tenant."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.views: dict[str, Tenant] = {}

    async def look(self, tenant: str, application: str) -> Tenant:
        owners = await self.core.tenants.owners(DIALECT, application)
        self.views[tenant] = next(owner for owner in owners if owner.name == tenant)
        return self.views[tenant]


class SideBySide:
    """Two workers on a store, and the models of its two tenants, one of which is looked at."""

    def __init__(self, rng: random.Random, clock: ManualClock, engine: Engine, workers: Sequence[Worker]) -> None:
        self.rng = rng
        self.clock = clock
        self.engine = engine
        self.workers = workers
        self.application = new_name()
        self.spaces: dict[str, PlainSpace] = {}
        self.newest: dict[str, Tenant] = {}
        self.retired: list[Tenant] = []
        """Generations that have ended, until they are reclaimed."""
        self.latest = clock.now()
        self.failures: Counter[Kind] = Counter()
        self.done: Counter[str] = Counter()
        """What came about how often: a walk that does not come everywhere proves little."""
        self.counter = 0
        self.doing = ""
        self.tenant = ""
        self.space = PlainSpace()

    async def begin(self) -> None:
        for _ in range(2):
            name = new_name()
            admin = self.workers[0].core.tenants
            await admin.add(name)
            credential = Credential("secret", "", name)
            self.newest[name] = await admin.add_credential(name, DIALECT, self.application, credential)
            self.spaces[name] = PlainSpace()
        for worker in self.workers:
            for name in self.spaces:
                assert await worker.look(name, self.application) == self.newest[name]

    async def ask(self, act: Callable[[Core, Tenant], Awaitable[Answer]], *, from_memory: bool = False) -> Answer:
        """Let a worker act. With a view older than the tenant it must be refused; then it looks again, as the gateway does.
        `from_memory`: the answer may come without the store, so an older view may go unnoticed; then it is asked again."""
        worker = self.rng.choice(self.workers)
        view = worker.views[self.tenant]
        if view.version < self.newest[self.tenant].version:
            try:
                await act(worker.core, view)
                assert from_memory, "an old view of the tenant was served"
            except StaleTenant as stale:
                if stale.tenant != view.number:
                    raise
                self.done["stale view refused"] += 1
            await worker.core.tenants.reload(view.number)
            view = await worker.look(self.tenant, self.application)
        assert view == self.newest[self.tenant]
        return await act(worker.core, view)

    async def fails(self, kind: Kind, reason: str, act: Callable[[Core, Tenant], Awaitable[object]]) -> None:
        self.failures[kind] += 1
        with pytest.raises(Failure) as caught:
            await self.ask(act)
        assert (caught.value.kind, caught.value.reason) == (kind, reason)

    def note(self, what: str, answer: bool = True) -> bool:
        """Count what came about."""
        self.done[what] += answer
        return answer

    # Whom and what an operation takes

    def sample(self, rows: Sequence[Answer], count: int) -> list[Answer]:
        return self.rng.sample(rows, min(count, len(rows)))

    def name(self) -> str:
        # Few talk most, so that conversations grow.
        return self.rng.choice(NAMES[:14] if self.rng.random() < 0.7 else NAMES)

    async def user(self, name: str | None = None, *, folded: bool = False) -> UserKey:
        """The key of a name, whether it had a place or not."""
        name = name or self.name()
        key = await self.ask(lambda core, tenant: core.users.key(tenant, name, folded=folded), from_memory=True)
        assert key.id == self.space.owner(name, folded)
        assert key.number % BUCKETS == bucket_of(fold(name))
        self.space.place(key)
        return key

    async def users(self, count: int) -> list[UserKey]:
        names = [self.rng.choice(NAMES) for _ in range(count)]
        keys = await self.ask(lambda core, tenant: core.users.keys(tenant, names), from_memory=True)
        assert [key.id for key in keys] == names
        for key in keys:
            self.space.place(key)
        return keys

    def any_conversation(self) -> PlainConversation | None:
        """Mostly a group, or one in which something was sent lately, so that much happens to few."""
        rows = [one for one in self.space.conversations.values() if one.exists]
        groups = [one for one in rows if one.group_number is not None]
        chance = self.rng.random()
        if groups and chance < 0.4:
            return self.rng.choice(groups)
        if chance < 0.9:
            return max(self.sample(rows, 12), key=lambda one: one.newest_time, default=None)
        return self.rng.choice(rows) if rows else None

    def any_group(self) -> PlainConversation:
        rows = self.space.groups()
        return self.rng.choice(rows[:3] if self.rng.random() < 0.5 else rows)

    async def viewer(self, target: PlainConversation, *, of_any_kind: bool = True) -> UserKey:
        """Who is or was in it, or anybody."""
        keys = self.users_of(target)
        if keys and (self.rng.random() < 0.7 or not of_any_kind):
            return self.rng.choice(keys)
        strangers = [self.space.numbers[number] for number in target.senders if not target.is_inside(number)]
        strangers = self.space.current(strangers)
        return self.rng.choice(strangers) if strangers and self.rng.random() < 0.5 else await self.user()

    def target(self, target: PlainConversation, user: UserKey) -> Target:
        """How a user names a conversation; a stranger to a direct one can't."""
        return target.other(user) if target.group_number is None else target.group_number

    def users_of(self, target: PlainConversation) -> list[UserKey]:
        """Whoever is, or was, in it, and was not erased."""
        return self.space.current(target.users())

    def id_of(self, target: PlainConversation, lane: int, sequence: int) -> int:
        ids = self.workers[0].core.ids(self.newest[self.tenant])
        return ids.message(target.number or 0, lane, sequence)

    def measure(self, target: PlainConversation) -> None:
        what = "longest direct log" if target.peers else "longest group log"
        self.done[what] = max(self.done[what], target.head)
        self.done["largest group"] = max(self.done["largest group"], len(target.present()))

    # What the store says, beside what the model says

    async def look_up(self, name: str, folded: bool) -> None:
        found = await self.ask(lambda core, tenant: core.users.find(tenant, name, folded=folded))
        assert found == self.space.profiles.get(self.space.owner(name, folded))

    async def get_one(self, number: int, viewer: UserKey | None = None, station: str = "") -> Stored | None:
        return await self.ask(lambda core, tenant: core.messages.get(tenant, number, viewer, station), from_memory=True)

    async def read_page(self, target: PlainConversation, viewer: UserKey | None, query: Query) -> Page:
        if target.group_number is None:
            first, second = (peer.id for peer in target.peers)
            return await self.ask(lambda core, tenant: core.messages.direct_page(tenant, first, second, query, viewer))
        number = target.group_number
        return await self.ask(lambda core, tenant: core.messages.group_page(tenant, viewer, number, query))

    async def compare_pages(
        self, target: PlainConversation, viewer: UserKey | None, query: Query, *, to_the_end: bool
    ) -> None:
        """A page, and where wanted those that follow it."""
        expected = target.page(viewer, query)
        for _ in range(PAGES if to_the_end else 1):
            page = await self.read_page(target, viewer, query)
            if target.is_settled or not target.peers:
                assert page.member == (viewer is None or target.is_inside(viewer.number))
            if query.progress and viewer is not None and target.exists:
                assert page.progress == target.progress(viewer)
            assert page.messages == expected[: len(page.messages)]
            assert len(page.messages) <= query.limit
            if page.cursor == 0:
                assert len(page.messages) == len(expected)
                return
            if target.head + len(target.ever_imported) <= SCANNED:
                assert len(page.messages) == min(len(expected), query.limit)
            expected = expected[len(page.messages) :]
            query = msgspec.structs.replace(query, cursor=page.cursor)

    async def compare_list(self, user: UserKey, limit: int, before: int | None = None, box: Box = Box.ACTIVE) -> None:
        rows = self.space.overviews(user, box, limit, before)
        found = await self.ask(lambda core, tenant: core.conversations.list(tenant, user, limit, before, box=box))
        assert found == rows

    async def row(self, target: PlainConversation, user: UserKey) -> Overview | None:
        name = self.target(target, user)
        if isinstance(name, str):
            peer = name
            return await self.ask(lambda core, tenant: core.conversations.direct(tenant, user, peer))
        number = name
        return await self.ask(lambda core, tenant: core.conversations.group(tenant, user, number))

    async def compare_one(self, target: PlainConversation, users: Sequence[UserKey]) -> None:
        """What was just done, as those see it whom it concerns."""
        for user in self.space.current(dict.fromkeys(users)):
            await self.compare_state(target, user)
            query = Query(5, kinds=EVERY_KIND, station=self.rng.choice(STATIONS), progress=True)
            await self.compare_pages(target, user, query, to_the_end=False)

    async def compare_state(self, target: PlainConversation, user: UserKey) -> None:
        """A user's row of the conversation, and often the list in which it stands, which asks every partition."""
        if target.group_number is not None or user.id in {peer.id for peer in target.peers}:
            row, expected = await self.row(target, user), target.overview(user)
            assert row == expected
        if self.rng.random() < 0.1:
            await self.compare_list(user, self.rng.choice((1, 3)), box=target.box(user))

    async def compare_group(self, target: PlainConversation) -> None:
        number = target.group_number or 0
        detail = await self.ask(lambda core, tenant: core.groups.detail(tenant, number))
        assert detail == ((target.group, target.present()) if target.group is not None else None)
        assert await self.ask(lambda core, tenant: core.groups.find(tenant, number)) == target.group

    async def compare_message(self, message: PlainMessage, target: PlainConversation, viewer: UserKey | None) -> None:
        station = self.rng.choice(STATIONS)
        is_shown = target.is_shown(viewer.number if viewer else None, message, station)
        assert await self.get_one(message.stored.id, viewer, station) == (message.stored if is_shown else None)

    async def compare_everything(self) -> None:
        for tenant, space in self.spaces.items():
            self.tenant, self.space = tenant, space
            for name in NAMES:
                await self.compare_name(name)
            for user in list(space.keys.values()):
                await self.compare_list(user, 1000)
                if self.rng.random() < 0.3:
                    await self.compare_list(user, 1000, box=self.rng.choice((Box.ARCHIVED, Box.HIDDEN)))
            for alias in ALIASES:
                await self.compare_alias(alias)
            for target in list(space.conversations.values()):
                if target.group_number is not None:
                    await self.compare_group(target)
                await self.compare_pages(target, None, Query(1000, kinds=EVERY_KIND), to_the_end=True)
                viewer = await self.viewer(target)
                await self.compare_pages(target, viewer, Query(1000, newest_first=False), to_the_end=True)
                await self.compare_state(target, viewer)

    async def compare_name(self, name: str) -> None:
        known = await self.ask(lambda core, tenant: core.users.known_key(tenant, name), from_memory=True)
        assert known == self.space.keys.get(name)
        await self.look_up(name, False)

    async def compare_alias(self, alias: str) -> None:
        found = await self.ask(lambda core, tenant: core.groups.alias(tenant, DIALECT, alias))
        assert found == self.space.aliases.get(alias)
