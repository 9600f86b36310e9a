"""How the caller addressed us, and from where."""

import re
from collections.abc import MutableMapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from gateway.headers import Headers

_HOST = re.compile(rb"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_SCHEMES = {b"http": "http", b"https": "https"}
_MAXIMUM_REMEMBERED = 1024


class Addresses:
    """Reads the address of a request; forwarded headers count only when a listed proxy sends them."""

    __slots__ = ("_hosts", "_networks", "_trusted")

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._networks = [ip_network(network, strict=False) for network in trusted_proxies]
        self._hosts: dict[bytes, str] = {}
        self._trusted: dict[str, bool] = {}

    def read(self, scope: MutableMapping[str, Any], headers: Headers) -> tuple[str, str, str]:
        """Scheme, host with port, and the client's address (empty for a Unix socket). The host is empty when what the
        caller sent can't be one."""
        scheme = scope["scheme"]
        client = scope["client"][0] if scope.get("client") else ""
        host = headers.raw.get(b"host") or _own_address(scope)
        if self._networks and self._trusts(client):
            host = _first(headers.raw.get(b"x-forwarded-host")) or host
            scheme = _SCHEMES.get(_first(headers.raw.get(b"x-forwarded-proto")).lower(), scheme)
            client = self._original(headers.get("x-forwarded-for", ""), client)
        return scheme, self._hosts.get(host) or self._checked(host), client

    def _checked(self, host: bytes) -> str:
        if _HOST.fullmatch(host) is None:
            return ""
        try:  # adapters take it apart
            _ = urlsplit(f"//{host.decode('ascii')}").port
        except ValueError:  # no IPv6 address, or no port
            return ""
        if len(self._hosts) >= _MAXIMUM_REMEMBERED:
            self._hosts.clear()
        text = self._hosts[host] = host.decode("ascii")
        return text

    def _trusts(self, client: str) -> bool:
        known = self._trusted.get(client)
        if known is None:
            if len(self._trusted) >= _MAXIMUM_REMEMBERED:
                self._trusted.clear()
            known = self._trusted[client] = self._is_listed(client)
        return known

    def _is_listed(self, client: str) -> bool:
        try:
            address = ip_address(client)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def _original(self, forwarded: str, proxy: str) -> str:
        """The last address that no listed proxy has: what stands left of it, the caller may have made up."""
        client = proxy
        for part in reversed(forwarded.split(",")):
            address = part.strip()
            try:
                ip_address(address)
            except ValueError:
                break
            client = address
            if not self._trusts(address):
                break
        return client


def _first(value: bytes | None) -> bytes:
    """The first of several values: what the proxy nearest to the caller wrote."""
    return value.split(b",", 1)[0].strip() if value else b""


def _own_address(scope: MutableMapping[str, Any]) -> bytes:
    """For old clients that send no Host: the address they reached."""
    host, port = scope.get("server") or ("localhost", None)
    host = f"[{host}]" if ":" in host else host
    return (f"{host}:{port}" if port else str(host)).encode()
