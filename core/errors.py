"""One taxonomy of failures for every dialect.

The core raises `Failure`; each adapter renders it in its vendor's status, code and text. `text` is always safe to show
to the caller: it holds nothing of other tenants, no secret and no path of the machine.
"""

from enum import StrEnum


class Kind(StrEnum):
    """What went wrong, as a caller needs to know it."""

    BAD_REQUEST = "bad_request"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    UNSUPPORTED = "unsupported"
    TIMED_OUT = "timed_out"
    UPSTREAM_FAILED = "upstream_failed"
    STORE_UNAVAILABLE = "store_unavailable"
    INTERNAL = "internal"


RETRYABLE = frozenset({Kind.RATE_LIMITED, Kind.UPSTREAM_FAILED, Kind.STORE_UNAVAILABLE, Kind.TIMED_OUT})


class Failure(Exception):
    """A use case that did not happen.

    `reason` refines the kind for adapters that word causes differently. The core uses

    - for what was not found, is taken or is wrong in itself: `tenant`, `user`, `group`, `message`, `topic`, `file`;
    - of groups: `member`, `admin`, `owner` (is it, or is none), `blocked` (by users, too), `muted`, `all_muted`,
      `disabled`, `members` (too many), `limit` (a full list), `pending`, `attributes`;
    - of users: `login` (too many attempts), `inactive`, `remark`, `status`, `name` (not a legal name), `reserved`;
    - of messages, imports and conversations: `audience`, `time`, `cursor`, `foreign` (not a legal foreign id), `sender`,
      `external_id`, `muted_until`, `colour`, `hidden_as`;
    - of files: `file_expired`, `secret` (none, or a wrong one), `files` (where their bytes lie does not answer);
    - for tokens: `malformed`, `unknown`, `expired`; for stations: `station`;
    - of the store: `full`, `schema`, `url`, `retention`, `backup` (not a whole one), `store` (not empty), `value` (can't be
      written), `page` (too long, or of none).

    The gateway adds `route`, `method`, `path`, `host`, `body`, `form` and `idempotency_key`; adapters may add their own.
    `field` names the offending field, `subject` the offending value.
    """

    def __init__(
        self,
        kind: Kind,
        text: str,
        *,
        reason: str = "",
        field: str | None = None,
        subject: str | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
        self.reason = reason
        self.field = field
        self.subject = subject
        self.retry_after_ms = retry_after_ms

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.kind in RETRYABLE


class StaleTenant(Exception):
    """The caller's view of the tenant is older than the store's. Nothing was done: load the tenant anew and repeat the
    whole request, credentials included."""

    def __init__(self, tenant: int) -> None:
        super().__init__(f"tenant {tenant} has a newer version")
        self.tenant = tenant


def store_unavailable(text: str = "The message store is not available") -> Failure:
    """The store did not answer in time, or refuses to write."""
    return Failure(Kind.STORE_UNAVAILABLE, text, retry_after_ms=1000)


def files_unavailable() -> Failure:
    """The place where files are kept did not answer in time, or takes no more."""
    return Failure(Kind.STORE_UNAVAILABLE, "Files can't be kept or read just now", reason="files", retry_after_ms=5000)


def not_storable() -> Failure:
    """Something that was given can't be written: a text with half of a surrogate pair, a number of more than 64 bits."""
    return Failure(Kind.BAD_REQUEST, "A text or a number can't be stored", reason="value")


def check_limit(limit: int, maximum: int = 5_000) -> None:
    """Raises *bad request* with reason `page` for a page of none, or of more than may be asked for at once."""
    if not 0 < limit <= maximum:
        raise Failure(Kind.BAD_REQUEST, f"A page has 1 to {maximum} rows", reason="page", field="limit")


def is_away(problem: BaseException) -> bool:
    """Whether this says that the message store did not answer, rather than that it took no more."""
    return (
        isinstance(problem, Failure)
        and problem.kind is Kind.STORE_UNAVAILABLE
        and problem.reason not in ("full", "files")
    )
