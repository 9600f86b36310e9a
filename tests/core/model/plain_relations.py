"""What users are to each other, as plain Python."""

from dataclasses import dataclass, field

from core.model import Related, Relation, RelationState, UserKey


@dataclass
class PlainPair:
    """What decides about two users, by the number of each."""

    contact: dict[int, str]
    """`contact`, `asked`, or nothing."""
    contact_changed: int = 0
    blocks: dict[int, bool] = field(default_factory=dict)
    block_changed: dict[int, int] = field(default_factory=dict)


class PlainRelations:
    """The relations of one tenant's users in one generation."""

    def __init__(self) -> None:
        self.pairs: dict[frozenset[int], PlainPair] = {}
        self.rows: dict[tuple[int, Relation], dict[int, Related]] = {}
        """A user's lists, by the number of the other."""

    def pair(self, user: UserKey, other: UserKey) -> PlainPair:
        numbers = frozenset((user.number, other.number))
        return self.pairs.setdefault(numbers, PlainPair(dict.fromkeys(numbers, "")))

    def list(self, user: UserKey, relation: Relation) -> list[Related]:
        """One of a user's lists as it is read: the earliest changes first."""
        rows = self.rows.get((user.number, relation), {}).values()
        return sorted((row for row in rows if row.since), key=lambda row: (row.changed, row.user.number))

    def blocks(self, user: UserKey, other: UserKey) -> bool:
        return self.pair(user, other).blocks.get(user.number, False)

    def act(self, what: str, user: UserKey, other: UserKey, now: int) -> bool:
        """Whether it could be done."""
        pair, me, you = self.pair(user, other), user.number, other.number
        if what in ("block", "unblock"):
            wanted = what == "block"
            if pair.blocks.get(me, False) != wanted:
                pair.blocks[me] = wanted
                pair.block_changed[me] = max(now, pair.block_changed.get(me, 0) + 1)
            state, changed = RelationState.PRESENT if wanted else RelationState.ENDED, pair.block_changed.get(me, 0)
            self._note(user, Relation.BLOCK, other, state, changed)
            self._note(other, Relation.BLOCKED_BY, user, state, changed)
            return True
        before, done = dict(pair.contact), True
        match what, pair.contact[me], pair.contact[you]:
            case "add", _, _:
                pair.contact[me] = "contact"
            case ("befriend", _, _) | ("request" | "accept", _, "asked") | ("request", _, "contact"):
                pair.contact = {me: "contact", you: "contact"}
            case "request", "", _:
                pair.contact[me] = "asked"
            case "accept", mine, theirs:
                done = mine == theirs == "contact"
            case "decline", _, theirs:
                done = theirs == "asked"
                if done:
                    pair.contact[you] = ""
            case "remove", _, _:
                pair.contact[me] = ""
            case "part", _, _:
                pair.contact = {me: "", you: ""}
        if pair.contact != before:
            pair.contact_changed = max(now, pair.contact_changed + 1)
        for one, two in ((user, other), (other, user)):
            self._note(one, Relation.CONTACT, two, _state(pair, one, two), pair.contact_changed)
        return done

    def remark(self, user: UserKey, other: UserKey, remark: str | None) -> bool:
        rows = self.rows.get((user.number, Relation.CONTACT), {})
        row = rows.get(other.number)
        if row is None or row.state is not RelationState.PRESENT:
            return False
        rows[other.number] = Related(row.user, row.state, row.since, row.changed, remark)
        return True

    def erase(self, user: UserKey) -> None:
        """Nobody is anything to the user any more."""
        self.pairs = {numbers: pair for numbers, pair in self.pairs.items() if user.number not in numbers}
        self.rows = {place: rows for place, rows in self.rows.items() if place[0] != user.number}
        for rows in self.rows.values():
            rows.pop(user.number, None)

    def _note(self, user: UserKey, relation: Relation, other: UserKey, state: RelationState, changed: int) -> None:
        if not changed:
            return
        rows = self.rows.setdefault((user.number, relation), {})
        row = rows.get(other.number)
        since, remark = (row.since, row.remark) if row is not None else (0, None)
        if state is RelationState.ENDED:
            remark = None
        elif row is None or row.state is RelationState.ENDED:
            since = changed
        rows[other.number] = Related(other, state, since, changed, remark)


def _state(pair: PlainPair, user: UserKey, other: UserKey) -> RelationState:
    match pair.contact[user.number], pair.contact[other.number]:
        case "contact", _:
            return RelationState.PRESENT
        case "asked", _:
            return RelationState.REQUESTED
        case _, "asked":
            return RelationState.RECEIVED
    return RelationState.ENDED
