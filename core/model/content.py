"""What a message says: text, files by reference, places, the app's own types, notices.

Packed with the messages: see `core.model` for what that asks of their fields."""

from typing import Any

import msgspec


class Text(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="t"):
    """Plain text."""

    text: str


class Html(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="h"):
    """Text with HTML markup, as the app wrote it; never sanitised here."""

    html: str


class File(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="f"):
    """A file of any kind, by reference. `url` is where the app said it is, or a `core.files.file_reference`;
    `secret` opens it there."""

    url: str
    name: str | None = None
    secret: str | None = None
    size_bytes: int | None = None
    media_type: str | None = None


class Image(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="i"):
    """A picture, by reference; width and height in pixels."""

    url: str
    name: str | None = None
    secret: str | None = None
    size_bytes: int | None = None
    width: float | None = None
    height: float | None = None
    media_type: str | None = None


class Audio(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="a"):
    """A voice or sound file, by reference; length in seconds."""

    url: str
    name: str | None = None
    secret: str | None = None
    size_bytes: int | None = None
    length_seconds: float | None = None
    media_type: str | None = None


class Video(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="v"):
    """A film, by reference; length in seconds, width and height (of the thumbnail) in pixels."""

    url: str
    name: str | None = None
    secret: str | None = None
    size_bytes: int | None = None
    length_seconds: float | None = None
    thumbnail_url: str | None = None
    thumbnail_secret: str | None = None
    width: float | None = None
    height: float | None = None
    media_type: str | None = None


class Location(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="l"):
    """A place on earth in degrees, with the address as text."""

    latitude: float
    longitude: float
    address: str | None = None


class Signal(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="s"):
    """A command from program to program."""

    action: str
    parameters: dict[str, Any] | None = None


class Custom(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="c"):
    """A message of the app's own type; `text` is what a dialect without custom types shows."""

    event: str
    values: dict[str, Any] | None = None
    text: str | None = None


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="e"):
    """A system notice. `name` is one of the core's words (`group_created`, `member_joined`, …); `text` its plain wording."""

    name: str
    parameters: dict[str, Any] | None = None
    text: str | None = None


Content = Text | Html | File | Image | Audio | Video | Location | Signal | Custom | Event
