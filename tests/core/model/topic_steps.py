"""The walk's steps with topics."""

import msgspec

from core.core import Core
from core.errors import Kind
from core.messages import Page, Query
from core.model import EVERY_KIND, Tenant, Topic
from tests.core.model.plain_conversation import PlainConversation
from tests.core.model.side_by_side import DIALECT, SideBySide

TOPIC_ALIASES = ["order 1", "order 2", "名前"]


class TopicSteps(SideBySide):
    """Topics of conversations."""

    def named(self, target: PlainConversation, alias: str | None) -> Topic | None:
        """The newest topic of an alias."""
        topics = [self.space.topics[number] for number in target.topics]
        return max((topic for topic in topics if topic.alias == alias), key=lambda topic: topic.number, default=None)

    async def create_topic(self) -> None:
        target = self.any_conversation()
        chance, known = self.rng.random(), [one for one in self.space.conversations.values() if one.topics]
        if known and chance < 0.4:
            target = self.rng.choice(known)
        elif target is None or chance > 0.9:
            target = self.space.direct(await self.user(), await self.user())
        parties, creator = target.parties, await self.user()
        alias = self.rng.choice((None, *TOPIC_ALIASES, *(self.space.topics[number].alias for number in target.topics)))
        once, title = self.rng.random() < 0.5, f"topic {self.counter}"
        now = self.clock.now()

        async def act(core: Core, tenant: Tenant) -> tuple[Topic, bool]:
            return await core.topics.create(
                tenant, parties, creator=creator, dialect=DIALECT, title=title, alias=alias, once=once
            )

        topic, created = await self.ask(act)
        named = self.named(target, alias) if once and alias is not None else None
        self.note("topic created", created)
        self.note("topic found", not created)
        if named is not None:
            assert (topic, created) == (named, False)
        else:
            assert created
            assert topic.number not in self.space.topics
            assert topic == Topic(topic.number, parties, creator.id, now, now, True, title, alias)
            self.space.topics[topic.number] = topic
            target.topics.append(topic.number)
            target.exists = True
        await self.compare_topics(target)

    async def update_topic(self) -> None:
        number = self.rng.choice([*self.space.topics, 12_345])

        async def act(core: Core, tenant: Tenant) -> Topic:
            return await core.topics.update(tenant, number, open=is_open, title=title)

        title, is_open = f"retitled {self.counter}", self.rng.random() < 0.5
        if number not in self.space.topics:
            await self.fails(Kind.NOT_FOUND, "topic", act)
            return
        changed = msgspec.structs.replace(
            self.space.topics[number], title=title, open=is_open, modified=self.clock.now()
        )
        self.space.topics[number] = changed
        assert await self.ask(act) == changed
        assert await self.ask(lambda core, tenant: core.topics.find(tenant, number)) == changed

    async def compare_topics(self, target: PlainConversation) -> None:
        """A conversation's topics, and the messages of one of them."""
        parties = target.parties
        after, limit = self.rng.choice((0, *target.topics)), self.rng.choice((1, 100))
        topics = [self.space.topics[number] for number in sorted(target.topics) if number > after][:limit]
        assert await self.ask(lambda core, tenant: core.topics.list(tenant, parties, after, limit)) == topics
        alias = self.rng.choice(TOPIC_ALIASES)
        newest = await self.ask(lambda core, tenant: core.topics.newest(tenant, parties, alias))
        assert newest == self.named(target, alias)
        if target.topics:
            number = self.rng.choice(target.topics)
            viewer = await self.viewer(target)
            query = Query(500, kinds=EVERY_KIND, newest_first=self.rng.random() < 0.5)

            async def act(core: Core, tenant: Tenant) -> Page:
                return await core.topics.page(tenant, number, query, viewer)

            page = await self.ask(act)
            if not page.cursor:
                assert page.messages == target.page(viewer, msgspec.structs.replace(query, topic=number))

    async def topics(self) -> None:
        found = [one for one in self.space.conversations.values() if one.topics]
        if found:
            await self.compare_topics(self.rng.choice(found))
