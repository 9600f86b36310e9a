"""The wire table of Easemob's REST API."""

from adapters.contract import Evidence, Route
from adapters.easemob import auth, groups
from adapters.easemob.messages import Messages
from adapters.easemob.options import Options
from adapters.easemob.users import Users


def wire_table(options: Options) -> tuple[Route, ...]:
    """All rows. `POST /users` looks at the token itself: whether it matters is a setting of the application."""
    messages = Messages(options)
    users = Users(options)
    app = "/{org}/{app}"
    return (
        Route("POST", f"{app}/messages", messages.send, "messages.send", Evidence.SEED),
        Route("POST", f"{app}/token", auth.issue_token, "tokens.issue", Evidence.DOCUMENTATION, authentication=False),
        Route("POST", f"{app}/users", users.register, "users.register", Evidence.RECORDED, authentication=False),
        Route("GET", f"{app}/users/{{user}}", users.get, "users.get", Evidence.RECORDED),
        Route("POST", f"{app}/chatgroups", groups.create, "groups.create", Evidence.RECORDED),
    )
