import logging
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from tests.tracking.samples import ACCOUNT, MESSAGE, asked, click_url, in_loop, pixel_url, request, wait_until
from tracking import views
from tracking.intake import intake
from tracking.models import Event, HitCount, LinkSeen
from tracking.seldom import Seldom
from tracking.tokens import location_header
from tracking.views import BAD_LINK, PIXEL

pytestmark = pytest.mark.usefixtures("spool_folder")


PRIVATE = [(b"user-agent", b"a private agent"), (b"x-forwarded-for", b"203.0.113.9")]


def event() -> Event:
    """The only one there is."""
    wait_until(Event.objects.exists)
    return Event.objects.get()


def nothing_was_kept(folder: Path) -> bool:
    # Whatever was taken before this one would be stored by now.
    assert request(pixel_url(), headers=[(b"user-agent", b"the last one")]).status == 200
    return event().data["useragent"] == "the last one" and not list(folder.glob("*.hits"))


def test_a_pixel_is_a_picture_that_no_cache_keeps() -> None:
    answer = request(pixel_url())
    assert (answer.status, answer.body) == (200, PIXEL)
    assert answer.headers["Content-Type"] == "image/gif"
    assert answer.headers["Content-Length"] == str(len(PIXEL))
    assert "no-store" in answer.headers["Cache-Control"]


def test_the_picture_is_a_gif_of_one_pixel() -> None:
    # GIF89a: signature, width and height in little endian, trailer.
    assert PIXEL[:6] == b"GIF89a"
    assert PIXEL[6:10] == b"\x01\x00\x01\x00"
    assert PIXEL[-1:] == b";"


def test_an_open_is_recorded() -> None:
    request(pixel_url(), headers=[(b"user-agent", b"Mail/1.0"), (b"referer", b"https://mail.example/")])
    stored = event()
    assert (stored.type, stored.account_id, stored.message_id) == ("open", ACCOUNT, MESSAGE)
    assert stored.data == {"ip": "198.51.100.7", "useragent": "Mail/1.0", "referer": "https://mail.example/"}


def test_a_click_is_recorded_and_leads_to_its_target() -> None:
    answer = request(click_url(3, "https://example.com/a?b=c#d"))
    assert (answer.status, answer.headers["Location"], answer.body) == (302, "https://example.com/a?b=c#d", b"")
    assert "no-store" in answer.headers["Cache-Control"]
    stored = event()
    assert (stored.type, stored.account_id, stored.message_id) == ("click", ACCOUNT, MESSAGE)
    assert stored.data == {"ip": "198.51.100.7", "original": "https://example.com/a?b=c#d", "link": 3}


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("https://bücher.example/straße?q=é#ü", "https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%A9#%C3%BC"),
        ("HTTP://Example.COM:8080", "HTTP://Example.COM:8080"),
        ("https://example.com/100%/%zz?%", "https://example.com/100%/%zz?%"),
        ("https://example.com/a%20b?c=%C3%A9", "https://example.com/a%20b?c=%C3%A9"),
        ("https://example.com/📬", "https://example.com/%F0%9F%93%AC"),
        ("https://[2001:db8::1]/'\"<>{}|^`", "https://[2001:db8::1]/'\"<>{}|^`"),
        ("https://example.com/" + "x" * 4000, "https://example.com/" + "x" * 4000),
    ],
)
def test_odd_targets_go_into_the_header_as_ascii_and_into_the_event_as_they_are(target: str, location: str) -> None:
    answer = request(click_url(1, target))
    assert answer.headers["Location"] == location == location_header(target)
    assert event().data["original"] == target


@pytest.mark.parametrize("url", [pixel_url(), click_url()])
def test_head_is_answered_like_get_and_not_recorded(url: str, spool_folder: Path) -> None:
    head, get = request(url, "HEAD"), request(url)
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")
    assert event().occurred_at
    assert not list(spool_folder.glob("*.hits"))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("url", [pixel_url(), click_url(), "/o/x", "/c/x"])
def test_other_methods_are_refused(url: str, method: str) -> None:
    answer = request(url, method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert "Location" not in answer.headers


def test_what_was_refused_is_not_recorded(spool_folder: Path) -> None:
    request(pixel_url(), "POST")
    request(click_url(), "POST")
    assert nothing_was_kept(spool_folder)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".gif",
        "x",
        "x.gif",
        click_url()[3:],
        pixel_url()[3:-5],
        pixel_url()[3:] + ".gif",
        "\xff\xfe\x00",
        "%00",
        "../o",
    ],
)
def test_a_pixel_with_a_bad_token_is_a_picture_and_no_event(name: str, spool_folder: Path) -> None:
    answer = request("/o/" + name)
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, PIXEL, "image/gif")
    assert nothing_was_kept(spool_folder)


@pytest.mark.parametrize(
    "token", ["", "x", pixel_url()[3:-4], click_url()[3:-1], click_url()[3:] + "A", click_url()[3:] + "/", "\xff\x00"]
)
def test_a_link_with_a_bad_token_is_not_found_and_leads_nowhere(token: str, spool_folder: Path) -> None:
    answer = request("/c/" + token)
    assert (answer.status, answer.body) == (404, BAD_LINK)
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Location" not in answer.headers
    assert nothing_was_kept(spool_folder)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"Mail\x00/1\r\n.0\x7f", "Mail/1.0"),
        ("Bücher 📬".encode(), "Bücher 📬"),
        (b"B\xfccher \xc3", "B\ufffdcher \ufffd"),
        (b"\xed\xa0\xbd pair", "\ufffd\ufffd\ufffd pair"),
        (bytes(range(0x20, 0x7F)), bytes(range(0x21, 0x7F)).decode()),
        (b"x" * 5000, "x" * 1000),
        ("é".encode() * 5000, "é" * 1000),
    ],
)
def test_a_header_of_any_bytes_is_kept_as_clean_text(sent: bytes, kept: str) -> None:
    request(pixel_url(), headers=[(b"user-agent", sent)])
    assert event().data["useragent"] == kept


def test_every_byte_at_once_is_no_trouble() -> None:
    everything = bytes(range(256))
    headers = [(b"user-agent", everything), (b"referer", everything * 50), (everything, everything)]
    answer = request(click_url(), headers=headers, client=(everything.decode("latin-1"), 0))
    assert answer.status == 302
    stored = event().data
    assert "ip" not in stored
    assert len(stored["referer"]) == 2000


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "198.51.100.7"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        (2, "1.2.3.4, 203.0.113.9, 192.0.2.1", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "not an address", None),
        (1, "", None),
    ],
)
def test_only_declared_proxies_are_believed(
    proxies: int, forwarded: str, address: str | None, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request(pixel_url(), headers=[(b"x-forwarded-for", forwarded.encode())])
    assert event().data.get("ip") == address


def test_a_request_over_a_unix_socket_has_no_address() -> None:
    request(pixel_url(), client=None)
    assert "ip" not in event().data


def test_the_event_loop_asks_no_database() -> None:
    async def hits() -> object:
        await asked(click_url())
        await asked(pixel_url())
        return connection.connection

    # Django itself refuses statements there; what is left to see is that no connection was made.
    assert in_loop(hits()) is None


@pytest.mark.parametrize("broken", [{"TRUSTED_PROXIES": "one"}, {"RECORDER_CONNECTIONS": "two"}])
def test_a_bug_of_ours_does_not_break_the_customers_link(
    broken: dict[str, Any], settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "_may_tell", Seldom())
    for name, value in broken.items():
        setattr(settings, name, value)
    intake.cache_clear()
    with caplog.at_level(logging.WARNING):
        answer = request(click_url(), headers=PRIVATE)
        picture = request(pixel_url(), headers=PRIVATE)
    assert (answer.status, answer.headers["Location"]) == (302, "https://example.com/")
    assert picture.body == PIXEL
    assert [record.levelname for record in caplog.records] == ["CRITICAL"], "once a second"
    assert str(MESSAGE) in caplog.text
    assert "Error" in caplog.text
    assert "in keep" in caplog.text
    assert "private" not in caplog.text
    assert "203.0.113.9" not in caplog.text


def test_a_hit_that_a_bug_of_ours_loses_is_counted(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = "one"
    request(click_url())
    request(pixel_url())
    counts = HitCount.objects.filter(process=intake()._counting.tally.id)
    wait_until(lambda: list(counts.values_list("accepted", "lost")) == [(0, 2)])


def test_a_head_makes_no_event_and_is_remembered_with_its_address(spool_folder: Path) -> None:
    request(click_url(3), "HEAD", headers=PRIVATE)
    request(pixel_url(), "HEAD")

    wait_until(lambda: LinkSeen.objects.count() == 2)
    known = {seen.link: (seen.message_id, seen.head_ip, bool(seen.headed)) for seen in LinkSeen.objects.all()}
    assert known == {0: (MESSAGE, "198.51.100.7", True), 3: (MESSAGE, "198.51.100.7", True)}
    assert nothing_was_kept(spool_folder)


def test_a_head_by_a_program_that_asks_for_the_person_who_opens_the_link_is_not_remembered() -> None:
    for useragent in (b"Microsoft Office Existence Discovery", b"Microsoft-WebDAV-MiniRedir/10.0.19045"):
        request(click_url(3), "HEAD", headers=[(b"user-agent", useragent)])
    request(click_url(4), "HEAD", headers=[(b"user-agent", b"Mozilla/5.0")])
    wait_until(LinkSeen.objects.exists)
    assert [seen.link for seen in LinkSeen.objects.all()] == [4]


def test_a_head_for_a_link_that_is_none_is_not_remembered() -> None:
    assert request("/c/nonsense", "HEAD").status == 404
    request(click_url(3), "HEAD")
    wait_until(LinkSeen.objects.exists)
    assert LinkSeen.objects.count() == 1


def test_a_head_that_can_t_be_remembered_is_answered_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(heads: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr("tracking.intake.note_heads", broken)
    assert [request(click_url(), "HEAD").status for _ in range(3)] == [302] * 3
