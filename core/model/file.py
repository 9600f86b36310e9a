"""Files whose bytes are kept here."""

import msgspec

from core.model.user import UserKey


class Thumbnail(msgspec.Struct, frozen=True, array_like=True):
    """A shrunk picture that is kept beside its file."""

    size_bytes: int
    media_type: str


class StoredFile(msgspec.Struct, frozen=True, array_like=True):
    """A file whose bytes are kept here. Stored packed and append-only, like a message; scripts read the first three fields.

    With a `secret` only who knows it may have the bytes; without one, everybody who knows the id. Width and height (pixels,
    as shown) are those of a picture that could be looked at. One that has them and no thumbnail is its own.
    """

    id: str
    """In the form of a UUID; nobody can guess it."""
    expires: int | None
    """Epoch ms from which on nobody gets the bytes; none: never."""
    owner: UserKey | None
    """The user who uploaded it, with whom it goes; none when an administrator did."""
    created: int
    size_bytes: int
    media_type: str
    name: str | None = None
    secret: str | None = None
    width: int | None = None
    height: int | None = None
    thumbnail: Thumbnail | None = None
