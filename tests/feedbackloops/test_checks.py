from ipaddress import ip_network

import pytest
from pytest_django import Settings

from feedbackloops.checks import allowed_networks, encryption_keys


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
