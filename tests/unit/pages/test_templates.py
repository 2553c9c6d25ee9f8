"""Every page, in both languages: whole, light, and with nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from tests.unit.pages.conftest import TEMPLATES
from tests.unit.pages.samples import SAMPLES, Sample

if TYPE_CHECKING:
    from flask.testing import FlaskClient

MOST_BYTES = 100_000
FOREIGN = re.compile(r"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//""", re.IGNORECASE)
VIETNAMESE_ONLY = re.compile(r"[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)


class Page(HTMLParser):
    """What a test wants to know of a page."""

    VOID = frozenset({"meta", "link", "input", "br", "path", "circle", "use"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag, and that it is open."""
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the tag that was opened last."""
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def html_of(client: FlaskClient, sample: Sample, language: str) -> str:
    answer = client.get(f"/sample/{sample.name}?lang={language}")
    assert answer.status_code == 200, sample.name
    return answer.text


def size_of(client: FlaskClient, address: str) -> int:
    with client.get(address) as answer:
        return len(answer.data) if answer.status_code == 200 else 0


each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
each_language = pytest.mark.parametrize("language", ["vi", "en"])


@each_sample
@each_language
def test_a_page_has_one_heading_one_language_and_balanced_tags(
    browser_client: FlaskClient, sample: Sample, language: str
) -> None:
    page = Page(html_of(browser_client, sample, language))
    assert page.open == []
    assert len(page.all("h1")) == 1
    assert [tag["lang"] for tag in page.all("html")] == [language]
    identifiers = [attributes["id"] for _tag, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    referred = {name for _tag, a in page.tags for name in (a.get("aria-describedby") or "").split()}
    assert referred <= set(identifiers)


@each_sample
@each_language
def test_a_page_is_light_and_takes_nothing_from_elsewhere(
    browser_client: FlaskClient, sample: Sample, language: str
) -> None:
    html = html_of(browser_client, sample, language)
    ours = html.replace('href="http://localhost:8001/"', "")  # the checked way back
    ours = ours.replace('href="https://dichvucong.example.vn/', "")  # the portal's own texts: read by who clicks
    assert FOREIGN.search(ours) is None
    needed = [tag["src"] for tag in Page(html).all("script")] + [tag["href"] for tag in Page(html).all("link")]
    sizes = [size_of(browser_client, str(address)) for address in needed]
    assert all(sizes)
    assert len(html.encode()) + sum(sizes) < MOST_BYTES


@pytest.mark.spec("SS-11")
@each_sample
def test_a_page_has_no_inline_style_or_script_and_every_script_has_its_nonce(
    browser_client: FlaskClient, sample: Sample
) -> None:
    answer = browser_client.get(f"/sample/{sample.name}")
    page = Page(answer.text)
    assert not page.all("style")
    for _tag, attributes in page.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
    for script in page.all("script"):
        assert script["src"]
        assert f"'nonce-{script['nonce']}'" in answer.headers["Content-Security-Policy"]


@pytest.mark.spec("SS-07")
@each_sample
def test_every_form_that_posts_without_a_script_carries_the_token(browser_client: FlaskClient, sample: Sample) -> None:
    html = html_of(browser_client, sample, "vi")
    for form in re.findall(r"<form.*?</form>", html, re.DOTALL):
        assert 'name="csrf_token"' in form or "data-passkey=" in form
        assert 'method="post"' in form or "data-passkey=" in form


@each_sample
def test_every_page_warns_of_scams_offers_help_and_the_other_language(
    browser_client: FlaskClient, sample: Sample
) -> None:
    html = html_of(browser_client, sample, "vi")
    assert "Chúng tôi không bao giờ gọi điện" in html
    assert 'href="/help"' in html
    assert 'hreflang="en">English</a>' in html
    assert 'hreflang="vi">Tiếng Việt</a>' in html_of(browser_client, sample, "en")


def texts_of_templates() -> list[str]:
    """Return the templates without what is translated, commented or for the machine."""
    sources = [path.read_text("utf-8") for path in sorted(TEMPLATES.glob("**/*.html"))]
    cut = re.compile(r"\{#.*?#\}|\{%-?\s*trans.*?endtrans\s*-?%\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
    return [cut.sub("", source) for source in sources]


def test_no_template_has_a_vietnamese_sentence_that_is_not_translated() -> None:
    texts = texts_of_templates()
    assert len(texts) > 15
    assert [text for text in texts if VIETNAMESE_ONLY.search(text)] == []


def test_what_a_person_typed_is_shown_as_text(browser_client: FlaskClient) -> None:
    html = browser_client.get("/sample/passkeys").text
    assert "&lt;b&gt;Khóa&lt;/b&gt;" in html
    assert "<b>Khóa" not in html
    assert 'value="12&lt;3"' in browser_client.get("/sample/login-wrong").text


@pytest.mark.spec("CO-01")
def test_consent_shows_who_asks_what_why_and_for_how_long(browser_client: FlaskClient) -> None:
    html = browser_client.get("/sample/consent").text
    for shown in ("Cổng Dịch vụ công quốc gia", "Trung tâm Dữ liệu quốc gia", "Nguyễn Thị An", "22/11/2027"):
        assert shown in html
    assert "Căn cứ pháp lý" in html
    assert html.index("099•••••••17") < html.index("099305000017")


@pytest.mark.spec("CO-01")
def test_optional_items_start_unticked_and_both_answers_weigh_the_same(browser_client: FlaskClient) -> None:
    page = Page(browser_client.get("/sample/consent").text)
    boxes = [tag for tag in page.all("input") if tag.get("type") == "checkbox"]
    assert [box["value"] for box in boxes] == ["phone_number", "address"]
    assert not [box for box in boxes if "checked" in box]
    answers = [tag for tag in page.all("button") if tag.get("name") == "answer"]
    assert [answer["value"] for answer in answers] == ["refuse", "agree"]
    assert answers[0]["class"] == answers[1]["class"]
    assert "autofocus" not in answers[0] | answers[1]


def test_a_wrong_field_says_so_beside_itself(browser_client: FlaskClient) -> None:
    html = browser_client.get("/sample/activate-wrong").text
    field = html[html.index('for="code"') : html.index('id="code"')]
    assert "Mã kích hoạt có 14 ký tự." in field
    assert 'role="alert"' in field
    page = Page(html)
    assert [tag.get("aria-invalid") for tag in page.all("input") if tag.get("id") in ("number", "code")] == ["true"] * 2


def test_the_switch_keeps_the_flow_on_pages_that_answer_a_form(browser_client: FlaskClient) -> None:
    assert 'href="/login?tx=transaction&amp;lang=en"' in browser_client.get("/sample/login-number").text
    assert 'href="/activate?tx=transaction&amp;lang=en"' in browser_client.get("/sample/activate-wrong").text
    assert 'href="/logout?asked=sealed&amp;lang=en"' in browser_client.get("/sample/logout").text
