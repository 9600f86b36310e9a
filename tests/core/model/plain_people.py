"""What a group of the plain model keeps of people beside its members. Users are numbers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from core.groups import Check
from core.membership import Attribute, Listed
from core.model import UserKey

Rows = dict[int, Listed]


@dataclass
class PlainPeople:
    """Lists of people, and attributes with whose they are."""

    admins: Rows = field(default_factory=dict)
    muted: Rows = field(default_factory=dict)
    blocked: Rows = field(default_factory=dict)
    allowed: Rows = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    all_muted: bool = False
    deleted: bool = False

    def leave(self, user: UserKey) -> None:
        self.admins.pop(user.number, None)
        self.allowed.pop(user.number, None)
        self._drop(lambda one: one.leaves and one.user == user)

    def erase(self, user: UserKey) -> None:
        for rows in (self.admins, self.muted, self.blocked, self.allowed):
            rows.pop(user.number, None)
        self._drop(lambda one: one.user == user)

    def _drop(self, goes: Callable[[Attribute], bool]) -> None:
        self.attributes = {name: one for name, one in self.attributes.items() if not goes(one)}

    def muted_at(self, now: int) -> list[Listed]:
        return [row for row in listed(self.muted) if row.time < 0 or row.time > now]

    def refusal(self, user: UserKey, owner: UserKey | None, check: Check, now: int, *, is_member: bool) -> str:
        """Why a user's message is refused; nothing when it isn't."""
        if check is Check.NONE:
            return ""
        if check is Check.MEMBER and not is_member:
            return "member"
        if user.number in self.blocked:
            return "blocked"
        if any(row.user == user for row in self.muted_at(now)):
            return "muted"
        if self.all_muted and user != owner and user.number not in {*self.admins, *self.allowed}:
            return "all_muted"
        return ""


def listed(rows: Rows) -> list[Listed]:
    return sorted(rows.values(), key=lambda row: (row.time, row.user.number))
