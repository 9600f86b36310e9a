"""What a name may be, which names nobody can take, and how names fold."""

from unicodedata import normalize

from core.errors import Failure, Kind
from core.model import Tenant

MAXIMUM_NAME_BYTES = 255
RESERVED = frozenset({"admin", "system"})
"""Names that the dialects themselves send under: nobody becomes them by registering or by a token."""


def fold(name: str) -> str:
    """The form in which names that differ only in case are one."""
    return name.lower()


def is_reserved(name: str) -> bool:
    """Whether nobody can take this name: a reserved one in any case, or in characters that Unicode holds for the same
    (fullwidth, long s). Letters of another script that only look alike are names of their own."""
    return fold(name) in RESERVED or (not name.isascii() and normalize("NFKC", name).casefold() in RESERVED)


def is_legal(name: str) -> bool:
    """Whether the core can hold this name: 1 to 255 bytes of UTF-8, no control characters, no blank at either end."""
    return (
        0 < len(name) <= MAXIMUM_NAME_BYTES
        and (name.isascii() or fits(name, MAXIMUM_NAME_BYTES))
        and name.isprintable()
        and name == name.strip()
    )


def check_name(name: str, field: str) -> None:
    """Raises a *bad request* failure with reason `name` for a name that the core can't hold."""
    if not is_legal(name):
        raise Failure(
            Kind.BAD_REQUEST,
            f"{field} must have 1 to {MAXIMUM_NAME_BYTES} bytes and no control characters",
            reason="name",
            field=field,
        )


def is_sender(tenant: Tenant, name: str) -> bool:
    """Whether the name, in any case, is one of a program that has a credential of its own."""
    folded = fold(name)
    return any(
        credential.sends and fold(credential.name) == folded
        for application in tenant.applications
        for credential in application.credentials
    )


def check_free(tenant: Tenant, name: str, field: str) -> None:
    """Like `check_name`, for a name that somebody of the tenant is to have: raises *forbidden* with reason `reserved` for a
    reserved one."""
    check_name(name, field)
    if is_reserved(name) or is_sender(tenant, name):
        raise Failure(Kind.FORBIDDEN, "This name is reserved", reason="reserved", subject=name)


def fits(text: str, maximum_bytes: int) -> bool:
    """Whether a text takes at most so many bytes in UTF-8. One with a lone surrogate, which has no such form, never does."""
    try:
        return len(text.encode()) <= maximum_bytes
    except UnicodeEncodeError:
        return False
