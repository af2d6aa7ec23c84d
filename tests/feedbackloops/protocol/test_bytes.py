"""First bytes beside those that were expected, for the eye."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol.diagnosis.bytes import MOST_SHOWN, Received, compare, visible


@pytest.mark.parametrize(
    ("body", "expected", "received"),
    [
        (b"", b"abc", Received("", "", False)),
        (b"abX", b"abc", Received("ab", "X", False)),
        (b"\xef\xbb\xbfabc\r\nmore", b"abc", Received("abc", "↵\nmore", False)),
        (b"<script>", b"abc", Received("", "<script>", False)),
        (b"a\0\x1b[31m\xff", b"abc", Received("a", "\\x00\\x1b[31m\\xff", False)),
        ("\u202eevil\u200b".encode(), b"abc", Received("", "\\u202eevil\\u200b", False)),
        ("\U000e0001".encode(), b"abc", Received("", "\\ue0001", False)),
    ],
)
def test_what_came_is_parted_where_it_begins_to_differ(body: bytes, expected: bytes, received: Received) -> None:
    assert compare(body, expected, truncated=False) == received


def test_a_long_answer_is_cut_and_says_so() -> None:
    received = compare(b"abc" + b"x" * 64 * 1024, b"abc", truncated=True)
    assert len(received.same + received.other) == MOST_SHOWN
    assert received.is_cut
    assert compare(b"abc", b"abcd", truncated=False).is_cut is False
    assert compare(b"", b"abc", truncated=False).is_empty


@given(text=st.text())
def test_nothing_stays_unseen(text: str) -> None:
    assert visible(text).replace("\n", "").replace("\t", "").isprintable()
