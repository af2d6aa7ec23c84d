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
    [
        (["10.0.0.0/8"], "10.0.0.0/8: a private network address."),
        (["127.0.0.0/8", "8.8.8.0/24"], "127.0.0.0/8: a loopback address."),
        (["8.8.8.0/24", "10.1.0.0/16", "::1/128"], "10.1.0.0/16: a private network address; ::1/128: a loopback"),
        (["168.63.129.16/32"], "168.63.129.16/32: a cloud metadata address."),
        (["169.254.0.0/16"], "169.254.169.254/32 (a cloud metadata address), a link-local address."),
        (["8.0.0.0/5"], "8.0.0.0/5: 10.0.0.0/8 (a private network address)."),
        (["192.160.0.0/11"], "192.168.0.0/16 (a private network address)"),
        (["0.0.0.0/0"], "0.0.0.0/0: 100.100.100.200/32 (a cloud metadata address), 168.63.129.16/32"),
        (["128.0.0.0/1"], "192.0.0.192/32 (a cloud metadata address), 12 more."),
        (["::/0"], "::/0: fd00:ec2::/32 (a cloud metadata address)"),
        (["2000::/3"], "2001::/32 (a Teredo address)"),
        (["2001:db8::/48"], "2001:db8::/48: a documentation address."),
        (["fd12::/16"], "fd12::/16: a private network address."),
        (["64:ff9b::/96"], "64:ff9b::/96: a NAT64 address."),
        (["::ffff:0:0/96"], "an IPv4 address in IPv6 clothes."),
        (["4000::/8"], "4000::/8: outside the global unicast addresses."),
        (["fe80::/10"], "a link-local address."),
        (["ff00::/8"], "a multicast address."),
    ],
)
def test_networks_that_are_not_public_or_hold_some_that_are_not_are_named_at_the_start(
    settings: Settings, networks: list[str], named: str
) -> None:
    settings.DEVELOPMENT = False
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network(each) for each in networks]

    [message] = allowed_networks()

    assert named in message.msg
    assert "8.8.8.0" not in message.msg


@pytest.mark.parametrize("networks", [[], ["8.8.8.0/24"], ["2606:4700::/32"], ["11.0.0.0/8", "1.1.1.1/32"]])
def test_public_networks_are_nothing_to_warn_of(settings: Settings, networks: list[str]) -> None:
    settings.DEVELOPMENT = False
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network(each) for each in networks]

    assert allowed_networks() == []


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
