"""Files in what messages say: stored by reference where they are kept here, shown at an address of the reader's own dialect.

An adapter makes one `FileAddresses` for a call. Content that comes in passes through `stored`, content that goes out through
`shown`; what is no file, and what points at a file elsewhere, passes as it is.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from core.files import file_reference, referenced_file
from core.ids import file_tenant
from core.model import Audio, Content, File, Image, Tenant, Video

_ORIGIN = re.compile(r"https?://[^/?#\s]+", re.IGNORECASE)
_FIELDS = (("url", "secret"), ("thumbnail_url", "thumbnail_secret"))

_Place = tuple[str, str | None]
"""Where a file is, and what opens it."""


class FileAddresses(msgspec.Struct, frozen=True):
    """Where a tenant's files are for those who speak a dialect, at the address by which one of them called.

    A sender's address is one of ours at whatever host, since a gateway has several names: the id alone says whose file it is, and
    nobody can guess one. All else about it must be as `shown` writes it, so that what was sent is what is shown.
    """

    tenant: Tenant
    origin: str
    """Scheme and host of the links: `Request.origin`."""
    base: str
    """What stands between the origin and a file's id."""
    secret: str = ""
    """The name by which an address says a restricted file's secret, as a query; empty where the dialect says it beside the
    address."""

    @property
    def prefix(self) -> str:
        """What all addresses begin with: what is written of a file depends on nothing else that is the caller's."""
        return self.origin + self.base

    def stored(self, content: Content) -> Content:
        """The content with references in place of this dialect's addresses of the tenant's own files."""
        return _changed(content, self._stored)

    def shown(self, content: Content) -> Content:
        """The content with addresses in place of references. Where addresses say the secret, the content no longer does."""
        return _changed(content, self._shown)

    def _stored(self, url: str, secret: str | None) -> _Place | None:
        origin = _ORIGIN.match(url)
        if origin is None or not url.startswith(self.base, origin.end()):
            return None
        file, mark, said = url[origin.end() + len(self.base) :].partition(self._mark)
        reference = file_reference(file), unquote(said) if mark else secret
        shown = self._shown(*reference)
        same = shown is not None and shown[0][len(self.origin) :] == url[origin.end() :]
        return reference if same else None

    def _shown(self, url: str, secret: str | None) -> _Place | None:
        file = referenced_file(url)
        if file is None or file_tenant(file) != self.tenant.number:
            return None
        if not self.secret or secret is None:
            return self.prefix + file, secret
        return f"{self.prefix}{file}{self._mark}{quote(secret, safe='')}", None

    @property
    def _mark(self) -> str:
        return f"{'&' if '?' in self.base else '?'}{self.secret}="


def _changed(content: Content, change: Callable[[str, str | None], _Place | None]) -> Content:
    if not isinstance(content, (File, Image, Audio, Video)):
        return content
    changes: dict[str, Any] = {}
    for address, secret in _FIELDS:
        url = getattr(content, address, None)
        place = change(url, getattr(content, secret)) if url is not None else None
        if place is not None:
            changes[address], changes[secret] = place
    return msgspec.structs.replace(content, **changes) if changes else content
