"""One tenant's chat space, as plain Python."""

from collections.abc import Iterable

import msgspec

from core.ids import direct_identity, group_identity
from core.model import Box, Overview, Topic, User, UserKey
from core.names import fold
from tests.core.model.plain_conversation import PlainConversation
from tests.core.model.plain_relations import PlainRelations
from tests.core.model.plain_rows import PlainMessage


class PlainSpace:
    """One tenant's chat space in one generation."""

    def __init__(self) -> None:
        self.keys: dict[str, UserKey] = {}
        self.numbers: dict[int, UserKey] = {}
        self.owners: dict[str, str] = {}
        self.profiles: dict[str, User] = {}
        self.conversations: dict[str, PlainConversation] = {}
        self.aliases: dict[str, int] = {}
        self.topics: dict[int, Topic] = {}
        self.relations = PlainRelations()

    # Users

    def owner(self, name: str, folded: bool) -> str:
        """The neutral id that a name stands for."""
        return self.owners.get(fold(name), fold(name)) if folded else name

    def place(self, key: UserKey) -> None:
        """Hold the store to the place that it gave a name."""
        known = self.keys.get(key.id)
        assert known is None or known == key
        if known is None:
            assert key.number not in self.numbers
            self.keys[key.id] = self.numbers[key.number] = key

    def register(self, user: User) -> None:
        """The first registered user whose name folds to a form owns it."""
        if user.id not in self.profiles:
            self.profiles[user.id] = user
            self.owners.setdefault(fold(user.id), user.id)

    def current(self, keys: Iterable[UserKey]) -> list[UserKey]:
        """Those that were not erased."""
        return [key for key in keys if self.keys.get(key.id) == key]

    def erase(self, user: UserKey, began: int) -> None:
        """Everything of a user but the name, which is free at once."""
        self.relations.erase(user)
        for one in self.conversations.values():
            one.erase(user, began)
        for number, topic in self.topics.items():
            if topic.creator == user.id and topic.created <= began:
                self.topics[number] = msgspec.structs.replace(topic, creator="")

    def forget_name(self, user: UserKey) -> None:
        del self.keys[user.id]
        self.profiles.pop(user.id, None)
        if self.owners.get(fold(user.id)) == user.id:
            del self.owners[fold(user.id)]

    # Conversations

    def direct(self, first: UserKey, second: UserKey) -> PlainConversation:
        identity = direct_identity(first.id, second.id)
        peers = (first, second) if first.id <= second.id else (second, first)
        return self.conversations.setdefault(identity, PlainConversation(identity, peers))

    def group(self, number: int) -> PlainConversation:
        identity = group_identity(number)
        return self.conversations.setdefault(identity, PlainConversation(identity, (), number))

    def groups(self) -> list[PlainConversation]:
        return [one for one in self.conversations.values() if one.group_number is not None and not one.people.deleted]

    def messages(self) -> list[PlainMessage]:
        return [message for one in self.conversations.values() for message in (*one.entries, *one.ever_imported)]

    def overviews(self, user: UserKey, box: Box, limit: int, before: int | None) -> list[Overview]:
        """A user's list: at least `limit` rows, those of equal time stay together."""
        last = []
        for one in self.conversations.values():
            if not one.is_room and (one.is_inside(user.number) or user.number in one.senders):
                message = one.last_shown(user)
                if message and (before is None or message.stored.time < before) and one.box(user) is box:
                    last.append((-message.stored.time, one.number or 0, one))
        last.sort(key=lambda row: row[:2])
        rows = [one.overview(user) for time, _, one in last if len(last) <= limit or time <= last[limit - 1][0]]
        return [row for row in rows if row is not None]
