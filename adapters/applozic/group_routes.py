"""The wire table of groups, topics and files."""

from adapters.applozic import files, friend_lists, group_lists, groups, members, topics
from adapters.applozic.lines import Line, rows
from adapters.contract import Evidence, Route

_SEED, _DOCUMENTED, _RECORDED = Evidence.SEED, Evidence.DOCUMENTATION, Evidence.RECORDED
_CLIENT, _GUESS = Evidence.CLIENT, Evidence.GUESS

_GROUPS: tuple[Line, ...] = (
    ("POST", "group/v2/create", groups.create, "groups.create", _DOCUMENTED),
    ("POST", "group/v2.1/create", groups.create, "groups.create", _CLIENT),
    ("POST", "group/create", groups.create, "groups.create", _CLIENT),
    ("POST", "group/v2/create/multiple", groups.create_many, "groups.create_many", _DOCUMENTED),
    ("POST", "group/create/multiple", groups.create_many, "groups.create_many", _DOCUMENTED),
    ("GET POST", "group/update", groups.change, "groups.update", _CLIENT),
    ("GET POST", "group/change/name", groups.change, "groups.update", _CLIENT),
    ("GET POST", "group/delete", groups.delete, "groups.delete", _CLIENT),
    ("GET POST", "group/multiple/delete", groups.delete_many, "groups.delete_many", _CLIENT),
    ("GET", "group/v2/info", group_lists.info, "groups.get", _CLIENT),
    ("GET", "group/info", group_lists.info, "groups.get", _CLIENT),
    ("GET", "group/details", group_lists.details, "groups.get_many", _CLIENT),
    ("GET", "group/list", group_lists.joined, "groups.joined", _CLIENT),
    ("GET", "group/v2/list", group_lists.joined, "groups.joined", _CLIENT),
    ("GET", "group/v3/list", group_lists.joined, "groups.joined", _CLIENT),
    ("GET", "group/v5/list", group_lists.joined_object, "groups.joined", _CLIENT),
    ("GET", "group/v2/channel", group_lists.channels, "groups.joined", _CLIENT),
    ("GET", "group/filter", group_lists.all_groups, "groups.list", _DOCUMENTED),
    ("GET POST", "group/add/member", members.add, "groups.members.add", _RECORDED),
    ("GET POST", "group/remove/member", members.remove, "groups.members.remove", _RECORDED),
    ("GET POST", "group/left", members.leave, "groups.leave", _CLIENT),
    ("GET POST", "group/add/user", members.add_to_groups, "groups.members.add_many", _CLIENT),
    ("GET POST", "group/remove/user", members.remove_from_groups, "groups.members.remove_many", _CLIENT),
    ("POST", "group/add/users", members.add_many, "groups.members.add_many", _DOCUMENTED),
    ("POST", "group/remove/users", members.remove_many, "groups.members.remove_many", _DOCUMENTED),
    ("GET", "user/remove/group/all", members.leave_all, "groups.leave_all", _DOCUMENTED),
    ("POST", "group/user/update", members.mute, "groups.mute", _CLIENT),
    ("GET", "group/check/user", members.is_member, "groups.members.get", _CLIENT),
    ("GET", "group/user/count", members.counts, "groups.members.count", _CLIENT),
    ("POST", "group/{name}/add", friend_lists.add, "groups.friends.add", _CLIENT),
    ("POST", "group/{name}/add/members", friend_lists.add_members, "groups.friends.add", _CLIENT),
    ("GET", "group/{name}/get", friend_lists.get, "groups.friends.list", _CLIENT),
    ("GET POST", "group/{name}/remove", friend_lists.remove, "groups.friends.remove", _CLIENT),
    ("GET", "group/{name}/delete", friend_lists.delete, "groups.friends.delete", _CLIENT),
    ("GET", "group/favourite/list/get", group_lists.favourites, "groups.friends.lists", _GUESS),
)
_TOPICS: tuple[Line, ...] = (
    ("POST", "conversation/v2/id", topics.find_or_make, "topics.place", _SEED),
    ("POST", "conversation/id", topics.find_or_make, "topics.place", _CLIENT),
    ("GET POST", "conversation/close", topics.close, "topics.close", _SEED),
    ("GET POST", "conversation/closeall", topics.close_all, "topics.close", _SEED),
    ("GET", "conversation/topicId", topics.get, "topics.get", _CLIENT),
    ("GET", "conversation/get", topics.page, "topics.list", _CLIENT),
)
_FILES: tuple[Line, ...] = (
    ("GET", "aws/file/url", files.upload_address, "files.place", _CLIENT),
    ("POST", "upload/image", files.upload_file, "files.upload", _CLIENT),
    ("POST", "upload/file", files.upload_file, "files.upload", _CLIENT),
    ("GET", "file/url", files.address, "files.get", _CLIENT),
    ("POST", "aws/file/delete", files.delete, "files.delete", _CLIENT),
)


def routes() -> tuple[Route, ...]:
    """All rows of groups, topics and files. A file is downloaded without credentials, and what may be uploaded to says who may."""
    return (
        *rows((*_GROUPS, *_TOPICS, *_FILES)),
        Route("POST", files.UPLOAD, files.upload, "files.upload_to_address", _CLIENT, authentication=False),
        Route("GET", files.BASE + "{key}", files.download, "files.download", _CLIENT, authentication=False),
        Route("POST", "/files/upload", files.upload_anywhere, "files.upload", _CLIENT),
        Route("POST", "/files/v2/upload", files.upload_anywhere, "files.upload", _CLIENT),
        Route("GET", "/files/url", files.address, "files.get", _CLIENT),
        Route("GET", "/files/get/{key}", files.download, "files.download", _CLIENT, authentication=False),
    )
