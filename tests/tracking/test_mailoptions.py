from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.mailoptions import MailOptions, options_of, without_options


def said(headers: dict[str, Any] | None = None, **attributes: Any) -> MailOptions:
    return options_of(SimpleNamespace(extra_headers=headers or {}, **attributes))


def test_a_mail_that_says_nothing_is_tracked_and_has_no_account() -> None:
    assert said() == MailOptions("", (), True, False, "")


def test_attributes_go_before_headers() -> None:
    headers = {"X-Suite-Account": "a", "X-Suite-Tags": "a", "X-Suite-Tracking": "on", "X-Suite-Unsubscribe": "on"}
    attributes: dict[str, Any] = {"account": 7, "tags": [], "tracking": False, "list_unsubscribe": False}
    assert said(headers) == MailOptions("a", ("a",), True, True, "")
    assert said(headers, **attributes) == MailOptions(7, (), False, False, "")


@pytest.mark.parametrize(("word", "on"), [("on", True), (" Yes ", True), ("1", True), ("OFF", False), ("false", False)])
def test_a_switch_has_the_usual_words(word: str, on: bool) -> None:
    assert said({"X-SUITE-TRACKING": word}).tracking is on


@given(st.dictionaries(st.sampled_from(["X-Suite-Tags", "x-suite-account", "Subject", "X-Suite"]), st.text()))
def test_only_our_headers_are_taken_out(headers: dict[str, str]) -> None:
    said(headers)
    assert without_options(headers) == {name: headers[name] for name in ("Subject", "X-Suite") if name in headers}
