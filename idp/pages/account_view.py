"""What the account pages show: services, sessions and history, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import orjson

from consent import Names
from idp import clock
from idp.notices import NOTICES
from idp.pages import _visit
from idp.pages._words import current_language
from idp.pages._words import gettext as _
from idp.pages.consent_page.content import only_identifier
from idp.pages.consent_page.items import item_name
from idp.pages.languages import day, moment, time_of_day
from idp.protocol.logout import initiate_login_address
from idp.relying_parties.purposes import SCOPE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from consent import Consent, Standing
    from idp.audit.log import AuditRecord
    from idp.citizens.login_session import LoginSession
    from idp.sessions import Held


NEWS_AGE = timedelta(days=30)
MOST_NEWS = 5
MOST_PAST = 50
OFFICE = "operator"


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One portal and purpose that has data of mine."""

    id: str
    portal: str
    purpose: str
    items: tuple[str, ...]
    since: str
    until: str
    open_url: str | None


@dataclass(frozen=True, slots=True)
class PastView:
    """One portal and purpose that had data of mine."""

    id: str
    portal: str
    purpose: str
    ended: str


@dataclass(frozen=True, slots=True)
class SessionView:
    """One place where I am logged in."""

    id: str
    since: str
    level: str
    passkey: str
    current: bool


@dataclass(frozen=True, slots=True)
class ActivityLine:
    """One thing that happened."""

    time: str
    sentence: str
    portal: str | None
    service: str | None
    level: str | None
    code: str


def portal_name(client_id: str) -> str:
    """Return what a portal is called; one that is gone keeps its id."""
    client = _visit.services().provider.directory.registered(client_id)
    return client.text(client.name, current_language()) if client else client_id


def open_url(client_id: str) -> str | None:
    """Return where a login at a portal begins when it is we who send the citizen (OpenID Connect Core section 4)."""
    provider = _visit.services().provider
    client = provider.directory.registered(client_id)
    return None if client is None else initiate_login_address(client=client, issuer=provider.issuer)


def service_views(current: Sequence[Consent]) -> tuple[ServiceView, ...]:
    """Return who has data of a citizen by the consents in force."""
    return tuple(
        ServiceView(
            id=given.id,
            portal=portal_name(given.recipient),
            purpose=_purpose_name(given.purpose),
            items=tuple(item_name(item.claim) for item in given.items if item.granted) or (only_identifier(),),
            since=day(given.given_at),
            until=day(given.expires_at),
            open_url=open_url(given.recipient),
        )
        for given in current
    )


def past_views(ended: Sequence[Standing]) -> tuple[PastView, ...]:
    """Return who had data of a citizen, and until when, by the consents that are over."""
    return tuple(
        PastView(
            id=standing.consent.id,
            portal=portal_name(standing.consent.recipient),
            purpose=_purpose_name(standing.consent.purpose),
            ended=day(standing.withdrawal.at if standing.withdrawal else standing.consent.expires_at),
        )
        for standing in ended[:MOST_PAST]
    )


def _purpose_name(purpose: str) -> str:
    """Return what a purpose is called; one that is gone keeps its id."""
    purposes = _visit.services().provider.purposes.purposes
    return purposes[purpose].name[current_language()] if purpose in purposes else purpose


def receipt_names(standing: Standing) -> Names:
    """Return what the things in a consent are called in the language of the page."""
    provider, given, language = _visit.services().provider, standing.consent, current_language()
    level = provider.assurance.level_for(given.acr)
    return Names(
        language=language,
        recipient=portal_name(given.recipient),
        purpose=_purpose_name(given.purpose),
        claims={item.claim: item_name(item.claim) for item in given.items},
        bases={basis: texts[language] for basis, texts in provider.purposes.legal_bases.items()},
        acr=given.acr if level is None else provider.assurance.level_name(level, language=language),
    )


def session_views(held: Held) -> tuple[SessionView, ...]:
    """Return where this citizen is logged in; of the logins of one browser, the newest stands for all."""
    services = _visit.services()
    names = {
        passkey.id: passkey.name for passkey in services.people.passkeys.of_citizen(citizen_id=held.session.citizen_id)
    }
    newest: dict[str, LoginSession] = {}
    for session in services.people.sessions.of_citizen(citizen_id=held.session.citizen_id):
        newest.setdefault(session.chain_id, session)
    views = (
        SessionView(
            id=session.id,
            since=moment(session.started_at),
            level=str(session.level),
            passkey=names.get(session.passkey_id, ""),
            current=session.chain_id == held.session.chain_id,
        )
        for session in newest.values()
    )
    return tuple(sorted(views, key=lambda view: not view.current))


def _sentence(record: AuditRecord) -> str | None:
    """Return what happened in one sentence; None for what is no news to the citizen."""
    sentences = {
        "ActivationCodeIssued": _("Đã cấp mã kích hoạt mới"),
        "CitizenActivated": _("Đã kích hoạt tài khoản"),
        "CitizenEnded": _("Đã khóa tài khoản"),
        "PersonRefreshed": _("Đã cập nhật thông tin cá nhân theo cơ sở dữ liệu dân cư"),
        "NumberGiven": _("Đã đổi số định danh cá nhân"),
        "PasskeyAdded": _("Đã tạo khóa truy cập mới"),
        "PasskeyRenamed": _("Đã đổi tên khóa truy cập"),
        "PasskeyEnded": _("Đã xóa khóa truy cập"),
        "PasskeyCounterWentBack": _("Đã từ chối một khóa truy cập có dấu hiệu bị sao chép"),
        "LoginSucceeded": _("Đã đăng nhập"),
        "SessionEnded": _("Đã kết thúc phiên đăng nhập"),
        "ConsentGiven": _("Đã đồng ý chia sẻ thông tin"),
        "ConsentRefused": _("Đã từ chối chia sẻ thông tin"),
        "ConsentWithdrawn": _("Đã rút lại sự đồng ý"),
        "AuthorizationGranted": _("Đã gửi thông tin mà bạn đồng ý"),
        "WaitingRequestApproved": _("Đã xác nhận một yêu cầu từ thiết bị khác"),
        "WaitingRequestRefused": _("Đã từ chối một yêu cầu từ thiết bị khác"),
        "WaitingRequestDisowned": _("Đã báo “Không phải tôi” với một cổng"),
        "AuthorizationEnded": _("Đã ngừng gửi thông tin"),
    }
    return sentences.get(record.type)


def news_lines(records: Sequence[AuditRecord]) -> list[str]:
    """Return what has happened of late to the keys of this account, newest first, in words with its time."""
    since = clock.now() - NEWS_AGE
    news = (record for record in records if record.at > since and _is_news(record))
    return [f"{moment(record.at)}: {_sentence(record)}" for record in islice(news, MOST_NEWS)]


def _is_news(record: AuditRecord) -> bool:
    """Tell what the citizen has to see without looking for it: changes of keys, and ends by somebody else."""
    return record.type in NOTICES or (record.type == "SessionEnded" and record.actor == OFFICE)


def _purpose_of(details: Mapping[str, Any]) -> str | None:
    """Return the purpose that an event is about, by its name or in its scope, or None."""
    named = (value for value in str(details.get("scope", "")).split() if value.startswith(SCOPE_PREFIX))
    return details.get("purpose") or next((value.removeprefix(SCOPE_PREFIX) for value in named), None)


def activity_lines(records: Sequence[AuditRecord]) -> list[Mapping[str, Any]]:
    """Return the history by day, newest first."""
    assurance, language = _visit.services().provider.assurance, current_language()
    lines: list[tuple[str, ActivityLine]] = []
    for record in records:
        sentence = _sentence(record)
        if sentence is None:
            continue
        details = orjson.loads(record.details)
        level, purpose = details.get("level"), _purpose_of(details)
        line = ActivityLine(
            time=time_of_day(record.at),
            sentence=sentence,
            portal=portal_name(record.client_id) if record.client_id else None,
            service=_purpose_name(purpose) if purpose else None,
            level=assurance.level_name(level, language=language) if level else None,
            code=record.correlation,
        )
        lines.append((day(record.at), line))
    return [
        {"day": name, "lines": [line for _day, line in group]}
        for name, group in groupby(lines, key=lambda pair: pair[0])
    ]
