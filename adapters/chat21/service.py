"""What the server says of itself and of a token."""

from adapters.chat21.auth import verified_claims
from adapters.chat21.wire import json_page, text_page
from adapters.contract import Call, Reply

# Fixed in the vendor's code, whatever its version; some monitors compare them.
_GREETING = "Chat21 Http Server v. 0.1.2"
_VERSION = {"v": "0.2.34.2"}


async def greeting(call: Call) -> Reply:
    """GET /"""
    return text_page(call.request, _GREETING)


async def information(call: Call) -> Reply:
    """GET /api/{app}/getInfo"""
    return json_page(call.request, _VERSION)


async def verify(call: Call) -> Reply:
    """GET /verify: the token's claims."""
    return json_page(call.request, verified_claims(call))
