"""The wire table of groups and rooms, which have most of it in common."""

from adapters.contract import Evidence, Handler, Route
from adapters.easemob import group_attributes, group_lists, groups, joining, members, moderation, super_admins

_APP = "/{org}/{app}"
_DOCUMENTED, _RECORDED, _CLIENT, _GUESS = Evidence.DOCUMENTATION, Evidence.RECORDED, Evidence.CLIENT, Evidence.GUESS

Line = tuple[str, str, Handler, str, Evidence]

_SHARED: tuple[Line, ...] = (
    ("GET", "", group_lists.page, "list", _RECORDED),
    ("GET", "/{group}", group_lists.detail, "get", _RECORDED),
    ("PUT", "/{group}", groups.change, "update", _RECORDED),
    ("DELETE", "/{group}", groups.delete, "delete", _RECORDED),
    ("GET", "/{group}/announcement", groups.announcement, "announcement", _RECORDED),
    ("POST", "/{group}/announcement", groups.announce, "announce", _RECORDED),
    ("GET", "/{group}/users", members.page, "members.list", _RECORDED),
    ("POST", "/{group}/users", members.add_many, "members.add_many", _RECORDED),
    ("POST", "/{group}/users/{user}", members.add, "members.add", _RECORDED),
    ("DELETE", "/{group}/users/{users}", members.remove, "members.remove", _RECORDED),
    ("GET", "/{group}/admin", members.admins, "admins", _RECORDED),
    ("POST", "/{group}/admin", members.make_admin, "add_admin", _RECORDED),
    ("DELETE", "/{group}/admin/{user}", members.unmake_admin, "remove_admin", _RECORDED),
    ("GET", "/{group}/blocks/users", moderation.blocks, "blocked", _RECORDED),
    ("POST", "/{group}/blocks/users", moderation.block_many, "block_many", _RECORDED),
    ("POST", "/{group}/blocks/users/{users}", moderation.block, "block", _RECORDED),
    ("DELETE", "/{group}/blocks/users/{users}", moderation.unblock, "unblock", _RECORDED),
    ("GET", "/{group}/white/users", moderation.white_list, "allowed", _RECORDED),
    ("POST", "/{group}/white/users", moderation.allow_many, "allow_many", _RECORDED),
    ("POST", "/{group}/white/users/{users}", moderation.allow, "allow", _RECORDED),
    ("DELETE", "/{group}/white/users/{users}", moderation.disallow, "disallow", _RECORDED),
    ("GET", "/{group}/mute", moderation.mutes, "muted", _RECORDED),
    ("POST", "/{group}/mute", moderation.mute, "mute_members", _RECORDED),
    ("DELETE", "/{group}/mute/{users}", moderation.unmute, "unmute_members", _RECORDED),
    ("POST", "/{group}/ban", moderation.ban, "mute", _RECORDED),
    ("PUT", "/{group}/ban", moderation.ban, "mute", _RECORDED),
    ("DELETE", "/{group}/ban", moderation.unban, "unmute", _RECORDED),
)
_OF_GROUPS: tuple[Line, ...] = (
    ("POST", "", groups.create, "create", _RECORDED),
    ("POST", "/{group}/disable", groups.disable, "disable", _CLIENT),
    ("POST", "/{group}/enable", groups.enable, "enable", _CLIENT),
    ("GET", "/user/{user}", group_lists.joined_page, "joined", _DOCUMENTED),
    ("GET", "/{group}/user/{user}/is_joined", group_lists.is_joined, "members.get", _CLIENT),
    ("GET", "/{group}/roles", members.roles, "roles", _RECORDED),
    ("POST", "/{group}/invite", joining.invite, "invite", _RECORDED),
    ("POST", "/{group}/apply", joining.apply, "apply", _CLIENT),
    ("POST", "/{group}/apply2", joining.apply, "apply", _GUESS),
    ("POST", "/{group}/apply_verify", joining.verify_request, "verify_request", _RECORDED),
    ("POST", "/{group}/invite_verify", joining.verify_invitation, "verify_invitation", _RECORDED),
    ("DELETE", "/{group}/quit", joining.leave, "leave", _CLIENT),
    ("POST", "/{group}/shield", joining.shield, "shield", _RECORDED),
    ("DELETE", "/{group}/shield", joining.unshield, "unshield", _RECORDED),
)
_OF_ROOMS: tuple[Line, ...] = (
    ("POST", "", groups.create_room, "create", _RECORDED),
    ("GET", "/super_admin", super_admins.page, "super_admins", _RECORDED),
    ("POST", "/super_admin", super_admins.add, "add_super_admin", _RECORDED),
    ("DELETE", "/super_admin/{user}", super_admins.remove, "remove_super_admin", _RECORDED),
    # As of groups; the vendor's clients join and leave rooms over their own connection.
    ("POST", "/{group}/apply", joining.apply, "apply", _GUESS),
    ("DELETE", "/{group}/quit", joining.leave, "leave", _GUESS),
    ("POST", "/{group}/shield", joining.shield, "shield", _GUESS),
    ("DELETE", "/{group}/shield", joining.unshield, "unshield", _GUESS),
)

_GROUP_METADATA = "/metadata/chatgroup/{group}"
_ROOM_METADATA = _APP + "/metadata/chatroom/{group}"
_OTHERS = (
    Route("GET", _APP + "/publicchatgroups", group_lists.public, "groups.public", _RECORDED),
    Route("GET", _APP + "/users/{user}/joined_chatgroups", group_lists.joined, "groups.joined", _RECORDED),
    Route("POST", _APP + "/users/{user}/joined_chatgroups", joining.join_many, "groups.join_many", _RECORDED),
    Route("GET", _APP + "/users/{user}/joined_chatrooms", group_lists.joined, "rooms.joined", _RECORDED),
    # The vendor's browser client has paths of its own.
    *(
        Route(method, _APP + path, handler, operation, _CLIENT)
        for method, path, handler, operation in (
            ("PUT", _GROUP_METADATA + "/user/{user}", group_attributes.change_own, "groups.set_member_attributes"),
            ("GET", _GROUP_METADATA + "/user/{user}", group_attributes.own, "groups.member_attributes"),
            ("POST", _GROUP_METADATA + "/get", group_attributes.own_of_many, "groups.attributes_of_members"),
            (
                "PUT",
                f"/sdk{_GROUP_METADATA}/user/{{user}}",
                group_attributes.change_own,
                "groups.set_member_attributes",
            ),
            ("POST", f"/sdk{_GROUP_METADATA}/get", group_attributes.own_of_many, "groups.attributes_of_members"),
        )
    ),
    Route("POST", _ROOM_METADATA, group_attributes.find, "rooms.attributes", _CLIENT),
    *(
        Route(method, _ROOM_METADATA + "/user/{user}" + forced, handler, operation, _CLIENT)
        for method, handler, operation in (
            ("PUT", group_attributes.change, "rooms.set_attributes"),
            ("DELETE", group_attributes.delete, "rooms.delete_attributes"),
        )
        for forced in ("", "/forced")
    ),
)

ROUTES: tuple[Route, ...] = (
    *(Route(m, _APP + "/chatgroups" + p, h, "groups." + o, e) for m, p, h, o, e in (*_SHARED, *_OF_GROUPS)),
    *(Route(m, _APP + "/chatrooms" + p, h, "rooms." + o, e) for m, p, h, o, e in (*_SHARED, *_OF_ROOMS)),
    *_OTHERS,
)
