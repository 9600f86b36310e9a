"""The wire table of messages: sending, lists, receipts, deletes, sync."""

from collections.abc import Awaitable, Callable
from functools import partial

from adapters.applozic import broadcasts, deletes, lists, messages, receipts, sending, sync
from adapters.applozic.lines import Line, rows
from adapters.applozic.options import Options
from adapters.contract import Call, Evidence, Handler, Reply, Route

_SEED, _DOCUMENTED, _CLIENT = Evidence.SEED, Evidence.DOCUMENTATION, Evidence.CLIENT


def routes(options: Options) -> tuple[Route, ...]:
    """All rows of messages."""

    def opened(handler: Callable[[Options, Call], Awaitable[Reply]]) -> Handler:
        return partial(handler, options)

    lines: tuple[Line, ...] = (
        ("POST", "message/v2/send", opened(broadcasts.send), "messages.send", _SEED),
        ("POST", "message/send", opened(sending.send), "messages.send", _SEED),
        ("POST", "message/v2/sendall", opened(broadcasts.broadcast), "messages.broadcast", _SEED),
        ("POST", "message/sendall", opened(broadcasts.broadcast_in_words), "messages.broadcast", _CLIENT),
        ("POST", "message/dispatch", opened(sending.dispatch), "messages.import", _DOCUMENTED),
        ("GET", "message/v2/list", lists.list_both, "messages.list", _SEED),
        ("GET", "message/list", lists.list_bare, "messages.list", _CLIENT),
        ("GET", "message/sync", sync.sync, "messages.sync", _CLIENT),
        ("GET", "message/detail", messages.detail, "messages.get", _CLIENT),
        ("POST", "message/update/metadata", messages.update_metadata, "messages.edit", _CLIENT),
        ("GET", "message/info", receipts.info, "receipts.list", _SEED),
        ("GET", "message/delivered", receipts.delivered, "receipts.delivered", _CLIENT),
        ("GET", "message/read", receipts.read, "receipts.read", _CLIENT),
        ("GET", "message/read/conversation", receipts.read_conversation, "conversations.read", _CLIENT),
        ("GET", "message/delete", deletes.delete, "messages.delete", _SEED),
        ("GET", "message/v2/delete", deletes.delete_for_all, "messages.delete", _CLIENT),
        ("GET", "message/delete/conversation", deletes.delete_conversation, "conversations.delete", _SEED),
        ("GET", "message/delete/all", deletes.delete_all, "conversations.delete_all", _SEED),
        ("POST", "user/messages/delete", deletes.delete_older, "messages.delete_older", _SEED),
        ("POST", "message/delete", deletes.delete_older, "messages.delete_older", _CLIENT),
    )
    return rows(lines)
