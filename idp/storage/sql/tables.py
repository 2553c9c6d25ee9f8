"""Every table. Keys are UUIDv7 text, instants are whole microseconds since 1970 in UTC, JSON is text.

An instant is an integer because SQLite knows no time zone and two databases must answer the same; `Instant` makes it
an aware datetime where a statement is not hot. Nothing is deleted but what only expires: an end is an `ended_at`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def to_micros(instant: datetime) -> int:
    """Return an aware datetime as whole microseconds since 1970."""
    return round(instant.timestamp() * 1_000_000)


def from_micros(micros: int) -> datetime:
    """Return whole microseconds since 1970 as an aware UTC datetime."""
    return datetime.fromtimestamp(micros / 1_000_000, tz=UTC)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  the contract
        """Turn an aware datetime into microseconds; a naive one is a defect of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        return to_micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  the contract
        """Turn microseconds into an aware UTC datetime."""
        return None if value is None else from_micros(int(value))


def _ends() -> tuple[Column[Any], Column[Any]]:
    """Columns of whatever can be ended, once, with a reason."""
    return Column("ended_at", Instant), Column("ended_reason", Text)


citizen = Table(
    "citizen",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("status", Text, nullable=False),  # active | suspended | deceased | merged
    Column("account_level", Integer, nullable=False),
    Column("user_handle", LargeBinary, nullable=False, unique=True),
    Column("person", LargeBinary, nullable=False),  # sealed JSON of idp/citizens/citizen.py Person
    Column("created_at", Instant, nullable=False),
    *_ends(),
)

citizen_number = Table(
    "citizen_number",
    METADATA,
    Column("number_hash", LargeBinary, primary_key=True),  # keyed hash; the number itself is never a key
    Column("citizen_id", Text, ForeignKey("citizen.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),  # personal | former
    Column("sealed", LargeBinary, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_to", Instant),
)

register_entry = Table(
    "register_entry",
    METADATA,
    Column("number_hash", LargeBinary, primary_key=True),
    Column("person", LargeBinary, nullable=False),  # sealed JSON
    Column("person_hash", LargeBinary, nullable=False),  # keyed hash of name and birth date: "does it still match?"
    Column("state", Text, nullable=False),  # alive | dead | cancelled
    Column("updated_at", Instant, nullable=False),
)

activation_code = Table(
    "activation_code",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("code_hash", LargeBinary, nullable=False, unique=True),
    Column("number_hash", LargeBinary, nullable=False, index=True),
    Column("person_hash", LargeBinary, nullable=False),
    Column("account_level", Integer, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

passkey = Table(
    "passkey",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("citizen_id", Text, ForeignKey("citizen.id"), nullable=False, index=True),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("aaguid", Text, nullable=False),
    Column("backup_eligible", Boolean, nullable=False),
    Column("backed_up", Boolean, nullable=False),
    Column("transports", Text, nullable=False),  # comma-separated
    Column("attested", Boolean, nullable=False),
    Column("biometric_only", Boolean, nullable=False),
    Column("hardware_bound", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    *_ends(),
)

login_session = Table(
    "login_session",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("citizen_id", Text, ForeignKey("citizen.id"), nullable=False, index=True),
    Column("passkey_id", Text, ForeignKey("passkey.id"), nullable=False, index=True),
    Column("level", Integer, nullable=False),
    Column("amr", Text, nullable=False),  # comma-separated
    Column("chain_id", Text, nullable=False, index=True),  # the first of the logins of one browser, one after another
    Column("started_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    *_ends(),
)

relying_party = Table(
    "relying_party",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("profile", Text, nullable=False),
    Column("metadata", Text, nullable=False),  # JSON, RFC 7591 plus ours, checked by metadata_rules
    Column("secret_hash", LargeBinary),  # SHA-256 of a high-entropy secret
    Column("status", Text, nullable=False),  # pending | approved | suspended | ended
    Column("registration_hash", LargeBinary),  # SHA-256 of the token by which it changes its own registration
    Column("allowance", Text),  # JSON: what the token that it was registered with allowed
    Column("created_at", Instant, nullable=False),
    *_ends(),
)

initial_access_token = Table(
    "initial_access_token",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),  # SHA-256
    Column("allowance", Text, nullable=False),  # JSON of idp/relying_parties/store.py Allowance
    Column("uses_left", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    *_ends(),
)

consent_wording = Table(
    "consent_wording",
    METADATA,
    Column("sha256", Text, primary_key=True),
    Column("language", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("text", Text, nullable=False),
)

consent = Table(
    "consent",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("citizen_id", Text, ForeignKey("citizen.id"), nullable=False),
    Column("client_id", Text, ForeignKey("relying_party.client_id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("items", Text, nullable=False),  # JSON list of consent/record.py ConsentItem
    Column("wording_sha256", Text, ForeignKey("consent_wording.sha256"), nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("acr", Text, nullable=False),
    Column("supersedes", Text),
    Index("ix_consent_current", "citizen_id", "client_id", "purpose", "given_at"),
)

consent_withdrawal = Table(
    "consent_withdrawal",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("consent_id", Text, ForeignKey("consent.id"), nullable=False, unique=True),
    Column("citizen_id", Text, nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),  # citizen | officer | system
    Column("reason", Text, nullable=False),
)

authorization = Table(
    "authorization",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("grant_type", Text, nullable=False),
    Column("client_id", Text, ForeignKey("relying_party.client_id"), nullable=False, index=True),
    Column("citizen_id", Text, ForeignKey("citizen.id"), index=True),  # none for grants without a person
    Column("passkey_id", Text, ForeignKey("passkey.id"), index=True),
    Column("session_id", Text, ForeignKey("login_session.id"), index=True),
    Column("consent_id", Text, ForeignKey("consent.id"), index=True),
    Column("code_hash", LargeBinary, unique=True),  # SHA-256: a code that comes back from the dead is refused here
    Column("refresh_hash", LargeBinary, unique=True),  # SHA-256 of the refresh token that is good now
    Column("refresh_previous_hash", LargeBinary, unique=True),  # the one before, where a profile rotates
    Column("refresh_rotated_at", Instant),
    Column("refresh_expires_at", Instant),  # absolute
    Column("offline", Boolean, nullable=False),  # outlives the login session's ordinary end
    Column("scope", Text, nullable=False),  # space-separated
    Column("claims", Text, nullable=False),  # space-separated claims for userinfo
    Column("resource", Text),  # the resource server that access tokens are for; none: userinfo
    Column("authorization_details", Text),  # JSON, RFC 9396
    Column("parent_id", Text, ForeignKey("authorization.id"), index=True),  # the one that it was exchanged from
    Column("act", Text),  # JSON: who acts for the subject, RFC 8693 section 4.1
    Column("subject", Text, index=True),  # the pairwise sub that this relying party sees
    Column("acr", Text),
    Column("amr", Text),
    Column("account_level", Integer),
    Column("auth_time", BigInteger),  # seconds since 1970, as in the token
    Column("dpop_jkt", Text),  # RFC 9449 thumbprint that tokens are bound to
    Column("certificate_x5t", Text),  # RFC 8705 thumbprint that tokens are bound to
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    *_ends(),
)

signing_key = Table(
    "signing_key",
    METADATA,
    Column("kid", Text, primary_key=True),
    Column("alg", Text, nullable=False),
    Column("state", Text, nullable=False),  # announced | active | retiring | gone
    Column("custodian", Text, nullable=False),
    Column("sealed_private", LargeBinary, nullable=False),
    Column("public_jwk", Text, nullable=False),  # JSON
    Column("announced_at", Instant, nullable=False),
    Column("active_at", Instant),
    Column("retiring_at", Instant),
    Column("gone_at", Instant),
    Column("ended_reason", Text),
)

audit_event = Table(
    "audit_event",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("type", Text, nullable=False),
    Column("actor", Text, nullable=False),  # citizen:<id> | client:<id> | operator | worker | anyone
    Column("citizen_id", Text, index=True),
    Column("client_id", Text),
    Column("object", Text),  # the id of what was changed
    Column("correlation", Text, nullable=False),  # the same id as in the log lines of this request
    Column("details", Text, nullable=False),  # JSON without personal data
)

outbox = Table(
    "outbox",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),  # who is to receive it; with `kind`, what may be away alone
    Column("payload", Text, nullable=False),  # JSON without secrets and without tokens
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant),  # when to try next; while it is tried, when another may; none once done
    Column("attempts", Integer, nullable=False),
    Column("done_at", Instant),
    Column("outcome", Text),  # delivered | refused | given_up
    Column("last_error", Text),  # why the last attempt failed, in words
    Index("ix_outbox_waiting", "target", "kind", "due_at", "id", **_where("due_at IS NOT NULL")),
    Index("ix_outbox_failing", "target", "kind", **_where("due_at IS NOT NULL AND last_error IS NOT NULL")),
    Index("ix_outbox_error", "target", "kind", "id", **_where("last_error IS NOT NULL")),
)
