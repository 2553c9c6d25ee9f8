"""One public answer for every reason why a passkey is refused; the reason goes to the log only."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from idp.errors import AssertionRefused, LoginError, RegistrationRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC: Final[dict[type[LoginError], str]] = {
    AssertionRefused: "This passkey was not accepted.",
    RegistrationRefused: "This passkey could not be added.",
}
_DETAIL_LIMIT: Final = 200


class CheckFailed(ValueError):
    """One of our own checks did not pass; its text is private and becomes the `detail` of the refusal."""


class CounterWentBack(AssertionRefused):
    """A genuine signature with a counter that is not above the stored one: perhaps a copied authenticator.

    To the person it is the same refusal as every other. The caller flags the credential, writes an audit event and
    tells the owner. `received` and `stored` are the two counters.
    Source: Web Authentication Level 3 section 7.2 step 22.
    """

    def __init__(self, *, received: int, stored: int) -> None:
        """Keep both counters for the audit event."""
        super().__init__(PUBLIC[AssertionRefused], detail=f"counter went back: {received} after {stored}")
        self.received = received
        self.stored = stored


@contextmanager
def one_answer(refusal: type[LoginError]) -> Iterator[None]:
    """Turn whatever goes wrong inside into `refusal`, so that no hostile byte string makes an internal error.

    Raises:
        LoginError: of the class `refusal`; a LoginError from inside passes through unchanged.
    """
    try:
        yield
    except LoginError:
        raise
    except CheckFailed as failed:
        raise refusal(PUBLIC[refusal], detail=str(failed)) from failed
    except Exception as failed:  # parsers of hostile bytes throw anything; all of it is a refusal, none a crash
        detail = f"{type(failed).__name__}: {failed}"[:_DETAIL_LIMIT]
        raise refusal(PUBLIC[refusal], detail=detail) from failed
