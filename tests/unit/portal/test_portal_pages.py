"""The pages of the demo portal: complete in both languages, and nothing from elsewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

    from flask.testing import FlaskClient

ROOT = Path(__file__).parents[3]
PORTAL = ROOT / "examples" / "portal"
PURPOSES = ROOT / "config" / "purposes.toml"


def test_the_start_page_lists_every_service_with_its_level_in_both_languages(browser: FlaskClient) -> None:
    vietnamese, english = browser.get("/").text, browser.get("/?lang=en").text
    for row in tomllib.loads(PURPOSES.read_text(encoding="utf-8"))["purposes"]:
        if row["id"] != "login":
            assert f"/start/{row['id']}" in vietnamese
            assert row["name"]["vi"] in vietnamese
            assert row["name"]["en"] in english
    assert '<html lang="vi">' in vietnamese
    assert '<html lang="en">' in english
    assert "Mức độ xác thực 3" in vietnamese


def test_a_chosen_language_stays_and_an_unknown_one_changes_nothing(browser: FlaskClient) -> None:
    browser.get("/?lang=en")
    assert '<html lang="en">' in browser.get("/").text
    assert '<html lang="en">' in browser.get("/?lang=../../etc/passwd").text


def keys(table: dict[str, Any]) -> dict[str, Any]:
    return {key: keys(value) if isinstance(value, dict) else None for key, value in table.items()}


def test_texts_are_complete_in_both_languages() -> None:
    texts = tomllib.loads((PORTAL / "texts.toml").read_text(encoding="utf-8"))
    assert keys(texts["vi"]) == keys(texts["en"])
    used = {word for page in (PORTAL / "templates").iterdir() for word in re.findall(r"\bt\.(\w+)", page.read_text())}
    assert used <= texts["vi"].keys()
    assert texts["vi"].keys() - used == {"notice_logged_out"}
    assert not used & set(dir(dict)), "Jinja would find the method of the table first"
    asked = {
        item["claim"]
        for row in tomllib.loads(PURPOSES.read_text(encoding="utf-8"))["purposes"]
        for item in row["items"]
    }
    assert asked <= texts["vi"]["claim"].keys()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_problem_has_a_page_that_says_what_to_do_and_offers_a_way_on(browser: FlaskClient, language: str) -> None:
    texts = tomllib.loads((PORTAL / "texts.toml").read_text(encoding="utf-8"))[language]["problem"]
    for code, text in texts.items():
        page = browser.get(f"/problem/{code}/e-tax?lang={language}").text
        assert text["title"] in page
        assert text["todo"] in page
        assert 'href="/start/e-tax"' in page


def test_a_problem_that_nobody_foresaw_shows_nothing_of_the_address(browser: FlaskClient) -> None:
    page = browser.get("/problem/%3Cscript%3E/unheard-of").text
    assert "script" not in page
    assert "Chưa đăng nhập được" in page


@pytest.mark.parametrize("path", ["/nowhere", "/start/unheard-of"])
def test_an_unknown_address_gets_a_kind_page(browser: FlaskClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "Không có trang này" in answer.text


@pytest.mark.parametrize("path", ["/", "/problem/lost/login", "/nowhere"])
def test_pages_load_nothing_from_elsewhere_and_are_not_kept(browser: FlaskClient, path: str) -> None:
    answer = browser.get(path)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert not re.search(r'(src|href)="(https?:)?//', answer.text)
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("birthdate", "shown"),
    [("2005-02-14", "14/02/2005"), ("1941", "1941"), ("1941-00-00", "1941"), ("1941-05", "05/1941")],
)
def test_a_birth_date_may_be_a_year_alone(portal: ModuleType, birthdate: str, shown: str) -> None:
    assert portal.app.jinja_env.filters["date"](birthdate) == shown


def test_a_vietnamese_phone_number_is_written_as_it_is_dialled_at_home(portal: ModuleType) -> None:
    write = portal.app.jinja_env.filters["phone"]
    assert [write(number) for number in ("+84938363633", "+33142685300")] == ["0938 363 633", "+33142685300"]


def test_the_memory_forgets_in_time_and_keeps_the_newest(portal: ModuleType) -> None:
    memory = portal.Memory(most=2)
    for key in ("a", "b", "c"):
        memory.set(key, key, 60)
    memory.set("old", "old", -1)
    assert [memory.get(key) for key in ("a", "b", "c", "old")] == [None, None, "c", None]
