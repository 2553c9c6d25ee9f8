"""Answers to a citizen or an operator."""

from __future__ import annotations

from typing import ClassVar

from idp.errors.root import SenError


class LoginError(SenError):
    """An answer to a citizen; `reason` picks the text of the page, and every kind has its own."""

    reason: ClassVar[str]
    status: ClassVar[int] = 400


class AssertionRefused(LoginError):
    """The passkey, the challenge or the person did not fit: one answer for every reason."""

    reason = "assertion_refused"


class RegistrationRefused(LoginError):
    """A new passkey did not fit."""

    reason = "registration_refused"


class CodeRefused(LoginError):
    """Number and code did not fit: one answer for every reason."""

    reason = "code_refused"


class AccountRefused(CodeRefused):
    """A code that is good does not open the account of its number.

    `answer` says why: `suspended`, `ended`, of a higher `level`, of another `person`, or under another `number` now.
    """

    def __init__(self, public: str, *, answer: str, detail: str = "") -> None:
        """Keep the reason for an operator, and for who proved the code; the text is that of any other code."""
        super().__init__(public, detail=detail)
        self.answer = answer


class TooManyAttempts(LoginError):
    """A limit was reached; `wait_seconds` says for how long."""

    reason = "too_many_attempts"
    status = 429

    def __init__(self, public: str, *, wait_seconds: int, detail: str = "") -> None:
        """Keep how long to wait beside the text."""
        super().__init__(public, detail=detail)
        self.wait_seconds = wait_seconds

    @property
    def wait_minutes(self) -> int:
        """How long to wait in the words of a page: whole minutes, rounded up."""
        return -(-self.wait_seconds // 60)


class TransactionLost(LoginError):
    """The login was begun in another browser, or too long ago."""

    reason = "transaction_lost"


class RegisterAnswer(LoginError):
    """What the population register said: `not_found`, `does_not_match` or `unavailable`."""

    reason = "register"

    def __init__(self, public: str, *, answer: str, register: str, detail: str = "") -> None:
        """Keep the answer and the register's name beside the text."""
        super().__init__(public, detail=detail)
        self.answer = answer
        self.register = register


class OutboundError(SenError):
    """A call to another did not come about; the public text begins with a capital "Its" or "It": the address."""


class OutboundRefused(OutboundError):
    """The address is not one that is called from here; trying again is no use."""


class NoAnswer(OutboundError):
    """Nothing acceptable came in time; trying again may help."""


class SettingsError(SenError):
    """Settings are broken; `reasons` lists all of them."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        """Keep every reason; the public text lists them."""
        super().__init__("\n".join(reasons))
        self.reasons = reasons


class NotKnown(SenError):
    """An operator named something that is not there."""
