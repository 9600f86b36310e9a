"""The wire table."""

from functools import partial

from adapters.contract import Evidence, Route
from adapters.easemob import auth, groups, messages, users
from adapters.easemob.options import Options

_APP = "/{org}/{app}"


def routes(options: Options) -> tuple[Route, ...]:
    """All rows. `POST /users` looks at the token itself: whether it matters is a setting of the application."""
    send, register = partial(messages.send, options), partial(users.register, options)
    return (
        Route("POST", _APP + "/messages", send, "messages.send", Evidence.SEED),
        Route("POST", _APP + "/token", auth.issue_token, "tokens.issue", Evidence.DOCUMENTATION, authentication=False),
        Route("POST", _APP + "/users", register, "users.register", Evidence.RECORDED, authentication=False),
        Route("GET", _APP + "/users/{user}", users.get, "users.get", Evidence.RECORDED),
        Route("POST", _APP + "/chatgroups", groups.create, "groups.create", Evidence.RECORDED),
    )
