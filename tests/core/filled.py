"""A tenant with something of everything that the core can store."""

from contextlib import closing

import msgspec

from core.conversations import Target
from core.core import Core
from core.ids import Parties
from core.imports import Import
from core.membership import Waiting
from core.model import Audience, Box, Event, Message, Signal, Tenant, UserKey
from tests.core.support import text


async def fill(core: Core, tenant: Tenant) -> None:
    """Users, groups, a room, and conversations with a row of every kind."""
    names = ["ada", "bob", "Zoë", *(f"user {number}" for number in range(45))]
    keys = await core.users.keys(tenant, names)
    ada, bob, zoe = keys[:3]
    for name in names[:20]:
        await core.users.register(tenant, name)
    await core.users.register(tenant, "with password", password="secret")
    await _direct(core, tenant, ada, bob)
    broadcast = await core.messages.send_direct(tenant, ada, keys, text("ada"), "client:broadcast")
    await core.groups.place(tenant, "plain", "only reserved")
    small = await core.groups.create(tenant, name="small", owner=ada, members=[ada, bob, zoe], dialect="plain")
    large = await core.groups.create(
        tenant, name="large", owner=ada, members=keys[:40], dialect="plain", alias="lobby", attributes={"a": 1}
    )
    room = await core.groups.create(tenant, name="room", owner=ada, members=keys[:4], dialect="plain", room=True)
    for group in (small.number, large.number, room.number):
        await _group(core, tenant, group, keys)
        await _people(core, tenant, group, keys)
    deleted = await core.groups.create(tenant, name="deleted", owner=ada, members=keys[:5], dialect="plain")
    await _people(core, tenant, deleted.number, keys)
    await core.groups.delete(tenant, deleted.number)
    await _history(core, tenant, ("ada", "bob"), keys)
    await _history(core, tenant, large.number, keys)
    await _history(core, tenant, large.number + 100, keys)
    await _files(core, tenant, ada)
    await core.relations.add(tenant, ada, [bob, zoe])
    await core.relations.request(tenant, ada, keys[3])
    await core.relations.block(tenant, bob, [ada])
    await core.relations.remark(tenant, ada, bob, "a friend")
    await core.presence.set(tenant, ada, "phone", 60_000, "busy")
    await core.bin.put(tenant, ada, [receipt.id for receipt in broadcast])
    at = core.clock.now() + 1_000_000
    await core.due.send_direct(tenant, ada, [bob], text("ada"), "client:later", at)
    for target, users in (("bob", [ada]), ("ada", [bob]), (small.number, [bob, zoe]), (large.number, [bob, keys[5]])):
        for user in users:
            await _states(core, tenant, user, target)
    await core.messages.send_direct(tenant, bob, [ada], text("bob"), "client:last")
    await core.messages.send_group(tenant, bob, [small.number, large.number], text("bob"), "client:last")


async def _files(core: Core, tenant: Tenant, owner: UserKey) -> None:
    for number in range(20):
        lifetime_ms = 1_000_000_000 if number % 2 else None
        with closing(core.files.spool()) as upload:
            await upload.write(b"content")
            await core.files.put(tenant, upload, owner=owner if number % 3 else None, lifetime_ms=lifetime_ms)


async def _states(core: Core, tenant: Tenant, user: UserKey, target: Target) -> None:
    await core.conversations.delivered(tenant, user, target)
    await core.conversations.read(tenant, user, target, 4)
    await core.conversations.mark(tenant, user, target, favourite=True, colour="red")
    await core.conversations.put(tenant, user, target, Box.ARCHIVED)
    if user.id == "Zoë":
        await core.conversations.clear(tenant, user, target)


async def _direct(core: Core, tenant: Tenant, ada: UserKey, bob: UserKey) -> None:
    receipts = []
    for number in range(30):
        sender, other = (ada, bob) if number % 3 else (bob, ada)
        receipts += await core.messages.send_direct(tenant, sender, [other], text(sender.id), f"client:{number}")
    for message in (Message("ada", Signal("wave"), "plain"), Message("ada", Event("renamed"), "plain")):
        await core.messages.send_direct(tenant, ada, [bob], message, f"request {message.content}")
    await core.messages.recall(tenant, receipts[3].id)
    await core.messages.edit(tenant, receipts[4].id, lambda message: msgspec.structs.replace(message, sender_name="A"))
    await core.messages.hide(tenant, bob, [receipts[5].id, receipts[20].id])


async def _group(core: Core, tenant: Tenant, number: int, keys: list[UserKey]) -> None:
    ada, bob, zoe, stranger = *keys[:3], keys[-1]
    receipts = []
    for count, sender in enumerate([ada, bob, zoe, ada, bob, stranger] * 3):
        receipts += await core.messages.send_group(tenant, sender, [number], text(sender.id), f"client:{count}")
    for audience in (
        Audience(to=(bob, keys[-2])),
        Audience(without=(zoe, keys[-3])),
        Audience(station="phone"),
        Audience(online_only=True),
    ):
        await core.messages.send_group(tenant, ada, [number], text("ada"), f"request {audience}", audience)
    await core.messages.recall(tenant, receipts[2].id)
    await core.messages.recall(tenant, receipts[5].id)
    await core.messages.hide(tenant, bob, [receipts[0].id, receipts[7].id])
    await core.groups.remove(tenant, number, [zoe])
    await core.groups.add(tenant, number, [keys[41]])


async def fill_group(core: Core, tenant: Tenant, number: int, keys: list[UserKey]) -> None:
    """Messages, imports, lists of people, attributes and what users have of it, in a group of the first of these."""
    await _group(core, tenant, number, keys)
    await _people(core, tenant, number, keys)
    await _history(core, tenant, number, keys)
    for key in (keys[0], keys[1], keys[-1]):
        await _states(core, tenant, key, number)


async def _people(core: Core, tenant: Tenant, number: int, keys: list[UserKey]) -> None:
    """Every list of a group, and attributes; some of people who are no members any more."""
    bob, stranger, asked = keys[1], keys[-1], keys[-2]
    late = await core.users.keys(tenant, ["late", "blocked", "muted"])
    await core.groups.add(tenant, number, late)
    await core.members.make_admin(tenant, number, bob)
    await core.members.mute(tenant, number, [late[0], late[2]], -1)
    await core.members.allow(tenant, number, [bob, late[0]])
    await core.attributes.set_own(tenant, number, bob, {"nick": "Bobby"})
    await core.attributes.set(tenant, number, late[0], {"colour": "red"})
    await core.attributes.set(tenant, number, bob, {"goes": "with Bob"}, leaves=True)
    await core.members.ask(tenant, number, stranger, Waiting.REQUEST, "please")
    await core.members.ask(tenant, number, asked, Waiting.INVITATION)
    await core.groups.remove(tenant, number, [late[0], late[2]])
    await core.members.block(tenant, number, [late[1]])
    await core.groups.update(tenant, number, announcement="Welcome", muted=True, maximum_members=1_000)


async def _history(core: Core, tenant: Tenant, parties: Parties, keys: list[UserKey]) -> None:
    """Imports and topics."""
    ada, bob, *_, stranger = keys
    topic, _ = await core.topics.create(tenant, parties, creator=ada, dialect="plain", alias="about")
    about = msgspec.structs.replace(text("ada"), topic=topic.number)
    now = core.clock.now()
    imports = [Import(str(number), now - number * 7_200_000, ada, about) for number in range(40)]
    if isinstance(parties, int):
        imports += [Import("stranger", now, stranger, text(stranger.id))]
        receipts = await core.imports.group(tenant, parties, imports)
        await core.messages.send_group(tenant, ada, [parties], about, "client:about")
    else:
        receipts = await core.imports.direct(tenant, ada, bob, imports)
        await core.messages.send_direct(tenant, ada, [bob], about, "client:about")
    await core.messages.recall(tenant, receipts[3].id)
    await core.messages.hide(tenant, bob, [receipts[4].id])
    await core.foreign.link(tenant, "plain", f"foreign {parties}", receipts[5].id)
