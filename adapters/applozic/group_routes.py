"""The wire table of groups, topics and files."""

from adapters.applozic import files, friend_lists, group_lists, groups, members, topics
from adapters.applozic.options import Options
from adapters.contract import Evidence, Handler, Route

_WS = "/rest/ws/"
_SEED, _DOCUMENTED, _RECORDED = Evidence.SEED, Evidence.DOCUMENTATION, Evidence.RECORDED
_CLIENT, _GUESS = Evidence.CLIENT, Evidence.GUESS

Line = tuple[str, str, Handler, str, Evidence]
"""The methods, the path behind `/rest/ws/`, the handler, what happens, how sure we are."""

_GROUPS: tuple[Line, ...] = (
    ("POST", "group/v2/create", groups.create, "create", _DOCUMENTED),
    ("POST", "group/v2.1/create", groups.create, "create", _CLIENT),
    ("POST", "group/create", groups.create, "create", _CLIENT),
    ("POST", "group/v2/create/multiple", groups.create_many, "create_many", _DOCUMENTED),
    ("POST", "group/create/multiple", groups.create_many, "create_many", _DOCUMENTED),
    ("GET POST", "group/update", groups.change, "update", _CLIENT),
    ("GET POST", "group/change/name", groups.change, "update", _CLIENT),
    ("GET POST", "group/delete", groups.delete, "delete", _CLIENT),
    ("GET POST", "group/multiple/delete", groups.delete_many, "delete_many", _CLIENT),
    ("GET", "group/v2/info", group_lists.info, "get", _CLIENT),
    ("GET", "group/info", group_lists.info, "get", _CLIENT),
    ("GET", "group/details", group_lists.details, "get_many", _CLIENT),
    ("GET", "group/list", group_lists.joined, "joined", _CLIENT),
    ("GET", "group/v2/list", group_lists.joined, "joined", _CLIENT),
    ("GET", "group/v3/list", group_lists.joined, "joined", _CLIENT),
    ("GET", "group/v5/list", group_lists.joined_object, "joined", _CLIENT),
    ("GET", "group/v2/channel", group_lists.channels, "joined", _CLIENT),
    ("GET", "group/filter", group_lists.all_groups, "list", _DOCUMENTED),
    ("GET POST", "group/add/member", members.add, "members.add", _RECORDED),
    ("GET POST", "group/remove/member", members.remove, "members.remove", _RECORDED),
    ("GET POST", "group/left", members.leave, "members.leave", _CLIENT),
    ("GET POST", "group/add/user", members.add_to_groups, "members.add_many", _CLIENT),
    ("GET POST", "group/remove/user", members.remove_from_groups, "members.remove_many", _CLIENT),
    ("POST", "group/add/users", members.add_many, "members.add_many", _DOCUMENTED),
    ("POST", "group/remove/users", members.remove_many, "members.remove_many", _DOCUMENTED),
    ("GET", "user/remove/group/all", members.leave_all, "members.leave_all", _DOCUMENTED),
    ("POST", "group/user/update", members.mute, "mute", _CLIENT),
    ("GET", "group/check/user", members.is_member, "members.get", _CLIENT),
    ("GET", "group/user/count", members.counts, "members.count", _CLIENT),
    ("POST", "group/{name}/add", friend_lists.add, "friends.add", _CLIENT),
    ("POST", "group/{name}/add/members", friend_lists.add_members, "friends.add", _CLIENT),
    ("GET", "group/{name}/get", friend_lists.get, "friends.list", _CLIENT),
    ("GET POST", "group/{name}/remove", friend_lists.remove, "friends.remove", _CLIENT),
    ("GET", "group/{name}/delete", friend_lists.delete, "friends.delete", _CLIENT),
    ("GET", "group/favourite/list/get", group_lists.favourites, "friends.lists", _GUESS),
)
_TOPICS: tuple[Line, ...] = (
    ("POST", "conversation/v2/id", topics.find_or_make, "place", _SEED),
    ("POST", "conversation/id", topics.find_or_make, "place", _CLIENT),
    ("GET POST", "conversation/close", topics.close, "close", _SEED),
    ("GET POST", "conversation/closeall", topics.close_all, "close", _SEED),
    ("GET", "conversation/topicId", topics.get, "get", _CLIENT),
    ("GET", "conversation/get", topics.page, "list", _CLIENT),
)
_FILES: tuple[Line, ...] = (
    ("GET", "aws/file/url", files.upload_address, "place", _CLIENT),
    ("POST", "upload/image", files.upload_file, "upload", _CLIENT),
    ("POST", "upload/file", files.upload_file, "upload", _CLIENT),
    ("GET", "file/url", files.address, "get", _CLIENT),
    ("POST", "aws/file/delete", files.delete, "delete", _CLIENT),
)


def routes(options: Options) -> tuple[Route, ...]:  # noqa: ARG001
    """All rows of groups, topics and files. A file is downloaded without credentials, and what may be uploaded to says who may."""
    return (
        *_rows(_GROUPS, "groups"),
        *_rows(_TOPICS, "topics"),
        *_rows(_FILES, "files"),
        Route("POST", files.UPLOAD, files.upload, "files.upload_to_address", _CLIENT, authentication=False),
        Route("GET", files.BASE + "{key}", files.download, "files.download", _CLIENT, authentication=False),
        Route("POST", "/files/upload", files.upload_anywhere, "files.upload", _CLIENT),
        Route("POST", "/files/v2/upload", files.upload_anywhere, "files.upload", _CLIENT),
        Route("GET", "/files/url", files.address, "files.get", _CLIENT),
        Route("GET", "/files/get/{key}", files.download, "files.download", _CLIENT, authentication=False),
    )


def _rows(lines: tuple[Line, ...], what: str) -> list[Route]:
    return [
        Route(method, _WS + path, handler, f"{what}.{operation}", evidence)
        for methods, path, handler, operation, evidence in lines
        for method in methods.split()
    ]
