"""Who asks to join, or is asked to."""

from core.clock import ManualClock
from core.core import Core
from core.errors import Kind
from core.groups import Visibility
from core.membership import Applicant, Waiting
from core.model import Group, Tenant, UserKey
from tests.core.groups.support import refused, seen, send
from tests.core.support import START

Users = list[UserKey]


async def test_who_waits_is_let_in_or_not(
    core: Core, clock: ManualClock, tenant: Tenant, users: Users, group: Group
) -> None:
    ada, _, _, zoe = users
    dan = await core.users.key(tenant, "dan")
    await send(core, tenant, ada, group.number)
    await core.members.ask(tenant, group.number, zoe, Waiting.REQUEST, "please ü")
    clock.move(5)
    await core.members.ask(tenant, group.number, dan, Waiting.INVITATION)
    await core.members.ask(tenant, group.number, zoe, Waiting.REQUEST, "pretty please")
    waiting = [
        Applicant(zoe, START, Waiting.REQUEST, "pretty please"),
        Applicant(dan, START + 5, Waiting.INVITATION, ""),
    ]
    assert await core.members.waiting(tenant, group.number) == waiting
    assert (await core.members.standing(tenant, group.number, zoe)).member is None
    accept = core.members.accept
    await refused(accept(tenant, group.number, zoe, Waiting.INVITATION), Kind.NOT_FOUND, "pending")
    for _ in range(2):
        assert await accept(
            tenant, group.number, zoe, Waiting.REQUEST, sees=Visibility.EVERYTHING, reference="client:1"
        )
    assert await seen(core, tenant, zoe, group.number) == [1]
    assert await core.members.waiting(tenant, group.number) == waiting[1:]
    assert await core.members.decline(tenant, group.number, [dan, zoe]) == [True, False]
    await refused(accept(tenant, group.number, dan, Waiting.INVITATION), Kind.NOT_FOUND, "pending")
    assert not await accept(tenant, group.number, zoe, Waiting.REQUEST)


async def test_who_need_not_or_must_not_wait(core: Core, tenant: Tenant, users: Users, group: Group) -> None:
    _, bob, _, zoe = users
    ask = core.members.ask
    await refused(ask(tenant, group.number, bob, Waiting.REQUEST), Kind.CONFLICT, "member")
    await core.members.block(tenant, group.number, [bob])
    await refused(ask(tenant, group.number, bob, Waiting.INVITATION), Kind.FORBIDDEN, "blocked")
    await refused(ask(tenant, 4711, bob, Waiting.REQUEST), Kind.NOT_FOUND, "group")
    # Whoever is added anyway waits no more.
    await ask(tenant, group.number, zoe, Waiting.REQUEST)
    await core.groups.add(tenant, group.number, [zoe])
    assert await core.members.waiting(tenant, group.number) == []
