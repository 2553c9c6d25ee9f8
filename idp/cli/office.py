"""Office: what an operator's command works with, opened for as long as the command runs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from idp import settings as settings_room
from idp.audit.log import new_correlation
from idp.citizens.register import LocalRegister, RegisterName
from idp.errors import SettingsError
from idp.storage.sql import migrate
from idp.storage.sql.activation_codes import SqlActivationCodes
from idp.storage.sql.authorizations import SqlAuthorizations
from idp.storage.sql.citizens import SqlCitizens
from idp.storage.sql.keys import SqlKeyStore
from idp.storage.sql.passkeys import SqlPasskeys
from idp.storage.sql.register import SqlRegister
from idp.storage.sql.relying_parties import SqlRegistrations, SqlRelyingParties
from idp.storage.sql.sessions import SqlSessions
from idp.wiring import open_database, open_sealer, ring_settings
from keys import open_custodians

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idp.settings import Settings
    from idp.storage.sql.database import Database
    from keys import Custodian, RingSettings, Sealer

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Office:
    """Settings, the database and the secrets; every store is made on demand from these."""

    settings: Settings
    database: Database
    sealer: Sealer

    @property
    def citizens(self) -> SqlCitizens:
        """Accounts."""
        return SqlCitizens(database=self.database, sealer=self.sealer)

    @property
    def codes(self) -> SqlActivationCodes:
        """Activation codes."""
        return SqlActivationCodes(self.database)

    @property
    def passkeys(self) -> SqlPasskeys:
        """Passkeys."""
        return SqlPasskeys(database=self.database, sealer=self.sealer)

    @property
    def sessions(self) -> SqlSessions:
        """Login sessions."""
        return SqlSessions(self.database)

    @property
    def register_table(self) -> SqlRegister:
        """The local register's table."""
        return SqlRegister(database=self.database, sealer=self.sealer)

    @property
    def register(self) -> LocalRegister:
        """The local register, as a register."""
        name = RegisterName(vi=self.settings.register.name_vi, en=self.settings.register.name_en)
        return LocalRegister(name=name, store=self.register_table, sealer=self.sealer)

    @property
    def relying_parties(self) -> SqlRelyingParties:
        """Relying parties."""
        return SqlRelyingParties(self.database)

    @property
    def registrations(self) -> SqlRegistrations:
        """What lets relying parties register themselves."""
        return SqlRegistrations(self.database)

    @property
    def authorizations(self) -> SqlAuthorizations:
        """What relying parties may do."""
        return SqlAuthorizations(database=self.database, sealer=self.sealer)

    @property
    def signing_keys(self) -> SqlKeyStore:
        """Token-signing keys."""
        return SqlKeyStore(self.database)

    @property
    def custodians(self) -> dict[str, Custodian]:
        """Whoever keeps private keys."""
        return open_custodians(sealer=self.sealer)

    @property
    def ring_settings(self) -> RingSettings:
        """How the ring of signing keys lives."""
        return ring_settings(self.settings)


@contextmanager
def opened(settings: Settings | None = None) -> Iterator[Office]:
    """Open the office under the process's settings, or under those given; whatever state the database is in.

    Raises:
        SettingsError: settings are broken.
    """
    settings = settings_room.load() if settings is None else settings
    database, sealer = open_database(settings), open_sealer(settings)
    try:
        yield Office(settings=settings, database=database, sealer=sealer)
    finally:
        database.close()


@contextmanager
def at_work() -> Iterator[Office]:
    """Open the office for a command that needs the database as this release knows it.

    Raises:
        SettingsError: settings are broken, or the database lacks a migration.
    """
    new_correlation()
    with opened() as office:
        require_no_pending(office.database)
        yield office


def require_no_pending(database: Database) -> None:
    """Refuse a database that is behind.

    Raises:
        SettingsError: it lacks migrations; the text says what to do.
    """
    missing = migrate.pending(database)
    if missing:
        raise SettingsError((f"The database lacks the migrations {', '.join(missing)}: run `sen db upgrade`.",))


def database_file(settings: Settings) -> Path | None:
    """Return the file of a SQLite database, or None for a database elsewhere."""
    scheme, _, path = settings.storage.database_url.partition(":///")
    return Path(path).absolute() if scheme.startswith("sqlite") and path else None


def make_database_folder(settings: Settings) -> None:
    """Make the folder that a SQLite database lies in, for its owner alone.

    Raises:
        SettingsError: it cannot be made.
    """
    file = database_file(settings)
    if file is None:
        return
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError((f"The folder {file.parent} cannot be made: {error.strerror}.",)) from error
