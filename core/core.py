"""The neutral core as one object: what adapters are given."""

from collections.abc import Mapping

from core.attributes import Attributes
from core.backup import Backup
from core.bin import Bin
from core.clock import Clock, SystemClock
from core.conversations import Conversations
from core.due import Due
from core.erase import Erase
from core.feeds import Feeds
from core.files import Files
from core.foreign import Foreign
from core.groups import Groups
from core.handles import Handles
from core.housekeeping import Housekeeping
from core.ids import Ids
from core.imports import Imports
from core.live import Live
from core.members import Members
from core.messages import Messages
from core.model import Tenant
from core.notices import Notices
from core.objects import Objects
from core.outbox import Outbox
from core.presence import Presences
from core.rates import Rates
from core.receipts import Receipts
from core.reclaim import Reclaim
from core.relations import Relations
from core.retention import Retention
from core.stations import Stations
from core.store.backfill import Backfill
from core.store.bin import BinStore
from core.store.changes import UserChanges
from core.store.dropping import Dropping
from core.store.due import DueStore
from core.store.erasures import ErasureStore
from core.store.feeds import FeedStore
from core.store.files import FileStore
from core.store.foreign import ForeignStore
from core.store.group_attributes import GroupAttributes
from core.store.group_lists import GroupLists
from core.store.group_people import GroupPeople
from core.store.groups import GroupStore
from core.store.inbox import Inbox
from core.store.log import Log
from core.store.outbox import OutboxStore
from core.store.presence import PresenceStore
from core.store.receipts import ReceiptStore
from core.store.relations import RelationStore
from core.store.retired import RetiredStore
from core.store.states import States
from core.store.stations import StationStore
from core.store.store import Store
from core.store.tenants import TenantStore
from core.store.topics import TopicStore
from core.store.users import UserStore
from core.tenants import Tenants
from core.threads import Threads
from core.tokens import Tokens
from core.topics import Topics
from core.translation import Losses, Translation
from core.users import Users


class Core:
    """All use cases over one store. `close` it before the store. Without `objects`, the bytes of files are kept in memory. With
    what each dialect `loses`, messages are refused of which that is anything."""

    def __init__(
        self,
        store: Store,
        clock: Clock | None = None,
        objects: Objects | None = None,
        loses: Mapping[str, Losses] | None = None,
    ) -> None:
        self.store = store
        self.clock = clock or SystemClock()
        log, users, topics, relations = Log(store), UserStore(store), TopicStore(store), RelationStore(store)
        groups, people = GroupStore(store), GroupPeople(store)
        foreign = ForeignStore(store)
        dropping = Dropping(store, foreign)
        due = DueStore(store)
        erasures = ErasureStore(store, due)
        tenants = TenantStore(store)
        self.tokens = Tokens(self.clock)
        changes = UserChanges(store, self.tokens)
        self.tenants = Tenants(tenants, changes, self.clock)
        self.users = Users(users, changes, self.clock)
        self.stations = Stations(StationStore(store), self.users, self.tokens, self.clock)
        self.presence = Presences(PresenceStore(store), self.clock)
        self.relations = Relations(relations, self.clock)
        self.groups = Groups(groups, GroupLists(store), log, dropping, self.clock)
        self.members = Members(groups, people, self.clock)
        self.notices = Notices(self.users)
        self.attributes = Attributes(GroupAttributes(store), people, self.clock)
        translation = Translation(loses or {})
        self.messages = Messages(log, self.clock, translation)
        self.bin = Bin(BinStore(store), self.clock)
        self.imports = Imports(Backfill(store), topics, translation, self.clock)
        self.topics = Topics(topics, log, self.clock)
        self.threads = Threads(store, log, self.clock)
        self.handles = Handles(Inbox(store), relations)
        self.conversations = Conversations(Inbox(store), States(store), dropping, log, self.clock)
        self.feeds = Feeds(FeedStore(store), log)
        self.receipts = Receipts(ReceiptStore(store))
        self.rates = Rates(store, self.clock)
        self.live = Live(store, self.tenants, self.clock)
        self.foreign = Foreign(foreign)
        files = FileStore(store)
        self.files = Files(files, objects or Objects(), self.tenants, self.clock)
        self.outbox = Outbox(OutboxStore(store), self.tenants)
        unrefused = Messages(log, self.clock, Translation({}))
        self.due = Due(due, unrefused, self.users, self.tenants, translation, self.clock)
        self.reclaim = Reclaim(RetiredStore(store), self.clock)
        self.retention = Retention(dropping, tenants, self.clock)
        self.erase = Erase(erasures, dropping, users, groups, topics, relations, files, self.tenants, self.clock)
        self.backup = Backup(store, tenants, erasures, self.clock)
        self.housekeeping = Housekeeping([self.due, self.reclaim, self.retention, self.erase, self.files])

    def ids(self, tenant: Tenant) -> Ids:
        """The id forms of a tenant."""
        return self.store.ids(tenant)

    async def close(self) -> None:
        """End all who listen to live events, and the connections for it."""
        await self.live.close()
