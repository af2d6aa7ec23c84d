from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from tracking.checks import envelope_domain, retired_keys, tracking_url, tracking_url_of_a_deployment
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
