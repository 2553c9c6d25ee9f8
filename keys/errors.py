"""What can go wrong with a key or with something signed, drawn as a tree. All of it is for the log, none for a page.

KeysError
├── JoseRefused            a token, its header, its claims or a key set is not what was expected; `reason` says how
│   ├── SignerUnknown      no known key fits: a fresh copy of the signer's key set may help, once
│   └── RecipientUnknown   no key fits that something could be encrypted to
├── WeakKey                a public key too small, off its curve, or made by a broken generator
├── SealBroken             sealed bytes were changed, moved, or sealed under a master key that is not here
├── NoActiveKey            nothing to sign with, or what we know of our keys is too old to be trusted
└── UnknownKey             an operator named a key that is not there
"""

from __future__ import annotations


class KeysError(Exception):
    """The root of everything that `keys` raises."""


class JoseRefused(KeysError):
    """Something about a JOSE object is wrong; `reason` is for the log and quotes nothing of the object."""

    def __init__(self, reason: str) -> None:
        """Keep the reason beside the exception."""
        super().__init__(reason)
        self.reason = reason


class SignerUnknown(JoseRefused):
    """None of the given keys is the one that the header speaks of."""


class RecipientUnknown(JoseRefused):
    """None of the given keys is one that something may be encrypted to with the registered algorithm."""


class WeakKey(KeysError):
    """A public key that must not be relied on, at registration or later."""


class SealBroken(KeysError):
    """Sealed bytes do not open: changed, for another purpose or context, or from an unknown master key."""


class NoActiveKey(KeysError):
    """No key may be used now: none is active, or the store has been silent for too long."""


class UnknownKey(KeysError):
    """There is no key of this name."""
