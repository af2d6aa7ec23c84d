from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from uuid import UUID

import pytest

from tracking.anatomy import Anatomy, Fault, take_apart
from tracking.tokens import Keyring, Link, sign_click, sign_open, sign_unsubscribe

MESSAGE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
KEYRING = Keyring({1: b"a" * 32, 2: b"b" * 64}, current=2)
NOW = 1_785_000_000.0
PIXEL = Link(7, MESSAGE, 0)
CLICK = Link(7, MESSAGE, 3, "https://shop.example.com/sale?a=1&b=2")
CLICK_TOKEN, OPEN_TOKEN, LEAVE_TOKEN = (
    sign_click(CLICK, KEYRING),
    sign_open(PIXEL, KEYRING),
    sign_unsubscribe(PIXEL, KEYRING),
)


def apart(text: str, keyring: Keyring = KEYRING) -> Anatomy:
    found = take_apart(text, keyring, NOW)
    assert found
    return found


@pytest.mark.parametrize(
    ("text", "kind", "link"),
    [
        (f"https://click.example.com/c/{CLICK_TOKEN}", "click", CLICK),
        (f"http://localhost:8000/o/{OPEN_TOKEN}.gif", "open", PIXEL),
        (f"https://click.example.com/u/{LEAVE_TOKEN}", "unsubscribe", PIXEL),
        (f"/c/{CLICK_TOKEN}", "click", CLICK),
        (f"  HTTPS://CLICK.example.com/c/{CLICK_TOKEN}?utm=1#top ", "click", CLICK),
        (f"https://click.example.com/c/{CLICK_TOKEN[:40]}\r\n  {CLICK_TOKEN[40:]}", "click", CLICK),
        (CLICK_TOKEN, "click", CLICK),
        (OPEN_TOKEN, "open", PIXEL),
        (LEAVE_TOKEN, "unsubscribe", PIXEL),
    ],
)
def test_a_tracking_url_or_its_token_is_taken_apart_however_it_was_pasted(text: str, kind: str, link: Link) -> None:
    assert apart(text) == Anatomy(kind, None, 1, 2, link)


@pytest.mark.parametrize(
    "text",
    ["", "ann@example.com", "https://example.com/", "https://example.com/cc/abc", str(MESSAGE), "a" * 59, "x" * 9000],
)
def test_what_is_no_tracking_url_is_not_taken_for_one(text: str) -> None:
    assert take_apart(text, KEYRING, NOW) is None


def test_what_is_wrong_with_one_is_told_apart() -> None:
    raw = bytearray(urlsafe_b64decode(CLICK_TOKEN + "=" * (-len(CLICK_TOKEN) % 4)))

    def changed(place: int, value: int) -> str:
        altered = raw[:place] + bytes([value]) + raw[place + 1 :]
        return "/c/" + urlsafe_b64encode(altered).rstrip(b"=").decode()

    assert apart("/c/short").fault == Fault.INCOMPLETE
    assert apart(changed(0, 9)) == Anatomy("click", Fault.VERSION, 9)
    assert (apart(changed(1, 9)).fault, apart(changed(1, 9)).key) == (Fault.KEY, 9)
    assert apart(changed(-1 % len(raw), raw[-1] ^ 1)) == Anatomy("click", Fault.FORGED, 1, 2, CLICK)
    assert apart(f"/o/{CLICK_TOKEN}") == Anatomy("open", Fault.MISPLACED, 1, 2, CLICK, "click")


@pytest.mark.parametrize("missing", range(1, 9))
def test_a_url_whose_end_is_missing_is_still_read_as_far_as_it_goes(missing: int) -> None:
    found = apart(f"/c/{CLICK_TOKEN[:-missing]}")
    assert found.fault in (Fault.FORGED, Fault.INCOMPLETE)
    assert found.link
    assert (found.link.account, found.link.message) == (7, MESSAGE)


def test_a_key_that_has_retired_is_named() -> None:
    token = sign_click(CLICK, Keyring({1: b"a" * 32}, current=1))
    retired = Keyring({1: b"a" * 32, 2: b"b" * 64}, current=2, retires={1: date(2020, 1, 1)})
    assert apart(f"/c/{token}", retired) == Anatomy("click", Fault.RETIRED, 1, 1, CLICK)
