"""The gateway's own tokens: one spelling each."""

import pytest

from core.clock import ManualClock
from core.errors import Failure
from core.model import SigningKey, Tenant
from core.tokens import Tokens

NOW = 1_700_000_000_000
TENANT = Tenant(number=7, name="seven", secret=bytes(32), signing_keys=(SigningKey("k", b"s" * 32, NOW),))


@pytest.mark.parametrize("lifetime", [0, 1, 60, 5_184_000])
def test_a_token_verifies(lifetime: int) -> None:
    tokens = Tokens(ManualClock(NOW))
    claims = tokens.verify(TENANT, tokens.mint(TENANT, "dialect", "application", lifetime, "ann"))
    assert (claims.user, claims.expires) == ("ann", NOW + lifetime * 1000 if lifetime else 0)


@pytest.mark.parametrize("position", [0, 20, -1])
@pytest.mark.parametrize("junk", ["!", "!" * 1000, " ", "\n", "=", "===="])
def test_a_token_has_one_spelling(junk: str, position: int) -> None:
    """Else one token fills the memory of what verified."""
    tokens = Tokens(ManualClock(NOW))
    text = tokens.mint(TENANT, "dialect", "application", 0)
    place = position % (len(text) + 1)
    with pytest.raises(Failure) as failure:
        tokens.verify(TENANT, text[:place] + junk + text[place:])
    assert failure.value.reason in ("malformed", "unknown")
