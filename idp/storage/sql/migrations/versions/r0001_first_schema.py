"""The first schema: every table as it was when Sen was first installed somewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FIRST = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# The tables as they were then, not as they are now: a later revision changes them, never this file.
sa.Table(
    "activation_code",
    FIRST,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("code_hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("number_hash", sa.LargeBinary, nullable=False, index=True),
    sa.Column("person_hash", sa.LargeBinary, nullable=False),
    sa.Column("account_level", sa.Integer, nullable=False),
    sa.Column("issued_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger),
)
sa.Table(
    "audit_event",
    FIRST,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("citizen_id", sa.Text, index=True),
    sa.Column("client_id", sa.Text),
    sa.Column("object", sa.Text),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("details", sa.Text, nullable=False),
)
sa.Table(
    "citizen",
    FIRST,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("account_level", sa.Integer, nullable=False),
    sa.Column("user_handle", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("person", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("ended_reason", sa.Text),
)
sa.Table(
    "consent_wording",
    FIRST,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
sa.Table(
    "outbox",
    FIRST,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger, index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("done_at", sa.BigInteger),
    sa.Column("outcome", sa.Text),
    sa.Column("last_error", sa.Text),
    sa.Index("ix_outbox_target", "target", "due_at"),
)
sa.Table(
    "register_entry",
    FIRST,
    sa.Column("number_hash", sa.LargeBinary, primary_key=True),
    sa.Column("person", sa.LargeBinary, nullable=False),
    sa.Column("person_hash", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)
sa.Table(
    "relying_party",
    FIRST,
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("metadata", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.LargeBinary),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("registration_hash", sa.LargeBinary),
    sa.Column("allowance", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("ended_reason", sa.Text),
)
sa.Table(
    "initial_access_token",
    FIRST,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("allowance", sa.Text, nullable=False),
    sa.Column("uses_left", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("ended_reason", sa.Text),
)
sa.Table(
    "signing_key",
    FIRST,
    sa.Column("kid", sa.Text, primary_key=True),
    sa.Column("alg", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("custodian", sa.Text, nullable=False),
    sa.Column("sealed_private", sa.LargeBinary, nullable=False),
    sa.Column("public_jwk", sa.Text, nullable=False),
    sa.Column("announced_at", sa.BigInteger, nullable=False),
    sa.Column("active_at", sa.BigInteger),
    sa.Column("retiring_at", sa.BigInteger),
    sa.Column("gone_at", sa.BigInteger),
    sa.Column("ended_reason", sa.Text),
)
sa.Table(
    "citizen_number",
    FIRST,
    sa.Column("number_hash", sa.LargeBinary, primary_key=True),
    sa.Column("citizen_id", sa.Text, sa.ForeignKey("citizen.id"), nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("valid_from", sa.BigInteger, nullable=False),
    sa.Column("valid_to", sa.BigInteger),
)
sa.Table(
    "consent",
    FIRST,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("citizen_id", sa.Text, sa.ForeignKey("citizen.id"), nullable=False),
    sa.Column("client_id", sa.Text, sa.ForeignKey("relying_party.client_id"), nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("items", sa.Text, nullable=False),
    sa.Column("wording_sha256", sa.Text, sa.ForeignKey("consent_wording.sha256"), nullable=False),
    sa.Column("given_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("acr", sa.Text, nullable=False),
    sa.Column("supersedes", sa.Text),
    sa.Index("ix_consent_current", "citizen_id", "client_id", "purpose", "given_at"),
)
sa.Table(
    "passkey",
    FIRST,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("citizen_id", sa.Text, sa.ForeignKey("citizen.id"), nullable=False, index=True),
    sa.Column("credential_id", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("aaguid", sa.Text, nullable=False),
    sa.Column("backup_eligible", sa.Boolean, nullable=False),
    sa.Column("backed_up", sa.Boolean, nullable=False),
    sa.Column("transports", sa.Text, nullable=False),
    sa.Column("attested", sa.Boolean, nullable=False),
    sa.Column("biometric_only", sa.Boolean, nullable=False),
    sa.Column("hardware_bound", sa.Boolean, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("last_used_at", sa.BigInteger),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("ended_reason", sa.Text),
)
sa.Table(
    "consent_withdrawal",
    FIRST,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("consent_id", sa.Text, sa.ForeignKey("consent.id"), nullable=False, unique=True),
    sa.Column("citizen_id", sa.Text, nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
sa.Table(
    "login_session",
    FIRST,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("citizen_id", sa.Text, sa.ForeignKey("citizen.id"), nullable=False, index=True),
    sa.Column("passkey_id", sa.Text, sa.ForeignKey("passkey.id"), nullable=False, index=True),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("amr", sa.Text, nullable=False),
    sa.Column("chain_id", sa.Text, nullable=False, index=True),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("ended_reason", sa.Text),
)
sa.Table(
    "authorization",
    FIRST,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("grant_type", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, sa.ForeignKey("relying_party.client_id"), nullable=False, index=True),
    sa.Column("citizen_id", sa.Text, sa.ForeignKey("citizen.id"), index=True),
    sa.Column("passkey_id", sa.Text, sa.ForeignKey("passkey.id"), index=True),
    sa.Column("session_id", sa.Text, sa.ForeignKey("login_session.id"), index=True),
    sa.Column("consent_id", sa.Text, sa.ForeignKey("consent.id"), index=True),
    sa.Column("code_hash", sa.LargeBinary, unique=True),
    sa.Column("refresh_hash", sa.LargeBinary, unique=True),
    sa.Column("refresh_previous_hash", sa.LargeBinary, unique=True),
    sa.Column("refresh_rotated_at", sa.BigInteger),
    sa.Column("refresh_expires_at", sa.BigInteger),
    sa.Column("offline", sa.Boolean, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("claims", sa.Text, nullable=False),
    sa.Column("resource", sa.Text),
    sa.Column("authorization_details", sa.Text),
    sa.Column("parent_id", sa.Text, sa.ForeignKey("authorization.id"), index=True),
    sa.Column("act", sa.Text),
    sa.Column("subject", sa.Text, index=True),
    sa.Column("acr", sa.Text),
    sa.Column("amr", sa.Text),
    sa.Column("account_level", sa.Integer),
    sa.Column("auth_time", sa.BigInteger),
    sa.Column("dpop_jkt", sa.Text),
    sa.Column("certificate_x5t", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("last_used_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("ended_reason", sa.Text),
)


def upgrade() -> None:
    """Make all of them; there is no way back but a backup, because data may be lost on it."""
    FIRST.create_all(op.get_bind(), checkfirst=False)
