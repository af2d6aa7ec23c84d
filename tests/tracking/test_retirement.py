from base64 import b64encode
from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from tests.tracking.samples import ACCOUNT, MESSAGE, request, wait_until
from tracking.models import Event
from tracking.tokens import BadToken, Keyring, Link, RetiredKey, read_click, read_open, sign_click, sign_open
from tracking.views import DEAD_LINK, PIXEL

OLD, NEW = b"a" * 32, b"b" * 32
DAY = date(2027, 1, 31)
BEGINS = datetime(2027, 1, 31, tzinfo=UTC).timestamp()
LINK, PICTURE = Link(ACCOUNT, MESSAGE, 1, "https://example.com/"), Link(ACCOUNT, MESSAGE, 0)
BEFORE = Keyring({1: OLD}, current=1)
AFTER = Keyring({2: NEW, 1: OLD}, current=2, retires={1: DAY})


def parsed(entries: str) -> Keyring:
    secrets = {"OLD": b64encode(OLD).decode(), "NEW": b64encode(NEW).decode()}
    return Keyring.parse(entries.replace("OLD", secrets["OLD"]).replace("NEW", secrets["NEW"]))


def test_a_key_verifies_until_its_day_begins_and_no_longer() -> None:
    assert read_click(sign_click(LINK, BEFORE), AFTER, BEGINS - 0.1) == LINK
    assert read_open(sign_open(PICTURE, BEFORE), AFTER, BEGINS - 0.1) == PICTURE
    for now in (BEGINS, BEGINS + 1e8):
        with pytest.raises(RetiredKey):
            read_click(sign_click(LINK, BEFORE), AFTER, now)
        with pytest.raises(RetiredKey):
            read_open(sign_open(PICTURE, BEFORE), AFTER, now)
    assert read_click(sign_click(LINK, AFTER), AFTER, BEGINS + 1e8) == LINK


def test_a_forgery_is_no_token_of_a_retired_key() -> None:
    forged = sign_click(LINK, Keyring({1: NEW}, current=1))
    with pytest.raises(BadToken, match="forged"):
        read_click(forged, AFTER, BEGINS)


def test_the_day_stands_behind_the_key() -> None:
    assert parsed("2:NEW, 1:OLD@2027-01-31") == AFTER
    assert parsed("2:NEW").retires == {}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ("2:NEW,1:OLD@", "link key 1 retires must be written like 2027-01-31"),
        ("2:NEW,1:OLD@soon", "must be written like"),
        ("2:NEW,1:OLD@2027-02-30", "must be written like"),
        ("2:NEW,1:OLD@31.01.2027", "must be written like"),
        ("2:NEW@2027-01-31,1:OLD", "is the first, which signs"),
        ("2:NEW,1:OLD@2027-01-31@2027-01-31", "must be written like"),
    ],
)
def test_a_day_that_can_not_be_is_refused_without_showing_the_secret(entries: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        parsed(entries)
    assert b64encode(OLD).decode() not in str(refused.value)


@pytest.mark.usefixtures("spool_folder")
def test_links_of_a_retired_key_lead_nowhere_and_make_no_event(settings: Settings) -> None:
    today = datetime.now(UTC).date()
    click, pixel = f"/c/{sign_click(LINK, BEFORE)}", f"/o/{sign_open(PICTURE, BEFORE)}.gif"
    settings.TRACKING_KEYS = Keyring({2: NEW, 1: OLD}, current=2, retires={1: today})
    answer, picture = request(click), request(pixel)
    assert (answer.status, answer.body, picture.body) == (410, DEAD_LINK, PIXEL)
    settings.TRACKING_KEYS = Keyring({2: NEW, 1: OLD}, current=2, retires={1: today + timedelta(days=2)})
    assert request(click).status == 302
    wait_until(Event.objects.exists)
    assert Event.objects.get().type == "click"
