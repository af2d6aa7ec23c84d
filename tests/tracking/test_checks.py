from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from tracking.checks import (
    envelope_domain,
    retired_keys,
    tracking_url,
    tracking_url_of_a_deployment,
    verdict_rules,
)
from tracking.ruling import rules
from tracking.tokens import Keyring


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://click.example.com", True),
        ("http://localhost:8000", True),
        ("click.example.com", False),
        ("https://", False),
        ("https://example.com/click", False),
        ("ftp://example.com", False),
        ("", False),
    ],
)
def test_a_tracking_url_that_makes_dead_links_stops_the_start(settings: Settings, url: str, fine: bool) -> None:
    settings.TRACKING_URL = url

    errors = tracking_url()

    assert [error.is_serious() for error in errors] == ([] if fine else [True])
    assert all("https://click.example.com" in str(error.hint) for error in errors)


@pytest.mark.parametrize(("url", "warned"), [("http://localhost:8000", True), ("https://click.example.com", False)])
def test_a_deployment_whose_links_lead_to_itself_is_warned(settings: Settings, url: str, warned: bool) -> None:
    settings.TRACKING_URL = url

    assert bool(tracking_url_of_a_deployment()) is warned


@pytest.mark.parametrize(("days", "words"), [(-1, "retired on"), (0, "retired on"), (14, "retires on"), (15, None)])
def test_a_key_that_has_retired_or_soon_will_is_named(settings: Settings, days: int, words: str | None) -> None:
    day = datetime.now(UTC).date() + timedelta(days=days)
    settings.TRACKING_KEYS = Keyring({1: b"a" * 32, 2: b"b" * 32}, current=2, retires={1: day})

    warnings = retired_keys()

    assert [f"Key 1 of TRACKING_KEYS {words} {day}" in warning.msg for warning in warnings] == ([True] if words else [])
    assert all("docs/operations.md" in str(warning.hint) for warning in warnings)
    assert all(not warning.is_serious() for warning in warnings)


@pytest.mark.parametrize("domain", ["", "bounce.example.com", "b.xn--bcher-kva.example"])
def test_a_domain_that_mail_can_come_back_to_is_fine(settings: Settings, domain: str) -> None:
    settings.ENVELOPE_DOMAIN = domain
    assert envelope_domain() == []


@pytest.mark.parametrize(
    "domain", ["bounce", "@bounce.example.com", "https://b.example.com", "b..example.com", "b.example."]
)
def test_what_is_no_domain_of_mail_is_told_of(settings: Settings, domain: str) -> None:
    settings.ENVELOPE_DOMAIN = domain
    (message,) = envelope_domain()
    assert (message.id, domain in message.msg) == ("tracking.E002", True)


def test_rules_of_ones_own_for_verdicts_are_fine(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('[[rule]]\nverdict = "human"\nreason = "office"\nnetworks = ["192.0.2.0/24"]')
    settings.VERDICT_RULES = str(tmp_path / "rules.toml")
    assert verdict_rules() == []
    assert rules().rules[0].reason == "office"
    settings.VERDICT_RULES = ""
    assert rules().own == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[[rule]]\n", "can't be used: rule 1: it needs a verdict."),
        (b"\xff", "can't be read"),
        (None, "can't be read: [Errno 2] No such file"),
    ],
)
def test_rules_that_can_t_be_used_are_told_of_at_the_start(
    settings: Settings, tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "rules.toml"
    if content is not None:
        file.write_bytes(content)
    settings.VERDICT_RULES = str(file)
    (message,) = verdict_rules()
    assert (message.id, words in message.msg, str(file) in message.msg) == ("tracking.E003", True, True)
    assert "docs/people.md" in str(message.hint)
