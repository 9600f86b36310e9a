"""Addresses of files in content: which ones are ours, and what stands in their place."""

from typing import Any

import msgspec
import pytest

from adapters.files import FileAddresses
from core.files import file_reference
from core.model import Audio, Content, File, Image, Tenant, Text, Video

TENANT = Tenant(7, "tenant", bytes(32))
OWN = "c0a1be62-b5e6-4803-8e7e-6824f3eb43af"
OTHERS = "aa3138c1-c579-498d-9b64-4ca50c5fc781"
OF_NOBODY = "55f12940-64af-11e4-8a5b-ff2336f03252"
BESIDE = FileAddresses(TENANT, "https://here:8080", "/org/app/chatfiles/")
"""A dialect whose messages say the secret beside the address."""
WITHIN = FileAddresses(TENANT, "https://here:8080", "/api/app/files?id=", "secret")
"""One whose addresses say it."""
PATH = FileAddresses(TENANT, "https://here:8080", "/files/", "secret")


@pytest.mark.parametrize("of", [File, Image, Audio])
@pytest.mark.parametrize(
    ("files", "url", "secret", "kept"),
    [
        (BESIDE, "https://here:8080/org/app/chatfiles/" + OWN, None, None),
        (BESIDE, "https://here:8080/org/app/chatfiles/" + OWN, "s=&", "s=&"),
        (WITHIN, "https://here:8080/api/app/files?id=" + OWN, None, None),
        (WITHIN, f"https://here:8080/api/app/files?id={OWN}&secret=a%2Fb", None, "a/b"),
        (PATH, f"https://here:8080/files/{OWN}?secret=", None, ""),
    ],
)
def test_an_address_of_ours_becomes_a_reference_and_comes_back(
    of: Any, files: FileAddresses, url: str, secret: str | None, kept: str | None
) -> None:
    sent = of(url, name="name", secret=secret)
    stored = files.stored(sent)
    assert stored == msgspec.structs.replace(sent, url=file_reference(OWN), secret=kept)
    assert files.shown(stored) == sent


def test_the_sender_may_have_used_another_host() -> None:
    for origin in ("http://other", "HTTPS://other:80"):
        stored = BESIDE.stored(File(f"{origin}/org/app/chatfiles/{OWN}"))
        assert stored == File(file_reference(OWN))
        assert BESIDE.shown(stored) == File("https://here:8080/org/app/chatfiles/" + OWN)


def test_each_dialect_shows_its_own_address() -> None:
    stored = BESIDE.stored(Image("http://here/org/app/chatfiles/" + OWN, secret="a/b"))
    assert WITHIN.shown(stored) == Image(f"https://here:8080/api/app/files?id={OWN}&secret=a%2Fb")
    assert PATH.shown(stored) == Image(f"https://here:8080/files/{OWN}?secret=a%2Fb")
    assert BESIDE.stored(BESIDE.shown(PATH.stored(PATH.shown(stored)))) == stored


def test_a_film_has_two_files() -> None:
    own = "https://here:8080/org/app/chatfiles/" + OWN
    sent = Video(own, secret="one", thumbnail_url=own, thumbnail_secret="two")
    stored = BESIDE.stored(sent)
    assert stored == msgspec.structs.replace(sent, url=file_reference(OWN), thumbnail_url=file_reference(OWN))
    assert BESIDE.shown(stored) == sent
    shown = WITHIN.shown(stored)
    assert isinstance(shown, Video)
    assert (shown.url[-11:], shown.thumbnail_url, shown.secret, shown.thumbnail_secret) == (
        "&secret=one",
        f"https://here:8080/api/app/files?id={OWN}&secret=two",
        None,
        None,
    )
    elsewhere = msgspec.structs.replace(sent, url="https://elsewhere/film.mp4")
    assert BESIDE.stored(elsewhere) == msgspec.structs.replace(elsewhere, thumbnail_url=file_reference(OWN))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://elsewhere/picture.png",
        "https://here:8080/org/app/chatfiles/",
        "https://here:8080/org/app/chatfiles/" + OTHERS,
        "https://here:8080/org/app/chatfiles/" + OF_NOBODY,
        "https://here:8080/org/app/chatfiles/" + OWN.upper(),
        f"https://here:8080/org/app/chatfiles/{OWN}/",
        f"https://here:8080/org/app/chatfiles/{OWN}?share-secret=s",
        f"https://here:8080/org/app/chatfiles/{OWN}?=s",
        f"https://here:8080/org/other/chatfiles/{OWN}",
        f"https://elsewhere/show?url=/org/app/chatfiles/{OWN}",
        f"ftp://here/org/app/chatfiles/{OWN}",
        f"/org/app/chatfiles/{OWN}",
        f"https://here:8080/api/app/files?id={OWN}&secret=a/b",
        f"https://here:8080/api/app/files?id={OWN}&secret=%zz",
        f"https://here:8080/api/app/files?id={OWN}&other=1",
        f"https://here:8080/api/app/files?id={OWN}&secret=a&secret=b",
        file_reference(OTHERS),
    ],
)
def test_all_else_stays(url: str) -> None:
    for files in (BESIDE, WITHIN):
        content = File(url, secret="given")
        assert files.stored(content) is content
        assert files.shown(content) is content


def test_what_is_no_file_stays() -> None:
    content: Content = Text("https://here:8080/org/app/chatfiles/" + OWN)
    assert BESIDE.stored(content) is content
    assert BESIDE.shown(content) is content
