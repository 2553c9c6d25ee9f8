"""What Sen knows before the clock starts: keys, relying parties, citizens with passkeys, sessions and consents.

Everything is written by the stores that the product itself uses; only the pages are passed by.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any

from bench.relying_party import REDIRECT_URI, RESOURCE, RESOURCE_SCOPE, RelyingParties, RelyingParty
from consent import Circumstances, Wording, answer
from consent import decide as decide_consent
from idp import clock
from idp.audit.events import RegisterImported
from idp.citizens.activation import issue_code, parse_code
from idp.citizens.citizen import Person
from idp.citizens.enrolment import Activation, new_user_handle
from idp.citizens.fingerprints import code_hash, number_hash, person_hash
from idp.citizens.login_session import NewSession
from idp.citizens.national_id import PersonalNumber
from idp.citizens.store import RegisterEntry
from idp.cli import clients
from idp.login.passkey import ExpectedCeremony, PasskeyUser, registration_options, verify_registration
from idp.protocol.interaction import OFFLINE, WORDING_VERSION, demand_of
from idp.protocol.records import AuthorizationRequest
from idp.relying_parties.store import StoredClient
from keys import rotate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.citizens.credentials import NewPasskey
    from idp.citizens.enrolment import Activated
    from idp.cli.office import Office
    from idp.services import Services
    from tests.support.authenticator import SoftwareAuthenticator

PURPOSE = "driving-licence"
PERSON = {
    "full_name": "Nguyễn Thị Hoa",
    "birth_date": "02/05/1941",
    "gender": "Nữ",
    "address": "Số 12, phố Hàng Bông, Hà Nội",
    "phone_number": "0912345678",
    "email": "hoa@example.vn",
}


def keys(office: Office) -> None:
    """Make the first signing keys."""
    rotate(store=office.signing_keys, custodians=office.custodians, settings=office.ring_settings, now=clock.now)


def relying_parties(office: Office, *, parties: RelyingParties) -> None:
    """Register the portal (private_key_jwt, pushed requests, ES256), and two systems that ask for themselves.

    The profile `web` is as `fapi2`, but that tokens need not be bound to a key; they are where one is proved.
    """
    portal = {
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "private_key_jwt",
        "id_token_signed_response_alg": "ES256",
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": f"openid {OFFLINE}",
        "purposes": [PURPOSE],
        "jwks": parties.portal.jwks,
    }
    system = {"grant_types": ["client_credentials"], "scope": RESOURCE_SCOPE, "resources": [RESOURCE]}
    by_key = {**system, "token_endpoint_auth_method": "private_key_jwt", "jwks": parties.system.jwks}
    by_secret = {**system, "token_endpoint_auth_method": "client_secret_basic"}
    secret_hash = hashlib.sha256(parties.system_by_secret.secret.encode()).digest()
    _register(office, parties.portal.client_id, profile="web", metadata=portal)
    _register(office, parties.system.client_id, profile="machine", metadata=by_key)
    _register(
        office, parties.system_by_secret.client_id, profile="machine", metadata=by_secret, secret_hash=secret_hash
    )


def _register(
    office: Office, client_id: str, *, profile: str, metadata: Mapping[str, Any], secret_hash: bytes | None = None
) -> None:
    names = {
        "client_id": client_id,
        "client_name#vi": "Cổng thử",
        "client_name#en": "Test portal",
        "owner": {"name#vi": "Cơ quan thử", "name#en": "Test agency"},
    }
    stored = StoredClient(
        client_id=client_id,
        profile=profile,
        metadata={**names, **metadata},
        secret_hash=secret_hash,
        status="approved",
        created_at=clock.now(),
        ended_at=None,
    )
    clients.register(stored, office=office)


def citizen(services: Services, *, office: Office, party: RelyingParty, authenticator: SoftwareAuthenticator) -> str:
    """Activate a citizen with a passkey, record a consent to everything, and return the session's Cookie header."""
    activated = _activate(services, office=office, authenticator=authenticator)
    _agree(services, party=party, activated=activated)
    return f"sen_session={services.journey.open(activated.session, former=None)}"


def _activate(services: Services, *, office: Office, authenticator: SoftwareAuthenticator) -> Activated:
    sealer = office.sealer
    number = PersonalNumber("001141" + "".join(secrets.choice("0123456789") for _ in range(6)))
    person = Person.parse(PERSON)
    hashed = number_hash(sealer=sealer, number=number)
    entry = RegisterEntry(
        number_hash=hashed,
        person=person,
        person_hash=person_hash(sealer=sealer, person=person),
        state="alive",
    )
    event = RegisterImported(actor="operator", rows=1, refused=0)
    office.register_table.put(entries=[entry], event=event)
    code = issue_code(
        number=number,
        account_level=2,
        register=office.register,
        store=office.codes,
        sealer=sealer,
        actor="operator",
    )
    lasting = services.sessions.settings.absolute_seconds
    session = NewSession(
        method="passkey", level=2, amr=("pop", "user", "swk", "mfa"), expires_at=clock.after(seconds=lasting)
    )
    activation = Activation(
        number=number,
        code_hash=code_hash(sealer=sealer, code=parse_code(code.text)),
        person=person,
        passkey=_passkey(services, authenticator=authenticator),
        session=session,
    )
    return office.citizens.activate(activation=activation)


def _passkey(services: Services, *, authenticator: SoftwareAuthenticator) -> NewPasskey:
    settings = services.provider.settings
    challenge, handle = secrets.token_bytes(32), new_user_handle()
    options = registration_options(
        rp_id=settings.rp_id,
        rp_name=settings.passkeys.rp_name,
        user=PasskeyUser(handle=handle, name="bench", display_name="bench"),
        challenge=challenge,
        exclude=(),
        attestation="none",
    )
    credential = authenticator.register(dict(options), origin=settings.server.issuer)
    return verify_registration(
        unverified_response=json.dumps(credential).encode(),
        expected=ExpectedCeremony(challenge=challenge, origin=settings.server.issuer, rp_id=settings.rp_id),
        user_handle=handle,
        name="bench",
        metadata=None,
        now=clock.now(),
    )


def _agree(services: Services, *, party: RelyingParty, activated: Activated) -> None:
    purpose = services.provider.purposes.get(PURPOSE)
    request = AuthorizationRequest(
        client_id=party.client_id,
        redirect_uri=REDIRECT_URI,
        code_challenge="",
        scope=("openid", purpose.scope, OFFLINE),
        purpose=purpose.id,
        claims_userinfo=tuple(item.claim for item in purpose.items),
    )
    now = clock.now()
    decision = decide_consent(demand=demand_of(request=request, purpose=purpose), standing=None, now=now)
    items = answer(decision=decision, ticked=decision.offered, agreed=True)
    circumstances = Circumstances(
        at=now, session_id=activated.session.id, acr=services.provider.assurance.acr_of(activated.session.level)
    )
    wording = Wording(language="vi", version=WORDING_VERSION, text="Cổng thử muốn biết về bạn.")
    services.consents.change(
        lambda ledger: ledger.give(
            subject=activated.citizen.id,
            decision=decision,
            items=items,
            wording=wording,
            circumstances=circumstances,
        )
    )
