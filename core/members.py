"""Use cases of the people in a group: members, roles, who is muted, allowed or blocked, and who waits to join."""

from collections.abc import Sequence
from typing import TypeVar

from core.clock import Clock
from core.errors import check_limit
from core.membership import Applicant, Listed, MemberPage, Standing, Visibility, Waiting
from core.model import Tenant, UserKey
from core.store.group_people import ADMINS, ALLOWED, BLOCKED, LONGEST_LIST, MUTED, WAITING, GroupPeople
from core.store.groups import GroupStore, refused

FOR_EVER = -1
_LONGEST_PAGE = 1_000

Found = TypeVar("Found")


class Members:
    """The people of all groups.

    Who may do what is for the caller to check. Everything raises *not found* with reason `group` when there is no such
    group. Changes of several users answer for each whether it was done. With the `reference` of an earlier try
    (`Call.reference`) a change is done once, and answers as it did then. A list of a group holds 5,000 users; what would
    make one longer raises *conflict* with reason `limit`.

    What a membership gave ends with it (being an admin, being allowed, own attributes). What was imposed stays (a mute, a
    block).
    """

    def __init__(self, groups: GroupStore, people: GroupPeople, clock: Clock) -> None:
        self._groups = groups
        self._people = people
        self._clock = clock

    async def page(
        self, tenant: Tenant, number: int, *, newest_first: bool = False, limit: int = 100, cursor: int = 0
    ) -> MemberPage:
        """Present members in the order in which they joined, at most `limit` (1 to 1,000). Raises *bad request* with
        reason `page`."""
        check_limit(limit, _LONGEST_PAGE)
        page = await self._people.page(tenant, number, newest_first=newest_first, limit=limit, cursor=cursor)
        return _known(page, number)

    async def standing(self, tenant: Tenant, number: int, user: UserKey) -> Standing:
        """What a user is in the group."""
        return (await self.standings(tenant, number, [user]))[0]

    async def standings(self, tenant: Tenant, number: int, users: Sequence[UserKey]) -> list[Standing]:
        """The same of several users (up to 1,000), in their order."""
        return _known(await self._people.standing(tenant, number, users, self._clock.now()), number)

    async def make_admin(self, tenant: Tenant, number: int, user: UserKey, *, reference: str | None = None) -> bool:
        """Make a member an admin; false for who is one. Raises *not found* with reason `member` for who is no member,
        *forbidden* with reason `owner` for the owner."""
        return await self._set_role(tenant, number, user, "admin", reference)

    async def unmake_admin(self, tenant: Tenant, number: int, user: UserKey, *, reference: str | None = None) -> None:
        """Make an admin an ordinary member. Raises *not found* with reason `member` for who is no member, `admin` for a
        member who is no admin, *forbidden* with reason `owner` for the owner."""
        await self._set_role(tenant, number, user, "member", reference)

    async def _set_role(self, tenant: Tenant, number: int, user: UserKey, role: str, reference: str | None) -> bool:
        done = await self._people.set_role(tenant, number, user, role, self._clock.now(), reference)
        if done not in ("done", "same"):
            raise refused(done, str(number) if done == "group" else user.id)
        return done == "done"

    async def admins(self, tenant: Tenant, number: int) -> list[Listed]:
        """The admins, and since when they are."""
        return _known(await self._people.listed(tenant, number, ADMINS), number)

    async def mute(
        self, tenant: Tenant, number: int, users: Sequence[UserKey], until: int, *, reference: str | None = None
    ) -> None:
        """Keep members from sending until a time (epoch ms; -1: for ever). Raises *not found* with reason `member`, and
        mutes nobody, when some are none: the `subject` names all of them."""
        now = self._clock.now()
        done = await self._people.put(tenant, number, MUTED, users, until, now, reference, all_or_none=True)
        _known(done, number)

    async def unmute(
        self, tenant: Tenant, number: int, users: Sequence[UserKey], *, reference: str | None = None
    ) -> list[bool]:
        """Let users send again, be they members or not; false for who was not muted."""
        return await self._take(tenant, number, MUTED, users, reference)

    async def muted(self, tenant: Tenant, number: int) -> list[Listed]:
        """Who is muted now, and until when."""
        now = self._clock.now()
        rows = _known(await self._people.listed(tenant, number, MUTED), number)
        return [row for row in rows if row.time == FOR_EVER or row.time > now]

    async def allow(
        self, tenant: Tenant, number: int, users: Sequence[UserKey], *, reference: str | None = None
    ) -> list[bool]:
        """Let members send also while the group is muted; false for who is no member."""
        now = self._clock.now()
        done = await self._people.put(tenant, number, ALLOWED, users, now, now, reference, all_or_none=False)
        return _known(done, number)

    async def disallow(
        self, tenant: Tenant, number: int, users: Sequence[UserKey], *, reference: str | None = None
    ) -> list[bool]:
        """The opposite; false for who was not allowed."""
        return await self._take(tenant, number, ALLOWED, users, reference)

    async def allowed(self, tenant: Tenant, number: int) -> list[Listed]:
        """Who may send also while the group is muted."""
        return _known(await self._people.listed(tenant, number, ALLOWED), number)

    async def block(
        self, tenant: Tenant, number: int, users: Sequence[UserKey], *, reference: str | None = None
    ) -> list[bool]:
        """Remove members and let them in no more; false for who is no member, and is not blocked by this. Raises *forbidden*
        with reason `owner`, and blocks nobody, when the owner is among them; of more than 100 users like `Groups.remove`."""
        now = self._clock.now()
        done = await self._groups.remove(tenant, number, users, now, reference, spare_owner=True, block=LONGEST_LIST)
        return _known(done, number)

    async def unblock(
        self, tenant: Tenant, number: int, users: Sequence[UserKey], *, reference: str | None = None
    ) -> list[bool]:
        """Let users join again; they are no members by this. False for who was not blocked."""
        return await self._take(tenant, number, BLOCKED, users, reference)

    async def blocked(self, tenant: Tenant, number: int) -> list[Listed]:
        """Who is blocked, and since when."""
        return _known(await self._people.listed(tenant, number, BLOCKED), number)

    async def ask(self, tenant: Tenant, number: int, user: UserKey, why: Waiting, words: str = "") -> None:
        """Note that a user asks to join, or is asked to; again changes only why, and the words. Raises *conflict* with
        reason `member` for a member, *forbidden* with reason `blocked`."""
        done = await self._people.ask(tenant, number, user, why, words, self._clock.now())
        if done != "done":
            raise refused("present" if done == "member" else done, str(number) if done == "group" else user.id)

    async def accept(
        self,
        tenant: Tenant,
        number: int,
        user: UserKey,
        why: Waiting,
        *,
        sees: Visibility = Visibility.NOTHING,
        reference: str | None = None,
    ) -> bool:
        """Make a user who waits a member, for a request or an invitation; false for who is one by now. Raises *not found*
        with reason `pending` for who does not wait for that, and like `Groups.add`."""
        now = self._clock.now()
        done = await self._groups.add(tenant, number, [user], sees, now, reference, why)
        return _known(done, number)[0]

    async def decline(
        self, tenant: Tenant, number: int, users: Sequence[UserKey], *, reference: str | None = None
    ) -> list[bool]:
        """Let users wait no more, whatever they waited for; false for who did not."""
        return await self._take(tenant, number, WAITING, users, reference)

    async def waiting(self, tenant: Tenant, number: int) -> list[Applicant]:
        """Who waits to join, those first who waited longest."""
        return _known(await self._people.waiting(tenant, number), number)

    async def _take(
        self, tenant: Tenant, number: int, letter: str, users: Sequence[UserKey], reference: str | None
    ) -> list[bool]:
        return _known(await self._people.take(tenant, number, letter, users, self._clock.now(), reference), number)


def _known(found: Found | None, number: int) -> Found:
    if found is None:
        raise refused("group", str(number))
    return found
