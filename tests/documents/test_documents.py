"""The pages that are made are as the program is, and what the table of losses says is true."""

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.chat21 import content as chat21_content
from adapters.easemob.content import read, write
from core.model import (
    Audio,
    Content,
    Custom,
    Event,
    File,
    Html,
    Image,
    Location,
    Message,
    Signal,
    Text,
    Video,
)
from gateway.adapters_list import BUILT_IN
from tests.documents import FOLDER, made, openapi, parity
from tests.documents.ends import ANOTHER, READERS, from_chat21, from_ozeki_client
from tests.documents.losses import SAMPLES, said


@pytest.mark.parametrize("name", made())
def test_no_page_is_stale(name: str) -> None:
    path = FOLDER / name
    assert path.is_file(), f"docs/{name} is missing: make docs"
    assert path.read_text() == made()[name], f"docs/{name} is stale: make docs"


def test_every_row_of_every_wire_table_is_shown() -> None:
    adapters = [create({}) for create in BUILT_IN.values()]
    page = parity.page(adapters)
    for adapter in adapters:
        for route in adapter.routes:
            assert f"| {route.method} | `{parity.shown_path(route)}` | {route.operation} |" in page


def test_every_row_is_an_operation_with_its_parts() -> None:
    for adapter in (create({}) for create in BUILT_IN.values()):
        document = openapi.document(adapter)
        operations = [(path, each) for path, methods in document["paths"].items() for each in methods.values()]
        assert sorted(each["operationId"] for _, each in operations) == sorted(
            map(openapi.operation_id, adapter.routes)
        )
        for path, each in operations:
            assert re.findall(r"\{(\w+)\}", path) == [
                part["name"] for part in each["parameters"] if part["in"] == "path"
            ]
        shapes = [re.sub(r"\{\w+\}", "{}", path) for path in document["paths"]]
        assert len(set(shapes)) == len(shapes)


def test_every_kind_is_in_the_table_of_losses() -> None:
    assert {type(content) for _, content in SAMPLES} == set(Content.__args__)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
maybe_text = st.none() | texts
sizes = st.none() | st.integers(0, 1 << 40)
measures = st.none() | st.floats(0, 1e6)
degrees = st.floats(-180, 180)
maps = st.none() | st.dictionaries(texts, st.none() | st.booleans() | st.integers(0, 9) | texts, max_size=3)
CONTENTS: st.SearchStrategy[Content] = st.one_of(
    st.builds(Text, texts),
    st.builds(Html, texts),
    st.builds(File, texts, maybe_text, maybe_text, sizes, maybe_text),
    st.builds(Image, texts, maybe_text, maybe_text, sizes, measures, measures, maybe_text),
    st.builds(Audio, texts, maybe_text, maybe_text, sizes, measures, maybe_text),
    st.builds(
        Video, texts, maybe_text, maybe_text, sizes, measures, maybe_text, maybe_text, measures, measures, maybe_text
    ),
    st.builds(Location, degrees, degrees, maybe_text),
    st.builds(Signal, texts, maps),
    st.builds(Custom, texts, maps, maybe_text),
    st.builds(Event, texts, maps, maybe_text),
)


def unnamed(loss: str) -> str:
    """The loss, whatever the app calls its values."""
    return re.sub(r"^(customExts|metadata)\..*: became text$", r"\1: became text", loss, flags=re.DOTALL)


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=200)
@given(content=CONTENTS)
def test_no_loss_is_said_that_the_table_does_not_name(reader: str, content: Content) -> None:
    end = READERS[reader]
    named = {unnamed(loss) for _, each in SAMPLES if type(each) is type(content) for loss in said(end, each)}
    assert {unnamed(loss) for loss in said(end, content)} <= named


@pytest.mark.parametrize(("label", "content"), SAMPLES, ids=str)
def test_what_is_exact_reads_back_as_it_was(label: str, content: Content) -> None:
    message = Message("ann", content, ANOTHER)
    if not said(READERS["easemob"], content):
        assert given_fields(content) <= given_fields(read(write(message, []))[0])
    # Notices are the server's own: dialects have forms for them that no app sends.
    if not said(READERS["chat21"], content) and not isinstance(content, Event):
        assert given_fields(content) <= given_fields(from_chat21(chat21_content.write(content, None, [])).content)
    if type(content).__name__.lower() in _OF_CLIENTS:
        assert said(READERS["ozeki, chat client"], content) == []
        assert from_ozeki_client(READERS["ozeki, chat client"].shown(message)["Data"]).content == content


_OF_CLIENTS = ("text", "html", "image", "audio", "video", "file", "location", "custom")


def given_fields(content: Content) -> set[str]:
    """What a content says, without the fields that it leaves open."""
    fields = msgspec.structs.asdict(content)
    return {type(content).__name__, *(f"{name}: {value!r}" for name, value in fields.items() if value is not None)}
