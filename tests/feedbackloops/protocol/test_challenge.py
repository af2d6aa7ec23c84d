"""The verification file: where it may stand, and which answers prove a place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol import challenge
from feedbackloops.protocol.challenge import Problem

FILE = challenge.VerificationFile("marketingsuite-abc.txt", "0123456789abcdef")
EXPECTED = FILE.content


def test_every_file_has_a_name_and_a_content_of_its_own() -> None:
    files = [challenge.new_file() for _ in range(50)]
    assert len({file.name for file in files} | {file.content for file in files}) == 100


def test_a_file_name_is_the_prefix_and_something_that_any_file_system_keeps() -> None:
    name = challenge.new_file("acme-").name
    assert name.startswith("acme-")
    assert name.endswith(".txt")
    assert len(name) == len("acme-.txt") + 32
    assert name == name.lower()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/dir/script.php", ["https://example.com/dir/f.txt", "https://example.com/f.txt"]),
        ("https://example.com/a/b/", ["https://example.com/a/b/f.txt", "https://example.com/f.txt"]),
        ("https://example.com/script.php", ["https://example.com/f.txt"]),
        ("https://example.com", ["https://example.com/f.txt"]),
        ("http://example.com:8080/d/s?x=/y/", ["http://example.com:8080/d/f.txt", "http://example.com:8080/f.txt"]),
        ("http://[2001:db8::1]:81/d/s", ["http://[2001:db8::1]:81/d/f.txt", "http://[2001:db8::1]:81/f.txt"]),
        ("http://[::1]/s", ["http://[::1]/f.txt"]),
        ("https://example.com/a/../b/s", ["https://example.com/b/f.txt", "https://example.com/f.txt"]),
    ],
)
def test_the_file_may_stand_beside_the_script_or_at_the_root(url: str, expected: list[str]) -> None:
    assert challenge.locations(url, "f.txt") == expected


def test_an_unusable_url_has_no_locations() -> None:
    with pytest.raises(ValueError, match="fragment"):
        challenge.locations("https://example.com/#x", "f.txt")


@pytest.mark.parametrize("before", ["", "\ufeff"])
@pytest.mark.parametrize("after", ["", "\n", "\r\n"])
def test_the_exact_content_proves_the_place_also_with_a_bom_and_a_newline(before: str, after: str) -> None:
    verdict = challenge.judge(200, f"{before}{EXPECTED}{after}".encode(), EXPECTED)
    assert verdict.found
    assert verdict.problem is Problem.OK


def test_crlf_is_forgiven_inside_the_file() -> None:
    assert challenge.judge(200, b"one\r\ntwo\r\n", "one\ntwo").found


@pytest.mark.parametrize(
    ("status", "body", "problem", "words"),
    [
        (404, "", Problem.NOT_FOUND, "not there (status 404). Upload it"),
        (410, EXPECTED, Problem.NOT_FOUND, "not there (status 410)"),
        (301, EXPECTED, Problem.REDIRECT, "redirects (status 301)"),
        (304, EXPECTED, Problem.REDIRECT, "Redirects are never followed"),
        (500, EXPECTED, Problem.SERVER_ERROR, "failed (status 500)"),
        (503, EXPECTED, Problem.SERVER_ERROR, "error log"),
        (206, EXPECTED, Problem.OTHER_STATUS, "status 206, where 200 is needed"),
        (401, EXPECTED, Problem.OTHER_STATUS, "without a login"),
        (0, EXPECTED, Problem.OTHER_STATUS, "status 0"),
        (200, "", Problem.WRONG_CONTENT, "it is empty"),
        (200, "\n", Problem.WRONG_CONTENT, "it is empty"),
        (200, "something else", Problem.WRONG_CONTENT, "starts with “something else”"),
        (200, EXPECTED[:-1], Problem.WRONG_CONTENT, f"“{EXPECTED[:-1]}”"),
        (200, EXPECTED.upper(), Problem.WRONG_CONTENT, "wrong content"),
        (200, " " + EXPECTED, Problem.WRONG_CONTENT, "wrong content"),
        (200, EXPECTED + "\n\n", Problem.TOO_LONG, "more than it should"),
        (200, EXPECTED + " ", Problem.TOO_LONG, "exactly as it was downloaded"),
        (200, EXPECTED + "0", Problem.TOO_LONG, "more than it should"),
        (200, f"<!DOCTYPE html><p>{EXPECTED}", Problem.HTML_PAGE, "HTML page"),
        (200, f"\n <HTML lang=en>{EXPECTED}", Problem.HTML_PAGE, "<HTML lang=en>"),
        (200, f"<!-- -->\n<html>{EXPECTED}", Problem.HTML_PAGE, "no page answers in its place"),
        (200, f"hello <html> {EXPECTED}", Problem.HTML_PAGE, "HTML page"),
    ],
)
def test_any_other_answer_proves_nothing_and_says_why(status: int, body: str, problem: Problem, words: str) -> None:
    verdict = challenge.judge(status, body.encode(), EXPECTED)
    assert verdict.problem is problem
    assert words in verdict.message
    assert not verdict.found


def test_the_right_beginning_of_an_endless_answer_proves_nothing() -> None:
    assert challenge.judge(200, EXPECTED.encode(), EXPECTED, truncated=True).problem is Problem.TOO_LONG


def test_a_redirect_is_named_so_that_staff_can_enter_it() -> None:
    verdict = challenge.judge(302, b"", EXPECTED, redirect="https://www.example.com/login")
    assert "redirects to https://www.example.com/login (status 302)" in verdict.message


def test_what_a_server_sent_is_shown_short_and_on_one_line() -> None:
    message = challenge.judge(200, b"a\r\nb\x00\x1b[31m\xff" + b"c" * 100_000, EXPECTED).message
    assert "“a b [31m\ufffdccc" in message
    assert message.isprintable()
    assert len(message) < 250


@given(status=st.integers(0, 999), body=st.binary(), redirect=st.none() | st.text(), truncated=st.booleans())
def test_no_other_answer_is_ever_taken_for_the_file(
    status: int, body: bytes, redirect: str | None, truncated: bool
) -> None:
    verdict = challenge.judge(status, body, EXPECTED, redirect=redirect, truncated=truncated)
    assert not verdict.found
    assert verdict.message.isprintable()
