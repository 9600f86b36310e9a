"""Looking at groups: one, the caller's, all of an application."""

import asyncio
from collections.abc import Callable, Sequence

from adapters.applozic.auth import require_administrator
from adapters.applozic.errors import bad_request, no_group, not_allowed
from adapters.applozic.group_objects import (
    CONTACTS,
    MEMBERS_SHOWN,
    GroupRow,
    full_object,
    full_objects,
    group_object,
    group_objects,
    group_type,
    may_look,
    virtual_object,
)
from adapters.applozic.group_target import caller_key, number_of, numbers_of, user_key_of
from adapters.applozic.ids import group_number, virtual_topic
from adapters.applozic.wire import Fields, read, success, sync_point
from adapters.contract import Call, Reply
from core.membership import Counted, GroupPage, GroupView
from core.model import Group, UserKey

_AT_ONCE = 1_000
_MAXIMUM_TURNS = 100
_MAXIMUM_GROUPS = 100
_CHANNELS, _FILTERED, _LONGEST_PAGE = 50, 500, 1_000


async def info(call: Call) -> Reply:
    """GET group/v2/info, group/info: for members, who once was one, and administrators; a public group for everybody."""
    fields = await read(call)
    number, user = await number_of(call, fields), await caller_key(call, fields)
    if number is not None and (topic := virtual_topic(number)) is not None:
        return success(call, await _virtual(call, topic, user))
    view = await _view(call, number, user)
    if view is None:
        raise no_group()
    if not may_look(call, view):
        raise not_allowed()
    return success(call, await full_object(call, user, view))


async def details(call: Call) -> Reply:
    """GET group/details: several groups; those that the caller may not look at are left out."""
    fields = await read(call)
    chosen = fields.texts("clientGroupIds", commas=True)
    numbers = [group_number(text) for text in fields.texts("groupIds", commas=True)]
    if len(chosen) + len(numbers) > _MAXIMUM_GROUPS:
        raise bad_request(f"up to {_MAXIMUM_GROUPS} groups are shown at once")
    numbers += await numbers_of(call, chosen)
    known = list(dict.fromkeys(number for number in numbers if number is not None))
    user = await caller_key(call, fields)
    views = await call.core.groups.views(call.tenant, known, user, members=MEMBERS_SHOWN)
    shown = [view for view in views if view is not None and may_look(call, view)]
    return success(call, await full_objects(call, user, shown))


async def joined(call: Call) -> Reply:
    """GET group/list, group/v2/list, group/v3/list: the caller's groups, of which those alone that changed since `updatedAt`."""
    return success(call, await _joined(call), generated=sync_point(call.now))


async def joined_object(call: Call) -> Reply:
    """GET group/v5/list: the same as an object."""
    return success(call, {"groupPxys": await _joined(call)}, generated=sync_point(call.now))


async def favourites(call: Call) -> Reply:
    """GET group/favourite/list/get: the caller's lists of friends."""
    return success(call, await _joined(call, lambda group: group_type(group) == CONTACTS))


async def channels(call: Call) -> Reply:
    """GET group/v2/channel: the caller's groups, the newest first, those created before `endTime`."""
    fields = await read(call)
    user = await user_key_of(call, fields)
    before, size = fields.integer("endTime"), _page_size(fields, _CHANNELS)
    groups = sorted(await _memberships(call, user), key=lambda row: (-row.group.created, -row.group.number))
    groups = [row for row in groups if before is None or row.group.created < before]
    # Groups of one millisecond stay on one page.
    last = groups[size - 1].group.created if len(groups) >= size else 0
    page = [row.group for row in groups if row.group.created >= last]
    rows = await group_objects(call, user, [group.number for group in page])
    return success(call, {"groupPxys": rows, **_last_fetch(page)})


async def all_groups(call: Call) -> Reply:
    """GET group/filter: every group of the application, for administrators; the newest first, those created before `endTime`."""
    require_administrator(call)
    fields = await read(call)
    before, size = fields.integer("endTime"), _page_size(fields, _FILTERED)
    cursor = f"{before:015d}:{0:010d}" if before is not None and 0 < before < 10**15 else ""
    groups: list[Group] = []
    for _ in range(_MAXIMUM_TURNS):
        page = await call.core.groups.page(call.tenant, limit=size, cursor=cursor)
        groups += [row.group for row in page.groups]
        cursor = page.cursor
        if not cursor or (len(groups) > size and groups[size - 1].created != groups[-1].created):
            break
    last = groups[size - 1].created if len(groups) >= size else 0
    shown = [group for group in groups if group.created >= last]
    rows = await group_objects(call, await caller_key(call, fields), [group.number for group in shown])
    answer = {"users": [], "groups": rows, "devices": [], **_last_fetch(shown), "lastFetchIndex": 0}
    return success(call, answer | {"totalUnreadCount": 0})


async def _joined(call: Call, wanted: Callable[[Group], bool] = lambda _: True) -> Sequence[GroupRow]:
    fields = await read(call)
    user = await user_key_of(call, fields)
    since = fields.integer("updatedAt") or 0
    numbers = [row.group.number for row in await _memberships(call, user) if wanted(row.group)]
    views = await call.core.groups.views(call.tenant, numbers, user, members=MEMBERS_SHOWN)
    return [group_object(call, view) for view in views if view is not None and view.changed >= since]


async def _memberships(call: Call, user: UserKey) -> list[Counted]:
    """The groups and the rooms of which a user is a member."""
    groups, rooms = await asyncio.gather(_all_joined(call, user, False), _all_joined(call, user, True))
    return [*groups, *rooms]


async def _all_joined(call: Call, user: UserKey, rooms: bool) -> list[Counted]:
    found: list[Counted] = []
    cursor = ""
    for _ in range(_MAXIMUM_TURNS):
        page: GroupPage = await call.core.groups.joined(call.tenant, user, rooms=rooms, limit=_AT_ONCE, cursor=cursor)
        found += page.groups
        cursor = page.cursor
        if not cursor:
            break
    return found


async def _view(call: Call, number: int | None, user: UserKey | None) -> GroupView | None:
    if number is None:
        return None
    (view,) = await call.core.groups.views(call.tenant, [number], user, members=MEMBERS_SHOWN)
    return view


async def _virtual(call: Call, number: int, user: UserKey | None) -> GroupRow:
    """The object around a topic of two users, for each of them."""
    topic = await call.core.topics.find(call.tenant, number)
    if topic is None or not isinstance(topic.parties, tuple):
        raise no_group()
    name = user.id if user is not None else None
    if not call.authenticated.administrator and name not in topic.parties:
        raise not_allowed()
    return virtual_object(topic, name, 0)


def _page_size(fields: Fields, default: int) -> int:
    return min(max(fields.integer("pageSize") or default, 1), _LONGEST_PAGE)


def _last_fetch(page: Sequence[Group]) -> dict[str, int]:
    """What brings the next page as `endTime`."""
    return {"lastFetchTime": page[-1].created} if page else {}
