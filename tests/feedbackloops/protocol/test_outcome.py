"""What the answer to an attempt means."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol.outcome import TROUBLE, ErrorKind, Judgement, Outcome, Reply, judge, parse_retry_after

NOW = datetime(2026, 3, 29, 12, 0, 0, tzinfo=UTC)
DAY = 86_400


def judged(status: int = 0, error: ErrorKind | None = None, **rest: str) -> Judgement:
    return judge(Reply(status, error, **rest), now=NOW)


@pytest.mark.parametrize(
    ("status", "outcome", "words"),
    [
        (200, Outcome.ACCEPTED, "accepted it (status 200)"),
        (204, Outcome.ACCEPTED, "status 204"),
        (299, Outcome.ACCEPTED, "accepted"),
        (300, Outcome.REJECTED, "Only a 2xx answer counts"),
        (304, Outcome.REJECTED, "status 304"),
        (400, Outcome.REJECTED, "refused it (status 400). Only a 2xx"),
        (401, Outcome.REJECTED, "wants a login"),
        (403, Outcome.REJECTED, "allows us no access, or the script did not accept our signature"),
        (404, Outcome.REJECTED, "nothing stands at this URL"),
        (405, Outcome.REJECTED, "does not take POST"),
        (413, Outcome.REJECTED, "only smaller bodies"),
        (499, Outcome.REJECTED, "refused"),
        (410, Outcome.GONE, "until someone resumes it"),
        (429, Outcome.THROTTLED, "fewer calls (status 429)"),
        (500, Outcome.SERVER_ERROR, "error log"),
        (503, Outcome.SERVER_ERROR, "failed (status 503)"),
        (599, Outcome.SERVER_ERROR, "status 599"),
        (100, Outcome.SERVER_ERROR, "ends no HTTP call (status 100)"),
        (600, Outcome.SERVER_ERROR, "ends no HTTP call (status 600)"),
        (999, Outcome.SERVER_ERROR, "status 999"),
        (0, Outcome.UNREACHABLE, "gave no answer"),
    ],
)
def test_a_status_has_one_outcome_and_plain_words(status: int, outcome: Outcome, words: str) -> None:
    judgement = judged(status)
    assert judgement.outcome is outcome
    assert words in judgement.message
    assert judgement.retry_after is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (410, "gone for good (status 410); a real call would stop the loop."),
        (429, "asks for fewer calls (status 429)."),
    ],
)
def test_the_answer_to_a_test_call_promises_nothing(status: int, words: str) -> None:
    judgement = judge(Reply(status), now=NOW, is_test=True)
    assert judgement.outcome is judged(status).outcome
    assert judgement.message.endswith(words)


@pytest.mark.parametrize(
    ("error", "outcome", "words"),
    [
        (ErrorKind.TIMED_OUT, Outcome.TIMED_OUT, "did not answer in time"),
        (ErrorKind.DNS, Outcome.UNREACHABLE, "cannot be found"),
        (ErrorKind.REFUSED, Outcome.UNREACHABLE, "refused the connection"),
        (ErrorKind.RESET, Outcome.UNREACHABLE, "closed the connection"),
        (ErrorKind.TLS, Outcome.UNREACHABLE, "check the certificate"),
        (ErrorKind.BLOCKED, Outcome.BLOCKED, "not a public one"),
        (ErrorKind.PROTOCOL, Outcome.SERVER_ERROR, "not HTTP"),
        (ErrorKind.TOO_LARGE, Outcome.SERVER_ERROR, "more than we read"),
    ],
)
def test_an_error_has_one_outcome_and_plain_words(error: ErrorKind, outcome: Outcome, words: str) -> None:
    judgement = judged(error=error, error_message="curl: (7)\n no")
    assert judgement.outcome is outcome
    assert words in judgement.message
    assert judgement.message.endswith(" (curl: (7) no)")


@pytest.mark.parametrize("error", [error for error in ErrorKind if error is not ErrorKind.TOO_LARGE])
def test_an_answer_that_broke_off_is_no_success_although_it_began_as_one(error: ErrorKind) -> None:
    assert judged(200, error).outcome is not Outcome.ACCEPTED


@pytest.mark.parametrize(("status", "outcome"), [(200, Outcome.ACCEPTED), (404, Outcome.REJECTED), (410, Outcome.GONE)])
def test_an_answer_that_is_too_large_is_judged_by_its_status(status: int, outcome: Outcome) -> None:
    assert judged(status, ErrorKind.TOO_LARGE).outcome is outcome


def test_a_redirect_names_the_url_to_enter() -> None:
    assert judged(301, redirect="https://www.example.com/x").message == (
        "The script redirected to https://www.example.com/x. Redirects are never followed; enter that URL instead."
    )


def test_what_a_server_sent_is_shown_on_one_line_and_short() -> None:
    message = judged(302, redirect="https://x/\r\nSet-Cookie: \x1b[31m" + "y" * 10_000).message
    assert message.isprintable()
    assert len(message) < 450


@pytest.mark.parametrize(
    ("status", "header", "outcome", "seconds"),
    [
        (429, "120", Outcome.THROTTLED, 120),
        (429, "soon", Outcome.THROTTLED, None),
        (503, "0", Outcome.THROTTLED, 0),
        (503, "soon", Outcome.SERVER_ERROR, None),
        (500, "60", Outcome.SERVER_ERROR, 60),
        (404, "60", Outcome.REJECTED, 60),
        (200, "60", Outcome.ACCEPTED, None),
        (410, "60", Outcome.GONE, None),
    ],
)
def test_retry_after_is_honoured_where_there_is_a_next_time(
    status: int, header: str, outcome: Outcome, seconds: float | None
) -> None:
    judgement = judged(status, retry_after=header)
    assert (judgement.outcome, judgement.retry_after) == (outcome, seconds)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("-5", 0),
        ("86400", DAY),
        ("86401", DAY),
        ("9" * 5000, DAY),
        ("0000000000", 0),
        ("Sun, 29 Mar 2026 12:01:30 GMT", 90),
        ("Sunday, 29-Mar-26 12:01:30 GMT", 90),
        ("Sun Mar 29 12:01:30 2026", 90),
        ("Sun, 29 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 29 Mar 2099 12:00:00 GMT", DAY),
        ("Sun, 32 Mar 2026 12:00:00 GMT", None),
        ("Sun, 29 Mar 99999999999 12:00:00 GMT", None),
        ("", None),
        ("1.5", None),
        ("soon", None),
        ("١٢", None),
        ("1e3", None),
        ("x" * 100_000, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.integers(-2 * DAY, 2 * DAY), st.integers(-12, 12))
def test_any_http_date_is_waited_for_up_to_a_day(seconds: int, hours: int) -> None:
    at = NOW + timedelta(seconds=seconds)
    here = NOW.astimezone(timezone(timedelta(hours=hours)))
    assert parse_retry_after(format_datetime(at, usegmt=True), here) == min(max(seconds, 0), DAY)


@given(st.text() | st.text(alphabet="0123456789 -+:,GMTSunMar", max_size=40))
def test_no_text_breaks_the_reading_of_retry_after(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= DAY


@given(
    st.builds(
        Reply,
        st.integers(-1, 70_000),
        st.none() | st.sampled_from(ErrorKind),
        st.text(),
        st.text(),
        st.none() | st.text(),
    )
)
def test_every_reply_gets_an_outcome_and_a_printable_sentence(reply: Reply) -> None:
    judgement = judge(reply, now=NOW)
    assert judgement.message
    assert judgement.message.isprintable()
    if judgement.outcome is Outcome.ACCEPTED:
        assert 200 <= reply.status <= 299


def test_what_counts_towards_a_cool_down() -> None:
    assert {Outcome.SERVER_ERROR, Outcome.TIMED_OUT, Outcome.UNREACHABLE} == TROUBLE
