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
    assert challenge.judge(200, f"{before}{EXPECTED}{after}".encode(), EXPECTED) is Problem.OK


def test_crlf_is_forgiven_inside_the_file() -> None:
    assert challenge.judge(200, b"one\r\ntwo\r\n", "one\ntwo") is Problem.OK


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (404, "", Problem.NOT_FOUND),
        (410, EXPECTED, Problem.NOT_FOUND),
        (301, EXPECTED, Problem.REDIRECT),
        (304, EXPECTED, Problem.REDIRECT),
        (500, EXPECTED, Problem.SERVER_ERROR),
        (503, EXPECTED, Problem.SERVER_ERROR),
        (206, EXPECTED, Problem.OTHER_STATUS),
        (401, EXPECTED, Problem.OTHER_STATUS),
        (0, EXPECTED, Problem.OTHER_STATUS),
        (200, "", Problem.WRONG_CONTENT),
        (200, "\n", Problem.WRONG_CONTENT),
        (200, "something else", Problem.WRONG_CONTENT),
        (200, EXPECTED[:-1], Problem.WRONG_CONTENT),
        (200, EXPECTED.upper(), Problem.WRONG_CONTENT),
        (200, " " + EXPECTED, Problem.WRONG_CONTENT),
        (200, EXPECTED + "\n\n", Problem.TOO_LONG),
        (200, EXPECTED + " ", Problem.TOO_LONG),
        (200, EXPECTED + "0", Problem.TOO_LONG),
        (200, f"<!DOCTYPE html><p>{EXPECTED}", Problem.HTML_PAGE),
        (200, f"\n <HTML lang=en>{EXPECTED}", Problem.HTML_PAGE),
        (200, f"<!-- -->\n<html>{EXPECTED}", Problem.HTML_PAGE),
        (200, f"hello <html> {EXPECTED}", Problem.HTML_PAGE),
    ],
)
def test_any_other_answer_proves_nothing(status: int, body: str, problem: Problem) -> None:
    assert challenge.judge(status, body.encode(), EXPECTED) is problem


def test_the_right_beginning_of_an_endless_answer_proves_nothing() -> None:
    assert challenge.judge(200, EXPECTED.encode(), EXPECTED, truncated=True) is Problem.TOO_LONG


@given(status=st.integers(0, 999), body=st.binary(), truncated=st.booleans())
def test_no_other_answer_is_ever_taken_for_the_file(status: int, body: bytes, truncated: bool) -> None:
    assert challenge.judge(status, body, EXPECTED, truncated=truncated) is not Problem.OK
