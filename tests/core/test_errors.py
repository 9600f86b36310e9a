import pytest

from core.errors import Failure, Kind, StaleTenant, store_unavailable


@pytest.mark.parametrize("kind", Kind)
def test_what_may_succeed_later_is_said(kind: Kind) -> None:
    later = {Kind.RATE_LIMITED, Kind.UPSTREAM_FAILED, Kind.STORE_UNAVAILABLE, Kind.TIMED_OUT}
    assert Failure(kind, "text").retryable == (kind in later)


def test_a_failure_tells_its_text_and_nothing_else() -> None:
    failure = Failure(Kind.CONFLICT, "Taken", reason="user", field="name", subject="ada", retry_after_ms=5)
    assert str(failure) == failure.text == "Taken"
    assert (failure.reason, failure.field, failure.subject, failure.retry_after_ms) == ("user", "name", "ada", 5)


def test_an_unavailable_store_says_when_to_come_back() -> None:
    failure = store_unavailable()
    assert (failure.kind, failure.retryable, failure.retry_after_ms) == (Kind.STORE_UNAVAILABLE, True, 1000)


def test_a_stale_tenant_is_no_failure_that_a_dialect_could_render() -> None:
    assert not isinstance(StaleTenant(7), Failure)
    assert StaleTenant(7).tenant == 7
