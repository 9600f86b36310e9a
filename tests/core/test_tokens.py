import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from core import tokens
from core.clock import ManualClock
from core.errors import Failure, Kind
from core.model import Principal, SigningKey, Tenant, User
from core.tokens import Tokens
from tests.core.support import START

KEY = SigningKey("one", bytes(range(32)), START)
NEWER = SigningKey("two", bytes(range(1, 33)), START)
TENANT = Tenant(7, "tenant", bytes(32), signing_keys=(KEY,))
CLOCK = ManualClock(START)
TOKENS = Tokens(CLOCK)
ADA = User("ada", 1_025, START, START, version=3)
TOKEN = TOKENS.mint(TENANT, "plain", "shop", 60, ADA)
DEEP = (
    urlsafe_b64encode(bytes(32) + b"\x9f" + msgspec.msgpack.encode(TOKENS.verify(TENANT, TOKEN))[1:] + b"\x91" * 20_000)
    .rstrip(b"=")
    .decode()
)


def refused(tenant: Tenant, text: str) -> str:
    with pytest.raises(Failure) as caught:
        TOKENS.verify(tenant, text)
    assert caught.value.kind is Kind.UNAUTHENTICATED
    return caught.value.reason


def test_a_token_says_what_it_was_minted_for() -> None:
    claims = TOKENS.verify(TENANT, TOKEN)
    assert (claims.tenant, claims.dialect, claims.application) == (7, "plain", "shop")
    assert (claims.user, claims.user_version, claims.user_number) == ("ada", 3, 1_025)
    assert (claims.issued, claims.expires, claims.key) == (START, START + 60_000, "one")
    assert TOKENS.verify(TENANT, TOKENS.mint(TENANT, "plain", "shop", 60)).user is None
    assert set(TOKEN) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_token_ends_at_its_time() -> None:
    clock = ManualClock(START)
    own = Tokens(clock)
    token, lasting = (own.mint(TENANT, "plain", "shop", seconds) for seconds in (60, 0))
    clock.move(59_999)
    assert own.verify(TENANT, token)
    clock.move(1)
    with pytest.raises(Failure) as caught:
        own.verify(TENANT, token)
    assert caught.value.reason == "expired"
    clock.move(10**15)
    assert own.verify(TENANT, lasting).expires == 0


def test_a_token_is_its_tenant_s_and_its_keys() -> None:
    assert refused(msgspec.structs.replace(TENANT, number=8), TOKEN) == "unknown"
    assert refused(msgspec.structs.replace(TENANT, signing_keys=(NEWER,)), TOKEN) == "unknown"
    assert refused(msgspec.structs.replace(TENANT, signing_keys=()), TOKEN) == "unknown"
    other_secret = SigningKey("one", bytes(32), START)
    assert refused(msgspec.structs.replace(TENANT, signing_keys=(other_secret,)), TOKEN) == "unknown"
    rotated = msgspec.structs.replace(TENANT, signing_keys=(NEWER, KEY))
    assert TOKENS.verify(rotated, TOKEN).user == "ada"
    assert TOKENS.verify(rotated, TOKENS.mint(rotated, "plain", "shop", 60)).key == "two"


@given(some.integers(0), some.integers(1, 255))
def test_a_token_with_one_byte_wrong_is_refused(position: int, change: int) -> None:
    raw = bytearray(urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4)))
    raw[position % len(raw)] ^= change
    text = urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert refused(TENANT, text) in ("unknown", "malformed")


@given(some.text() | some.binary().map(lambda raw: urlsafe_b64encode(raw).decode()))
def test_any_other_text_is_refused(text: str) -> None:
    assert refused(TENANT, text) in ("unknown", "malformed")


@pytest.mark.parametrize(
    "text", ["", "x", "a.b.c", "é", TOKEN[:-4], TOKEN + "AAAA", TOKEN + "=", TOKEN[:9] + "!" + TOKEN[9:], DEEP]
)
def test_what_only_looks_like_a_token_is_refused(text: str) -> None:
    assert refused(TENANT, text) in ("unknown", "malformed")


def test_a_verified_token_is_remembered_while_its_tenant_stands() -> None:
    clock = ManualClock(START)
    own = Tokens(clock)
    ada = Principal(TENANT, "ada")
    own.remember("plain", "shop", TOKEN, ada, START + 1_000)
    assert own.remembered("plain", "shop", TOKEN, (TENANT,)) is ada
    for other in (("other", "shop", TOKEN), ("plain", "pub", TOKEN), ("plain", "shop", "token")):
        assert own.remembered(*other, (TENANT,)) is None
    # Another view of the tenant, even an equal one, has to verify anew.
    assert own.remembered("plain", "shop", TOKEN, (msgspec.structs.replace(TENANT),)) is None
    assert own.remembered("plain", "shop", TOKEN, (TENANT,)) is None
    own.remember("plain", "shop", TOKEN, ada, START + 1_000)
    clock.move(1_000)
    assert own.remembered("plain", "shop", TOKEN, (TENANT,)) is None


def test_the_memory_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_MAXIMUM_REMEMBERED", 10)
    own = Tokens(CLOCK)
    names = [os.urandom(8).hex() for _ in range(25)]
    for name in names:
        own.remember("plain", "shop", name, Principal(TENANT), 0)
    kept = [name for name in names if own.remembered("plain", "shop", name, (TENANT,))]
    assert kept == names[-10:]


def test_no_long_token_is_remembered() -> None:
    own = Tokens(CLOCK)
    for length in (4_096, 4_097):
        own.remember("plain", "shop", "x" * length, Principal(TENANT), 0)
    assert own.remembered("plain", "shop", "x" * 4_096, (TENANT,)) is not None
    assert own.remembered("plain", "shop", "x" * 4_097, (TENANT,)) is None


def test_a_remembered_token_ends_with_a_change_of_its_user() -> None:
    own = Tokens(CLOCK)
    shop, ada = Principal(TENANT, administrator=True), Principal(TENANT, "ada")

    def remembered() -> list[bool]:
        return [own.remembered("plain", "shop", name, (TENANT,)) is not None for name in ("app", "old", "new")]

    def verify() -> None:
        own.remember("plain", "shop", "app", shop, 0)
        own.remember("plain", "shop", "old", ada, 0, ADA)
        own.remember("plain", "shop", "new", ada, 0, msgspec.structs.replace(ADA, version=4))

    verify()
    for change in ((TENANT.number + 1, 1, ADA.number), (TENANT.number, 2, ADA.number), (TENANT.number, 1, 1_026)):
        own.changed(*change, 4)
        assert remembered() == [True, True, True]
    own.changed(TENANT.number, 1, ADA.number, 4)
    own.changed(TENANT.number, 1, ADA.number, 2)  # heard late
    assert remembered() == [True, False, True]
    # And whoever read the user before, and is done only now, remembers nothing.
    verify()
    assert remembered() == [True, False, True]
    own.unsure()
    assert remembered() == [True, False, False]
    verify()
    assert remembered() == [True, True, True]
