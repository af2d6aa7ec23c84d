import logging
from datetime import UTC, datetime
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from django.conf import settings as here
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from marketingsuite.asgi import application
from tests.tracking.samples import (
    ACCOUNT,
    CLIENT,
    MESSAGE,
    Answer,
    asked,
    click_url,
    in_loop,
    pixel_url,
    request,
    scope_of,
    wait_until,
)
from tracking import unsubscribing
from tracking.blocks import blocks
from tracking.intake import intake
from tracking.models import Block, Event
from tracking.tokens import Keyring, Link, sign_unsubscribe

pytestmark = pytest.mark.usefixtures("spool_folder")

FORM = b"application/x-www-form-urlencoded"
ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = b'--b42\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b42--\r\n'


def unsubscribe_url() -> str:
    return f"/u/{sign_unsubscribe(Link(ACCOUNT, MESSAGE, 0), here.TRACKING_KEYS)}"


def get(url: str, method: str = "GET", **headers: bytes) -> Answer:
    return request(url, method, headers=lines(headers))


def post(url: str, body: bytes = ONE_CLICK, content_type: bytes = FORM, **headers: bytes) -> Answer:
    return in_loop(asked(url, "POST", body=body, headers=lines({"content_type": content_type, **headers})))


def lines(headers: dict[str, bytes]) -> list[tuple[bytes, bytes]]:
    return [(name.replace("_", "-").encode(), value) for name, value in headers.items()]


def catalogue(words: dict[str, str]) -> bytes:
    """A compiled translation, as gettext reads it (GNU gettext manual, 10.3)."""
    pairs = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **words}.items())
    texts = [text.encode() for column in zip(*pairs, strict=True) for text in column]
    table, start = b"", 28 + 8 * len(texts)
    for text in texts:
        table += pack("<II", len(text), start)
        start += len(text) + 1
    head = pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return head + table + b"".join(text + b"\0" for text in texts)


def events() -> list[Event]:
    return list(Event.objects.order_by("id"))


def nothing_was_kept(folder: Path) -> bool:
    # Whatever was taken before this one would be stored by now.
    request(pixel_url())
    wait_until(Event.objects.exists)
    return [event.type for event in events()] == ["open"] and not list(folder.glob("*.hits"))


# As Gmail sends it.
def test_a_one_click_post_is_kept_at_once_and_says_so() -> None:
    answer = post(unsubscribe_url(), user_agent=b"Google-Mail-Unsubscribe", referer=b"https://mail.google.com/")
    assert answer.status == 200
    assert "You are unsubscribed" in answer.body.decode()
    wait_until(Event.objects.exists)
    (event,) = events()
    assert (event.type, event.account_id, event.message_id) == ("unsubscribe", ACCOUNT, MESSAGE)
    seen = {"ip": CLIENT[0], "useragent": "Google-Mail-Unsubscribe", "referer": "https://mail.google.com/"}
    assert event.data == seen


def test_a_one_click_post_may_be_multipart() -> None:
    assert post(unsubscribe_url(), MULTIPART, b"multipart/form-data; boundary=b42").status == 200
    wait_until(Event.objects.exists)
    assert events()[0].type == "unsubscribe"


def test_what_the_page_s_button_sends_is_kept() -> None:
    page = get(unsubscribe_url()).body.decode()
    assert '<button name="List-Unsubscribe" value="One-Click">' in page
    assert '<form method="post">' in page
    post(unsubscribe_url())
    wait_until(Event.objects.exists)


def test_each_press_is_an_event_of_its_own() -> None:
    post(unsubscribe_url())
    post(unsubscribe_url())
    wait_until(lambda: Event.objects.count() == 2)


def test_looking_at_the_page_changes_nothing(spool_folder: Path) -> None:
    answer = get(unsubscribe_url())
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    head = get(unsubscribe_url(), "HEAD")
    assert (head.status, head.headers, head.body) == (200, answer.headers, b"")
    assert nothing_was_kept(spool_folder)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", FORM),
        (b"List-Unsubscribe=Two-Clicks", FORM),
        (b"list-unsubscribe", FORM),
        (b"\xff\xfe=\x00", FORM),
        (b"&" * 10_000, FORM),
        (b"x=1&" * 4_000, FORM),
        (b"x" * 20_000, FORM),
        (ONE_CLICK, b"multipart/form-data"),
        (ONE_CLICK, b"multipart/form-data; boundary=\xe9"),
        (b"--b42\r\n\r\n\r\n", b"multipart/form-data; boundary=b42"),
        (b'{"List-Unsubscribe": "One-Click"}', b"application/json"),
    ],
)
def test_a_post_that_does_not_say_one_click_changes_nothing_and_offers_the_button(
    body: bytes, content_type: bytes, spool_folder: Path
) -> None:
    answer = post(unsubscribe_url(), body, content_type)
    assert answer.status == 400
    assert "One-Click" in answer.body.decode()
    assert nothing_was_kept(spool_folder)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "token", ["", "x", "\xff", pixel_url()[3:-4], click_url()[3:], unsubscribe_url()[3:-1], unsubscribe_url()[3:] + "/"]
)
def test_a_bad_token_is_answered_in_plain_words(token: str, method: str, spool_folder: Path) -> None:
    answer = post(f"/u/{token}") if method == "POST" else get(f"/u/{token}", method)
    assert answer.status == 404
    assert ("Nothing has been changed" in answer.body.decode()) == (method != "HEAD")
    assert nothing_was_kept(spool_folder)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(method: str) -> None:
    answer = get(unsubscribe_url(), method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


def test_a_token_to_unsubscribe_is_no_pixel_and_no_link() -> None:
    assert get(unsubscribe_url().replace("/u/", "/c/")).status == 404


def test_what_is_blocked_is_gone(spool_folder: Path) -> None:
    Block.objects.create(kind="account", value=str(ACCOUNT), reason="Phishing")
    blocks().refresh()
    for answer in (get(unsubscribe_url()), post(unsubscribe_url())):
        assert (answer.status, "no longer works" in answer.body.decode()) == (410, True)
    Block.objects.all().delete()
    blocks().refresh()
    assert nothing_was_kept(spool_folder)


def test_a_retired_key_is_gone(settings: Settings, spool_folder: Path) -> None:
    url = unsubscribe_url()
    keys = settings.TRACKING_KEYS
    days = dict.fromkeys(keys.keys, datetime(2026, 1, 1, tzinfo=UTC).date())
    settings.TRACKING_KEYS = Keyring({**keys.keys, 255: b"n" * 32}, current=255, retires=days)
    assert (get(url).status, post(url).status) == (410, 410)
    assert nothing_was_kept(spool_folder)


def test_pages_are_kept_by_no_cache_listed_nowhere_framed_by_nobody_and_load_nothing() -> None:
    for answer in (get(unsubscribe_url()), post(unsubscribe_url()), get("/u/x")):
        assert "no-store" in answer.headers["Cache-Control"]
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        page = answer.body.decode()
        assert not [word for word in ("http:", "https:", "src=", "href=", "<script", "url(") if word in page]


def test_a_page_is_in_the_reader_s_language_where_it_is_translated(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "nl" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.mo").write_bytes(catalogue({"Unsubscribe?": "Afmelden?"}))
    settings.LOCALE_PATHS = [tmp_path]
    answer = get(unsubscribe_url(), accept_language=b"nl-BE,nl;q=0.9,en;q=0.1")
    assert answer.headers["Content-Language"] == "nl"
    assert '<html lang="nl" dir="ltr">' in answer.body.decode()
    assert "Afmelden?" in answer.body.decode()


@pytest.mark.parametrize("accepted", [b"", b"nl", b"ar", b"*", b"\xff\xfe", b"xx-yy", b"a" * 5000])
def test_a_page_that_is_not_translated_does_not_claim_to_be(accepted: bytes) -> None:
    answer = get(unsubscribe_url(), accept_language=accepted)
    assert answer.headers["Content-Language"] == "en"
    assert '<html lang="en" dir="ltr">' in answer.body.decode()


def test_the_event_loop_asks_no_database() -> None:
    async def ask() -> object:
        await asked(unsubscribe_url())
        await asked(unsubscribe_url(), "POST", body=ONE_CLICK, headers=[(b"content-type", FORM)])
        return connection.connection

    assert in_loop(ask()) is None


def test_who_can_not_be_heard_is_told_so_and_may_try_again(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    url = unsubscribe_url()
    settings.TRUSTED_PROXIES = "one"
    with caplog.at_level(logging.CRITICAL):
        answer = post(url)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
    assert "could not be noted" in answer.body.decode()
    assert "One-Click" in answer.body.decode()


def test_neither_a_database_nor_a_disk_is_no_unsubscribe(monkeypatch: pytest.MonkeyPatch) -> None:
    taking = intake()

    async def lose(hit: object) -> bool:
        return False

    monkeypatch.setattr(taking, "take", lose)
    assert post(unsubscribe_url()).status == 503


def test_a_client_that_leaves_or_never_ends_holds_nothing(monkeypatch: pytest.MonkeyPatch, spool_folder: Path) -> None:
    monkeypatch.setattr(unsubscribing, "BODY_SECONDS", 0.05)
    assert in_loop(asked(unsubscribe_url(), "POST", body=ONE_CLICK, ends=False)).status == 400
    said: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    async def leave() -> None:
        await application(scope_of(unsubscribe_url(), "POST"), receive, send)

    in_loop(leave())
    assert said == []
    assert nothing_was_kept(spool_folder)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.just(MULTIPART) | st.just(ONE_CLICK), st.text(max_size=60))
def test_a_form_of_any_bytes_says_one_click_or_not(body: bytes, boundary: str) -> None:
    for content_type in (boundary, f"multipart/form-data; boundary={boundary}", FORM.decode()):
        said = unsubscribing._is_one_click(content_type, body)
        assert said in (True, False)
