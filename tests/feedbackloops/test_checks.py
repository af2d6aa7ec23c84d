from ipaddress import ip_network

import pytest
from pytest_django import Settings

from feedbackloops.checks import (
    allowed_networks,
    encryption_keys,
    failing_times,
    mails_of_a_deployment,
    staff_addresses,
)


@pytest.mark.parametrize(
    ("networks", "named"),
    [([], ""), (["10.0.0.0/8"], "10.0.0.0/8"), (["127.0.0.0/8", "8.8.8.0/24"], "127.0.0.0/8"), (["8.8.8.0/24"], "")],
)
def test_networks_that_are_not_public_are_named_at_the_start(
    settings: Settings, networks: list[str], named: str
) -> None:
    settings.DEVELOPMENT = False
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network(each) for each in networks]

    messages = allowed_networks()

    assert bool(messages) is bool(named)
    assert all(named in message.msg and "8.8.8.0" not in message.msg for message in messages)


def test_in_development_inner_networks_are_nothing_to_warn_of(settings: Settings) -> None:
    settings.DEVELOPMENT = True
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]

    assert allowed_networks() == []


def test_keys_that_can_not_encrypt_stop_the_start(settings: Settings) -> None:
    assert encryption_keys() == []

    settings.ENCRYPTION_KEYS = ["short"]

    [error] = encryption_keys()
    assert error.is_serious()
    assert "short" not in error.msg


@pytest.mark.parametrize(("mail", "stop", "sound"), [(1.0, 2.0, True), (2.0, 2.0, False), (0.0, 2.0, False)])
def test_the_mail_comes_before_the_stop(settings: Settings, mail: float, stop: float, sound: bool) -> None:
    settings.FAILING_MAIL_SECONDS, settings.FAILING_STOP_SECONDS = mail, stop
    assert bool(failing_times()) is not sound


@pytest.mark.parametrize(
    ("emails", "url", "words"),
    [
        (["a@example.com"], "https://suite.example.com/x", []),
        (["a@example.com", "nobody"], "https://suite.example.com", ["STAFF_EMAILS has 'nobody'"]),
        ([], "suite.example.com", ["DASHBOARD_URL is 'suite.example.com'"]),
    ],
)
def test_addresses_of_staff_and_dashboard_have_to_be_some(
    settings: Settings, emails: list[str], url: str, words: list[str]
) -> None:
    settings.STAFF_EMAILS, settings.DASHBOARD_URL = emails, url
    assert [each.msg[: len(word)] for each, word in zip(staff_addresses(), words, strict=True)] == words


def test_a_deployment_whose_mails_reach_nobody_is_warned(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    settings.STAFF_EMAILS, settings.DASHBOARD_URL = [], "http://localhost:8000"
    assert [each.msg.split()[0] for each in mails_of_a_deployment()] == ["EMAIL_URL", "STAFF_EMAILS", "DASHBOARD_URL"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.STAFF_EMAILS, settings.DASHBOARD_URL = ["a@example.com"], "https://suite.example.com"
    assert mails_of_a_deployment() == []
