"""The servers that the gateway is compared with, each a process of its own: `python -m tests.bench.servers KIND FD …`.

They listen on an inherited socket, with the garbage collector frozen as in a worker; those that the gateway is compared
with, with uvicorn's default settings but for the access log, which is off. The kinds: `echo` (no framework: JSON in, the same
JSON out), `starlette` (the same in Starlette), `empty` (Starlette, an empty answer to a GET), and `gateway`, the gateway's
application with one of its measures left out.
"""

import asyncio
import gc
import socket
import sys

import orjson
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.core import Core
from core.store.store import Store
from core.tokens import Tokens
from gateway import logs
from gateway.adapters_list import load_adapters
from gateway.app import create_app
from gateway.asgi import AsgiApplication, Receive, Scope, Send
from gateway.limits import Limits
from gateway.server import Server, public_config

SEND_PATH = "/bench/app/messages"
WITHOUT_FREEZE = "without-freeze"
WITHOUT_TOKENS = "without-tokens"


async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
    """JSON in, the same JSON out, and nothing else."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    content = orjson.dumps(orjson.loads(body))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def starlette_echo(request: Request) -> Response:
    """The same as a Starlette endpoint."""
    return Response(orjson.dumps(orjson.loads(await request.body())), media_type="application/json")


async def empty(_request: Request) -> Response:
    """Nothing."""
    return Response()


class ForgetfulTokens(Tokens):
    """Verifies every token anew."""

    def remember(self, *_: object) -> None:
        return


async def gateway(store_url: str, variant: str) -> AsgiApplication:
    """The gateway's application on a store."""
    logs.configure()
    core = Core(await Store.open(store_url))
    if variant == WITHOUT_TOKENS:
        core.tokens = ForgetfulTokens(core.clock)
    return create_app(core, load_adapters({}), Limits())


async def serve(kind: str, listener: socket.socket, arguments: list[str]) -> None:
    """Serve until the process is ended."""
    if kind == "gateway":
        config = public_config(await gateway(*arguments), Limits())
    else:
        routes = {
            "starlette": Route(SEND_PATH, starlette_echo, methods=["POST"]),
            "empty": Route("/", empty, methods=["GET"]),
        }
        app = echo if kind == "echo" else Starlette(routes=[routes[kind]])
        config = uvicorn.Config(app, http="httptools", lifespan="off", access_log=False, log_level="warning")
    if WITHOUT_FREEZE not in arguments:
        gc.collect()
        gc.freeze()
    server = Server(config) if kind == "gateway" else uvicorn.Server(config)
    await server.serve([listener])


def main() -> None:
    kind, number, *arguments = sys.argv[1:]
    listener = socket.socket(fileno=int(number))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(kind, listener, arguments))


if __name__ == "__main__":
    main()
