"""Settings become services: the only file that knows every store and every room."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from idp import clock
from idp.assurance import Assurance
from idp.citizens.register import LocalRegister, RegisterName
from idp.journal import Journal
from idp.login.journey import Journey
from idp.login.method import Desk
from idp.login.transaction import Transactions
from idp.metrics import Metrics
from idp.outbound import OutboundClient
from idp.protocol.provider import Provider
from idp.relying_parties.details_types import DetailsTypes
from idp.relying_parties.directory import Directory
from idp.relying_parties.jwks import KeySets
from idp.relying_parties.metadata_reader import Deployment
from idp.relying_parties.purposes import PurposeCatalogue
from idp.relying_parties.registration import Registrar
from idp.services import People, Services
from idp.sessions import Sessions
from idp.storage.redis import RedisEphemeral
from idp.storage.sql.activation_codes import SqlActivationCodes
from idp.storage.sql.audit import SqlApprovals, SqlAuditStore
from idp.storage.sql.authorizations import SqlAuthorizations
from idp.storage.sql.citizens import SqlCitizens
from idp.storage.sql.consents import SqlConsents
from idp.storage.sql.database import Database
from idp.storage.sql.keys import SqlKeyStore
from idp.storage.sql.machine_authorizations import SqlMachineAuthorizations
from idp.storage.sql.passkeys import SqlPasskeys
from idp.storage.sql.register import SqlRegister
from idp.storage.sql.relying_parties import SqlRegistrations, SqlRelyingParties
from idp.storage.sql.sessions import SqlSessions
from keys import KeyRing, RingSettings, Sealer, open_custodians
from keys.certificates import Authorities

if TYPE_CHECKING:
    from idp.login.authenticator_metadata import AuthenticatorMetadata
    from idp.settings import Settings


def open_sealer(settings: Settings) -> Sealer:
    """Return the sealer of this deployment's master key."""
    return Sealer(master_key=settings.secrets.master, former_master_keys=settings.secrets.former_masters)


def open_database(settings: Settings) -> Database:
    """Return the database that the settings name."""
    storage = settings.storage
    return Database(
        url=storage.database_url,
        pool_size=storage.pool_size,
        timeout_seconds=storage.timeout_seconds,
        notices=bool(settings.notices.gateway),
    )


def ring_settings(settings: Settings) -> RingSettings:
    """Return how long keys live, from the settings: an ID token comes back as a hint for as long as its session."""
    tokens = settings.tokens
    longest = max(tokens.id_token_seconds, tokens.access_token_seconds, settings.sessions.absolute_seconds)
    return RingSettings(
        algorithms=settings.keys.algorithms,
        cache_seconds=settings.keys.jwks_cache_seconds,
        longest_token_seconds=longest,
        active_seconds=settings.keys.active_days * 86400,
        custodian=settings.keys.custodian,
    )


def build_services(settings: Settings) -> Services:
    """Make every long-lived thing, once per process; nothing connects before it is needed.

    Raises:
        SettingsError: a data file is broken.
    """
    sealer, database = open_sealer(settings), open_database(settings)
    ephemeral = _memory(settings)
    provider = _provider(settings=settings, database=database, ephemeral=ephemeral, sealer=sealer)
    people = _people(settings=settings, database=database, sealer=sealer)
    sessions = Sessions(ephemeral=ephemeral, settings=settings.sessions)
    audit = SqlAuditStore(database)
    metrics = Metrics(folder=Path(settings.metrics.folder))
    journal = Journal(metrics=metrics, says=settings.log.level in {"debug", "info"})

    def close() -> None:
        journal.close()
        database.close()
        ephemeral.close()

    return Services(
        provider=provider,
        people=people,
        sessions=sessions,
        transactions=Transactions(ephemeral=ephemeral, seconds=settings.sessions.transaction_seconds),
        journey=Journey(
            desk=Desk(settings=settings, passkeys=people.passkeys, sealer=sealer, metadata=_metadata(settings)),
            ephemeral=ephemeral,
            sessions=sessions,
            session_store=people.sessions,
            assurance=provider.assurance,
            audit=audit,
        ),
        registrar=_registrar(provider, database=database),
        consents=SqlConsents(database),
        audit=audit,
        metrics=metrics,
        journal=journal,
        checks={
            "database": database.ping,
            "memory": ephemeral.ping,
            "keys": lambda: provider.ring.signing_key("ES256", now=clock.now()),
        },
        close=close,
    )


def _memory(settings: Settings) -> RedisEphemeral:
    storage = settings.storage
    return RedisEphemeral(
        storage.redis_url, connect_seconds=storage.redis_connect_seconds, answer_seconds=storage.redis_answer_seconds
    )


def _provider(*, settings: Settings, database: Database, ephemeral: RedisEphemeral, sealer: Sealer) -> Provider:
    purposes = PurposeCatalogue.load(
        settings.data_file(settings.data.purposes), longest_days=settings.consent.longest_days
    )
    outbound = OutboundClient(settings.outbound)
    return Provider(
        settings=settings,
        ephemeral=ephemeral,
        authorizations=SqlAuthorizations(database=database, sealer=sealer),
        machine_authorizations=SqlMachineAuthorizations(database),
        directory=Directory(
            store=SqlRelyingParties(database),
            key_sets=KeySets(outbound=outbound),
            deployment=Deployment.of(settings, known_purposes=purposes.ids),
        ),
        purposes=purposes,
        details_types=DetailsTypes.load(settings.data_file(settings.data.details_types)),
        assurance=Assurance.load(settings.data_file(settings.data.assurance)),
        ring=KeyRing(
            store=SqlKeyStore(database),
            custodians=open_custodians(sealer=sealer),
            settings=ring_settings(settings),
        ),
        sealer=sealer,
        outbound=outbound,
        approvals=SqlApprovals(database),
        client_authorities=Authorities.load(settings.front.client_authorities),
    )


def _registrar(provider: Provider, *, database: Database) -> Registrar:
    return Registrar(
        provider.settings,
        store=SqlRegistrations(database),
        directory=provider.directory,
        outbound=provider.outbound,
        purposes=provider.purposes,
    )


def _people(*, settings: Settings, database: Database, sealer: Sealer) -> People:
    name = RegisterName(vi=settings.register.name_vi, en=settings.register.name_en)
    return People(
        citizens=SqlCitizens(database=database, sealer=sealer),
        passkeys=SqlPasskeys(database=database, sealer=sealer),
        sessions=SqlSessions(database),
        codes=SqlActivationCodes(database),
        register=LocalRegister(name=name, store=SqlRegister(database=database, sealer=sealer), sealer=sealer),
    )


def _metadata(settings: Settings) -> AuthenticatorMetadata | None:
    if not settings.passkeys.metadata_path:
        return None
    from idp.login.authenticator_metadata import AuthenticatorMetadata  # noqa: PLC0415  dear, and rarely needed

    return AuthenticatorMetadata.load(Path(settings.passkeys.metadata_path), now=clock.now())
