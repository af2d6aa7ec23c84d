from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.ids import moment_of
from tracking.reports import FIELDS, MIME_LIMIT, BadReport, Report, checked

MESSAGE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
AT = datetime(2026, 11, 3, 9, 30, 5, 123_456, tzinfo=UTC)
REPORT = Report("failure", 7, MESSAGE, AT, "ses-0102018f", {"code": 550})
BOUNCED = "From: MAILER-DAEMON@mx.example.net\r\nSubject: Undelivered Mail Returned to Sender\r\n\r\n550 5.1.1\r\n"


def test_what_is_told_twice_has_one_id() -> None:
    again = Report("failure", 7, MESSAGE, AT, "ses-0102018f", {"code": 551}, source="webhook")
    assert again.event == REPORT.event
    assert moment_of(REPORT.event) == AT.replace(microsecond=123_000)
    assert REPORT.event.version == 7


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "bounce"},
        {"account": 8},
        {"message": UUID("01890a5d-ac96-774b-bcce-b302099a8058")},
        {"occurred_at": AT + timedelta(milliseconds=1)},
        {"key": "ses-0102018g"},
    ],
)
def test_what_differs_in_any_of_these_is_another_event(changes: dict[str, Any]) -> None:
    assert replace(REPORT, **changes).event != REPORT.event


@pytest.mark.parametrize("moment", [datetime(1969, 12, 31, tzinfo=UTC), datetime(2026, 1, 1)])  # noqa: DTZ001
def test_a_moment_that_no_id_can_have_is_refused(moment: datetime) -> None:
    with pytest.raises(BadReport):
        _ = Report("failure", 7, MESSAGE, moment, "key").event


@pytest.mark.parametrize(
    ("type", "given", "kept"),
    [
        ("delivery", {}, {}),
        (
            "delivery",
            {"code": "250", "extended": "2.0.0", "description": " 2.0.0 OK  1730626205 a1 - gsmtp\r\n"},
            {"code": 250, "extended": "2.0.0", "description": "2.0.0 OK  1730626205 a1 - gsmtp"},
        ),
        ("failure", {"code": 550, "state": "rcpt"}, {"action": "failed", "code": 550, "state": "rcpt"}),
        ("failure", {"code": None, "extended": "", "description": ""}, {"action": "failed"}),
        ("bounce", {"mime": BOUNCED.encode()}, {"mime": BOUNCED}),
        ("bounce", {"mime": b"caf\xe9 \0 \xf0\x9f", "envelope": "b-x@e.com"}, {
            "mime": "caf\ufffd \ufffd \ufffd", "envelope": "b-x@e.com"}),
        ("bounce", {"mime": "half \ud83d"}, {"mime": "half \ufffd"}),
        ("abuse", {"mime": BOUNCED, "emailfrom": "staff@hotmail.com"}, {
            "mime": BOUNCED, "emailfrom": "staff@hotmail.com"}),
        ("unsubscribe", {"ip": "::ffff:192.0.2.1", "useragent": "a\0b\x07c", "referer": "  "}, {
            "ip": "192.0.2.1", "useragent": "abc"}),
        ("open", {"ip": "2001:DB8::1"}, {"ip": "2001:db8::1"}),
        ("click", {"original": "https://example.com/ä", "link": 2}, {"original": "https://example.com/ä", "link": 2}),
    ],
)  # fmt: skip
def test_data_is_cleaned_and_what_is_unknown_is_left_out(
    type: str, given: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert checked(type, given) == kept


@pytest.mark.parametrize(
    ("type", "data", "words"),
    [
        ("create", {}, "one of click, open, delivery"),
        ("nonsense", {}, "not 'nonsense'"),
        ("delivery", {"mime": "x"}, "no field 'mime'"),
        ("delivery", {"code": 99}, "'code' has to be an SMTP reply code"),
        ("delivery", {"code": "250 OK"}, "'code'"),
        ("delivery", {"code": True}, "'code'"),
        ("delivery", {"extended": "5.1"}, "'extended' has to be an enhanced status code"),
        ("delivery", {"description": 7}, "'description' has to be a text"),
        ("failure", {"action": "delayed"}, "'action'"),
        ("failure", {"state": "Rcpt To"}, "'state'"),
        ("bounce", {}, "needs the field 'mime'"),
        ("abuse", {"mime": ""}, "needs the field 'mime'"),
        ("abuse", {"mime": 7}, "'mime'"),
        ("click", {}, "needs the field 'original'"),
        ("click", {"original": "javascript:alert(1)"}, "'original' can't be kept"),
        ("click", {"original": "https://example.com", "link": 0}, "'link'"),
        ("open", {"ip": "somewhere"}, "'ip' has to be an IP address"),
    ],
)
def test_what_an_event_can_not_hold_is_refused_in_words(type: str, data: dict[str, Any], words: str) -> None:
    with pytest.raises(BadReport, match=words):
        checked(type, data)


@pytest.mark.parametrize("letter", ["a", "é", "📬"])
def test_a_mail_is_cut_between_two_characters_and_says_so(letter: str) -> None:
    whole = letter * (MIME_LIMIT // len(letter.encode()))
    assert checked("bounce", {"mime": whole}) == {"mime": whole}
    for longer in (whole + letter, (whole + letter).encode()):
        kept = checked("bounce", {"mime": longer})
        assert kept == {"mime": whole, "mime_truncated": 1}


@given(st.sampled_from(sorted(FIELDS)), st.data())
def test_whatever_comes_is_kept_as_json_or_refused_in_words(type: str, data: st.DataObject) -> None:
    values = st.none() | st.text() | st.integers() | st.booleans() | st.binary() | st.lists(st.text()) | st.floats()
    given = data.draw(st.dictionaries(st.sampled_from([*FIELDS[type], "other"]), values))
    with suppress(BadReport):
        kept_is_json(type, checked(type, given))


def kept_is_json(type: str, kept: dict[str, Any]) -> None:
    assert kept.keys() <= FIELDS[type].keys() | {"mime_truncated"}
    for value in kept.values():
        assert isinstance(value, str | int)
        assert "\0" not in str(value)
        str(value).encode()
