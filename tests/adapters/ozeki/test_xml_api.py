"""The older styles: query, form, command, OzML."""

from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

import pytest

from adapters.ozeki import ozml
from core.errors import Failure, Kind
from core.files import file_reference
from core.model import Credential, File, Message
from tests.adapters.ozeki.conftest import basic, folder, says, sent, texts, xml
from tests.adapters.ozeki.test_json_api import UUID
from tests.harness import House


def tree(element: ET.Element) -> Any:
    """XML as names and texts, the children of each in order."""
    children = [tree(child) for child in element]
    return (element.tag, children or element.text or "")


def plain(root: ET.Element) -> Any:
    """The same without ids, which are checked for their shape."""
    for one in root.iter("messageid"):
        assert UUID.fullmatch(one.text or ""), one.text
        one.text = "ID"
    return tree(root)


def accepted(recipient: str) -> Any:
    return (
        "acceptreport",
        [
            ("statuscode", "0"),
            ("statusmessage", "Message accepted for delivery"),
            ("messageid", "ID"),
            ("recipient", recipient),
        ],
    )


def refused(code: int, text: str) -> Any:
    data = [("errorcode", str(code)), ("errormessage", text)]
    return ("response", [("action", "commandresult"), ("data", data)])


WRONG_LOGIN = refused(1157, "Invalid username or password")


async def ask(house: House, query: str, *, form: str | None = None, login: bool = True, **more: Any) -> ET.Element:
    """A request in the query style, with the login in it unless `form` or a header has it."""
    if login:
        query += f"&username=http_user&password={house.names['password']}"
    if form is not None:
        more["headers"] = {"Content-Type": "application/x-www-form-urlencoded", **more.get("headers", {})}
    response = await house.client.request("GET" if form is None else "POST", f"/api?{query}", content=form, **more)
    return xml(response)


SEND = "action=sendmessage&messagetype=SMS:TEXT"


async def test_a_message_is_sent_by_query(house: House) -> None:
    to = quote(f"ann@{house.names['domain']}@%")
    root = await ask(house, f"{SEND}&recipient={to}&messagedata=Hello%2C+{quote('Ünï 😀')}")
    assert plain(root) == (
        "response",
        [("action", "sendmessage"), ("data", [accepted(f"ann@{house.names['domain']}@%")])],
    )
    (row,) = await folder(house, "sent")
    assert row["text"] == "Hello, Ünï 😀"
    assert row["tags"] == [{"name": "Type", "value": "SMS:TEXT"}]


async def test_a_message_is_sent_by_form_the_login_within(house: House) -> None:
    fields = {
        "action": "sendmessage",
        "username": f"http_user@{house.names['domain']}",
        "password": house.names["password"],
        "recipient": "ann",
        "messagetype": "SMS:FLASH",
        "messagedata": "Hello",
        "originator": "me",
        "vp": "2025.07.26. 10:07:58",
    }
    root = await ask(house, "", form=urlencode(fields), login=False)
    assert plain(root)[1][1] == ("data", [accepted("ann")])
    (row,) = await folder(house, "sent")
    assert (row["from_address"], row["valid_until"]) == ("me", "2025-07-26 10:07:58")
    assert row["tags"] == [{"name": "Type", "value": "SMS:FLASH"}]


async def test_the_query_and_the_header_say_what_a_form_does_not(house: House) -> None:
    headers = {"Authorization": house.names["basic"]}
    root = await ask(house, "Action=SendMessage", form="recipient=ann&messagedata=Hi", login=False, headers=headers)
    assert plain(root)[1][1] == ("data", [accepted("ann")])


async def test_a_percent_sign_that_was_not_escaped_is_one(house: House) -> None:
    root = await ask(house, f"{SEND}&messagedata=100%&recipient=ann@{house.names['domain']}@%")
    assert plain(root)[1][1] == ("data", [accepted(f"ann@{house.names['domain']}@%")])
    assert await texts(house, "sent") == ["100%"]


async def test_one_message_goes_to_several_recipients(house: House) -> None:
    root = await ask(house, f"{SEND}&recipient=ann,bob, eve&messagedata=Hi")
    assert plain(root)[1][1] == ("data", [accepted("ann"), accepted("bob"), accepted("eve")])


async def test_several_messages_have_numbers(house: House) -> None:
    query = "action=sendmessage&messagecount=3&messagetype=SMS:TEXT&recipient0=ann&messagedata0=One&recipient1=bob,eve"
    root = await ask(house, query + "&messagedata1=Two&recipient2=ann&messagedata2=Three&messagetype2=SMS:X")
    assert plain(root)[1][1] == ("data", [accepted("ann"), accepted("bob"), accepted("eve"), accepted("ann")])
    rows = await folder(house, "sent")
    assert sorted(row["text"] for row in rows) == ["One", "Three", "Two", "Two"]
    assert [row["tags"][0]["value"] for row in rows if row["text"] == "Three"] == ["SMS:X"]


@pytest.mark.parametrize("count", ["0", "x", "-1", "1001", "99999999999", "000019999999999", "9" * 5_000])
async def test_a_count_that_can_not_be_is_refused(house: House, count: str) -> None:
    root = await ask(house, f"{SEND}&messagecount={count}")
    assert tree(root) == refused(400, "messagecount is 1 to 1000")


@pytest.mark.parametrize("count", ["1", "1000"])
async def test_too_many_recipients_are_refused(house: House, count: str) -> None:
    root = await ask(house, f"{SEND}&messagecount={count}&recipient={'a,' * 1_000}")
    assert tree(root) == refused(400, "A request has up to 1000 messages")
    assert await folder(house, "sent") == []


@pytest.mark.parametrize(
    ("content", "media_type", "why"),
    [
        (b"<Response>" + b"<SendMsg/>" * 2_000 + b"</Response>", "text/xml", "The body is nested too deeply, or has too much in it"),
        (b"a&" * 10_001, "application/x-www-form-urlencoded", "A form has up to 10000 fields"),
    ],
    ids=["document", "form"],
)  # fmt: skip
async def test_before_a_login_no_more_is_read_than_is_ever_sent(
    house: House, content: bytes, media_type: str, why: str
) -> None:
    response = await house.client.post("/api", content=content, headers={"Content-Type": media_type})
    assert tree(xml(response)) == refused(400, why)


async def test_what_fails_says_so(house: House) -> None:
    root = await ask(house, f"{SEND}&recipient=ann,&messagedata=Hi")
    data = plain(root)[1][1][1]
    assert data[0] == accepted("ann")
    assert data[1] == (
        "acceptreport",
        [("statuscode", "1"), ("statusmessage", "No recipient: to_address is missing")],
    )


async def test_nobody_is_called_back(house: House) -> None:
    query = f"{SEND}&recipient=ann&messagedata=Hi&reporturl=http://x/&ContinueUrl=http://y/"
    response = await house.client.get(f"/api?{query}", headers={"Authorization": house.names["basic"]})
    assert (
        response.headers["x-gateway-loss"]
        == "reporturl: dropped, nobody is called; continueurl: dropped, nobody is called"
    )


@pytest.mark.parametrize(
    "query",
    [
        f"{SEND}&recipient=ann",
        f"{SEND}&recipient=ann&username=http_user&password=no",
        f"{SEND}&recipient=ann&username=http_user@elsewhere&password={{password}}",
        "action=receivemessage&username=nobody&password={password}",
        "command=ReceiveMessage&Username=http_user&Password=",
    ],
)
async def test_a_wrong_login_is_answered_in_the_style(house: House, query: str) -> None:
    root = await ask(house, query.replace("{password}", house.names["password"]), login=False)
    assert tree(root) == WRONG_LOGIN


async def test_messages_are_received_by_query_and_deleted_if_wanted(house: House) -> None:
    for text in ("one", "two & <three>", "bell \x07"):
        await says(house, "ann", "http_user", text)
    root = await ask(house, "action=receivemessage&folder=inbox&limit=2")
    domain = house.names["domain"]

    def message(text: str) -> Any:
        return (
            "message",
            [
                ("messageid", "ID"),
                ("originator", f"ann@{domain}"),
                ("recipient", f"http_user@{domain}"),
                ("messagetype", "SMS:TEXT"),
                ("messagedata", text),
                ("senttime", "2025-06-15 15:06:40"),
                ("receivedtime", "2025-06-15 15:06:40"),
            ],
        )

    shown = [message("two & <three>"), message("bell \ufffd")]
    data = ("data", [("folder", "inbox"), ("limit", "2"), *shown])
    assert plain(root) == ("response", [("action", "receivemessage"), data])
    root = await ask(house, "action=receivemessage&folder=inbox&limit=2&afterdownload=delete")
    assert plain(root)[1][1] == data
    assert await texts(house) == ["one"]


async def test_commands_have_names_in_any_case(house: House) -> None:
    login = f"Username=http_user&Password={house.names['password']}"
    root = await ask(
        house, f"command=SendMessage&{login}&Recipient=http_user&MessageType=SMS:TEXT&MessageData=Hi", login=False
    )
    assert plain(root) == (
        "Response",
        [("Code", "200"), ("Message", "Command successfully executed"), ("Data", [accepted("http_user")])],
    )
    await says(house, "ann", "http_user", "one")
    query = f"command=ReceiveMessage&action=receivemessage&{login}&Folder=inbox&Limit=2&AfterDownload=Delete"
    root = await ask(house, query, login=False)
    assert [child.tag for child in root] == ["Code", "Message", "Data"]
    assert [one.text for one in root.iter("messagedata")] == ["one"]
    assert await texts(house) == []


async def test_a_command_that_fails_has_another_code(house: House) -> None:
    root = await ask(house, "command=SendMessage&messagedata=Hi")
    assert [child.text for child in root][:2] == ["300", "No recipient: to_address is missing"]
    assert tree(await ask(house, "command=Dance")) == refused(404, "There is no such call")


OZML = """<?xml version="1.0"?>
<Response>
  <Say>Nothing</Say>
  <SendMsg ToConnection="ann@localhost">Hello &amp; welcome</SendMsg>
  <SendMsg ToConnection="gmail_client_1@localhost" ToAddress="bob">Two</SendMsg>
</Response>"""


@pytest.mark.parametrize(
    "media_type", ["text/xml", "application/xml; charset=utf-8", "application/x-www-form-urlencoded", ""]
)
async def test_a_document_sends_messages(house: House, media_type: str) -> None:
    headers = {"Authorization": house.names["basic"], "Content-Type": media_type}
    document = OZML.replace("ann@localhost", f"ann@{house.names['domain']}")
    root = xml(await house.client.post("/api", content=document, headers=headers))
    data = [accepted(f"ann@{house.names['domain']}"), accepted("bob")]
    assert plain(root) == (
        "Response",
        [("Code", "200"), ("Message", "Command successfully executed"), ("Data", data)],
    )
    assert sorted(await texts(house, "sent")) == ["Hello & welcome", "Two"]


async def test_a_documents_login_may_stand_in_the_query(house: House) -> None:
    response = await house.client.post(
        "/api",
        params={"username": "http_user", "password": house.names["password"]},
        content="<Response><SendMsg ToConnection='ann'>Hi</SendMsg></Response>",
        headers={"Content-Type": "text/xml"},
    )
    assert xml(response).findtext("Code") == "200"


@pytest.mark.parametrize(
    "document",
    [
        "<Response>",
        "<Response><Say>Hi</Say></Response>",
        "<a><SendMsg/></a>",
        "<",
        "<a></b>",
        "<" + "a>" * 3,
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        "<a>" * 17 + "</a>" * 17,
        '<?xml version="1.0" encoding="klingon"?><a/>',
    ],
)
def test_a_document_that_can_not_be_read_is_refused(document: str) -> None:
    with pytest.raises(Failure) as caught:
        ozml.parse(document.encode())
    assert (caught.value.kind, caught.value.reason) == (Kind.BAD_REQUEST, "body")


async def test_a_refused_document_is_answered_in_xml(house: House) -> None:
    headers = {"Authorization": house.names["basic"], "Content-Type": "text/xml"}
    root = xml(await house.client.post("/api", content="<a>", headers=headers))
    assert root.findtext("data/errorcode") == "400"


async def test_a_file_of_another_dialect_is_opened_by_the_address_in_the_text(house: House) -> None:
    spool = house.core.files.spool()
    await spool.write(b"Hello")
    stored = await house.core.files.put(house.tenant, spool, name="a.txt", media_type="text/plain", restricted=True)
    ann, user = await house.core.users.keys(house.tenant, ["ann", "http_user"])
    message = Message("ann", File(file_reference(stored.id), "a.txt", stored.secret), "another")
    await house.core.messages.send_direct(house.tenant, ann, [user], message, "client:1")
    (text,) = await texts(house)
    word, name, address = text.split(" ")
    assert (word, name) == ("[file]", "a.txt")
    response = await house.client.get(address)
    assert (response.status_code, response.content) == (200, b"Hello")
    for wrong, status in (
        (address.partition("&secret=")[0], 401),
        (address[:-1], 401),
        (address.replace(stored.id, "x"), 404),
        (address.replace(stored.id, ""), 404),
    ):
        response = await house.client.get(wrong)
        assert (response.status_code, response.json()["http_code"]) == (status, status)


async def test_basic_logins_are_utf8_or_latin1(house: House) -> None:
    domain = house.names["domain"]
    password = "pässwörd"
    user = Credential("http_user", "jörg", password, sends=True)
    house.tenant = await house.core.tenants.add_credential(house.tenant.name, "ozeki", domain, user)
    for encoding in ("utf-8", "latin-1"):
        house.names["jörg"] = basic("jörg", password, encoding)
        assert (await sent(house, "ann", encoding, user="jörg"))["status"] == "SUCCESS"
