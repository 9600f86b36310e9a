"""Use cases of groups: their life, their profile, who joins and leaves, and lists of groups."""

import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import msgspec

from core.clock import Clock
from core.errors import Failure, Kind, check_limit
from core.ids import group_identity
from core.membership import Announce, Check, GroupPage, GroupView, Visibility
from core.messages import kind_of
from core.model import Group, GroupChanges, Member, Tenant, UserKey
from core.names import check_name
from core.store.dropping import Dropping
from core.store.group_lists import GroupLists
from core.store.groups import ROWS_AT_ONCE, GroupStore, refused
from core.store.log import Append, Log

__all__ = ["Check", "Groups", "Visibility"]

_CURSOR = re.compile(r"(\d{15}:\d{10})?", re.ASCII)
_SILENT = ("disabled", "group")
"""Where nothing can be said any more: the change is done all the same."""
_LONGEST_PAGE = 1_000
_NUMBER = re.compile(r"\d{0,10}", re.ASCII)


class Groups:
    """The groups of all tenants. A group is a number; each dialect's id for it is a function of the number, unless the
    app chose the id itself (an *alias*).

    Who may do what is for the caller to check. Changes raise *not found* with reason `group` when there is no such group. A
    `reference` is that of an earlier try (`Call.reference`): the same change of the same group with it is done once, and
    answers as it did then. `announce` makes notices of a change; they are appended right after it, and with the same
    reference no try appends one again, but one that was broken off may have left them out until it is repeated.
    """

    def __init__(self, store: GroupStore, lists: GroupLists, log: Log, dropping: Dropping, clock: Clock) -> None:
        self._store = store
        self._lists = lists
        self._log = log
        self._dropping = dropping
        self._clock = clock

    async def create(
        self,
        tenant: Tenant,
        *,
        name: str,
        owner: UserKey,
        members: Sequence[UserKey],
        dialect: str,
        alias: str | None = None,
        description: str | None = None,
        public: bool = False,
        maximum_members: int | None = None,
        attributes: dict[str, Any] | None = None,
        room: bool = False,
        image_url: str | None = None,
        leftovers: dict[str, Any] | None = None,
        reference: str | None = None,
        announce: Announce | None = None,
    ) -> Group:
        """A new group. The owner is a member only if listed among `members`; a member listed twice counts once. The first 100 are
        members from the first moment on, of more the others follow; with a `reference` a repeat completes what was broken off.

        With an `alias` the group takes the id that the app chose in `dialect`, and the messages that were sent to that id
        before. Raises *conflict* with reason `group` when the alias is taken, `members` for more than `maximum_members`.
        """
        users = list({user.number: user for user in members}.values())
        if maximum_members is not None and len(users) > maximum_members:
            raise refused("full", name)
        now = self._clock.now()
        group = Group(
            number=0,
            name=name,
            owner=owner.id,
            created=now,
            modified=now,
            description=description,
            public=public,
            maximum_members=maximum_members,
            attributes=attributes,
            aliases={dialect: alias} if alias is not None else None,
            leftovers={dialect: leftovers} if leftovers else None,
            room=room,
            image_url=image_url,
        )
        if alias is None:
            # A number of our own is nobody else's: a group there is this one, written by a try whose answer was lost.
            group = msgspec.structs.replace(group, number=await self._store.new_number(tenant))
            await self._store.create(tenant, group, owner.number, users, reference)
        else:
            group = await self._create_at(tenant, group, owner, users, dialect, alias, reference)
        await self.say(tenant, group.number, announce, users, reference)
        return group

    async def _create_at(
        self, tenant: Tenant, group: Group, owner: UserKey, users: Sequence[UserKey], dialect: str, alias: str,
        reference: str | None,
    ) -> Group:  # fmt: skip
        for _ in range(2):
            group = msgspec.structs.replace(group, number=await self.place(tenant, dialect, alias))
            if await self._store.create(tenant, group, owner.number, users, reference):
                return group
            if await self.find(tenant, group.number) is not None:
                break
            # It was deleted by somebody who did not come to free the id.
            await self._store.release(tenant, dialect, alias, group.number)
        raise Failure(Kind.CONFLICT, "The group id is taken", reason="group", subject=alias)

    async def alias(self, tenant: Tenant, dialect: str, alias: str) -> int | None:
        """The number behind an id that an app chose; none when nobody ever used the id."""
        return await self._store.alias(tenant, dialect, alias)

    async def place(self, tenant: Tenant, dialect: str, alias: str) -> int:
        """The number behind an id that an app chose, reserved for it when it is new. No group comes to be by this: what
        is sent there waits for the group."""
        check_name(alias, "group")
        return await self._store.reserve(tenant, dialect, alias)

    async def find(self, tenant: Tenant, number: int) -> Group | None:
        """The group's profile; none when no such group was created, or it was deleted."""
        found = await self._store.read(tenant, number, members=False)
        return found[0] if found else None

    async def detail(self, tenant: Tenant, number: int) -> tuple[Group, list[Member]] | None:
        """The group with all its present members in the order in which they joined, each 200 as they are at one moment. Of large
        groups `Members.page` gives them in pieces."""
        return await self._store.read(tenant, number)

    async def views(
        self, tenant: Tenant, numbers: Sequence[int], user: UserKey | None = None, *, members: int = 0
    ) -> list[GroupView | None]:
        """Several groups as a user has them (nothing unread and no marks without one), each with up to `members` (at most 200) of its
        members: in one turn, in the order of the numbers, none for a group that was not created or is deleted."""
        check_limit(members + 1, ROWS_AT_ONCE + 1)
        return await self._lists.views(tenant, numbers, user.number if user is not None else None, members)

    async def update(
        self,
        tenant: Tenant,
        number: int,
        *,
        owner: UserKey | None = None,
        change: Callable[[Group], Group] = lambda group: group,
        reference: str | None = None,
        announce: Announce | None = None,
        **changes: Unpack[GroupChanges],
    ) -> Group:
        """Change fields of the group's profile; `change` does what depends on the present ones, as they are by then. A new
        `owner` need not be a member; the old one becomes an ordinary member. Raises *conflict* with reason
        `members` for a `maximum_members` below the present number of members."""
        return await self._update(tenant, number, {**changes}, owner, reference, announce, change=change)

    async def transfer(
        self, tenant: Tenant, number: int, owner: UserKey, *, reference: str | None = None,
        announce: Announce | None = None,
    ) -> Group:  # fmt: skip
        """Make another member the owner; the old one becomes an ordinary member. Raises *not found* with reason `member` for
        who is none, *forbidden* with reason `owner` for who is the owner."""
        return await self._update(tenant, number, {}, owner, reference, announce, transfer=True)

    async def _update(
        self, tenant: Tenant, number: int, changes: dict[str, Any], owner: UserKey | None, reference: str | None,
        announce: Announce | None, *, transfer: bool = False, change: Callable[[Group], Group] = lambda group: group,
    ) -> Group:  # fmt: skip
        now = self._clock.now()
        if owner is not None:
            changes["owner"] = owner.id
        changed = await self._store.update(
            tenant,
            number,
            {**changes, "modified": now},
            now,
            owner=owner.number if owner is not None else None,
            transfer=transfer,
            change=change,
            reference=reference,
        )
        if changed is None:
            raise refused("group", str(number))
        await self.say(tenant, number, announce, [], reference)
        return changed

    async def delete(self, tenant: Tenant, number: int) -> Group:
        """Delete a group, and give what it was. From the first moment on nobody finds it or sends to it; then the id that the
        app chose is free, for a group that inherits nothing, and messages, memberships and all that users had of it go. If
        that is broken off, a repeat goes on."""
        group = await self._store.delete(tenant, number, self._clock.now())
        if group is None:
            raise refused("group", str(number))
        for dialect, alias in (group.aliases or {}).items():
            await self._store.release(tenant, dialect, alias, number)
        await self._dropping.clear(tenant, group_identity(number))
        await self._store.end(tenant, number)
        return group

    async def add(
        self,
        tenant: Tenant,
        number: int,
        users: Sequence[UserKey],
        *,
        sees: Visibility = Visibility.NOTHING,
        reference: str | None = None,
        announce: Announce | None = None,
    ) -> list[bool]:
        """Make users members; `sees` is how much of the earlier messages they get. One answer a user: false for a present
        member. Raises when nobody is added: *forbidden* with reason `blocked` for who is blocked, *conflict* with reason
        `members` when it would be more than the group takes. Up to 100 users are added at once or not at all; more go in
        hundreds, and the ones before may be members already when it raises."""
        done = await self._store.add(tenant, number, users, sees, self._clock.now(), reference)
        return await self._changed(tenant, number, users, done, reference, announce)

    async def remove(
        self,
        tenant: Tenant,
        number: int,
        users: Sequence[UserKey],
        *,
        spare_owner: bool = False,
        reference: str | None = None,
        announce: Announce | None = None,
    ) -> list[bool]:
        """End memberships; who leaves keeps what it could see. One answer a user: false for no present member. With
        `spare_owner` it raises *forbidden* with reason `owner`, and nobody is removed, when the owner is among them; of more than
        100 users the hundreds before may be removed already. They leave one after the other when it takes long to find what
        they were shown last."""
        now = self._clock.now()
        done = await self._store.remove(tenant, number, users, now, reference, spare_owner=spare_owner)
        return await self._changed(tenant, number, users, done, reference, announce)

    async def say(
        self, tenant: Tenant, number: int, announce: Announce | None, users: Sequence[UserKey], reference: str | None
    ) -> None:
        """Append the notices of a change that was made elsewhere (`Members.accept`, `Members.block`) as the changes here do. Where
        nothing can be said any more nothing is."""
        notices = announce(users) if announce is not None else ()
        reference = reference or f"request:{secrets.token_hex(12)}"
        appends = [
            Append(
                identity=group_identity(number),
                sender=notice.sender.number,
                pair=(),
                kind=kind_of(notice.message),
                message=notice.message,
                reference=f"{reference}:notice {index}",
            )
            for index, notice in enumerate(notices)
        ]
        if not appends:
            return
        try:
            await self._log.append(tenant, appends, self._clock.now())
        except Failure as failure:
            if failure.reason not in _SILENT:
                raise

    async def page(
        self, tenant: Tenant, *, rooms: bool = False, newest_first: bool = True, limit: int = 100, cursor: str = ""
    ) -> GroupPage:
        """The tenant's groups, or its rooms, in the order of their creation, at most `limit` (1 to 1,000). Raises *bad
        request* with reason `page` or `cursor`."""
        check_limit(limit, _LONGEST_PAGE)
        _check_cursor(_CURSOR, cursor)
        return await self._lists.all(tenant, rooms=rooms, newest_first=newest_first, limit=limit, cursor=cursor)

    async def joined(
        self, tenant: Tenant, user: UserKey, *, rooms: bool = False, limit: int = 100, cursor: str = ""
    ) -> GroupPage:
        """The groups, or rooms, of which a user is a member now, in the order of their numbers; like `page`."""
        check_limit(limit, _LONGEST_PAGE)
        _check_cursor(_NUMBER, cursor)
        return await self._lists.joined(tenant, user.number, rooms=rooms, limit=limit, after=int(cursor or "0"))

    async def _changed(
        self, tenant: Tenant, number: int, users: Sequence[UserKey], done: Sequence[bool] | None,
        reference: str | None, announce: Announce | None,
    ) -> list[bool]:  # fmt: skip
        if done is None:
            raise refused("group", str(number))
        changed = [user for user, was in zip(users, done, strict=True) if was]
        if changed:
            await self.say(tenant, number, announce, changed, reference)
        return list(done)


def _check_cursor(form: re.Pattern[str], cursor: str) -> None:
    if form.fullmatch(cursor) is None:
        raise Failure(Kind.BAD_REQUEST, "No such cursor", reason="cursor")
