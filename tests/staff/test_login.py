import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import Client
from pytest_django import Settings

from staff import throttle
from staff.throttle import Limit
from tests.dashboard import text
from tests.promptness import within

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
PASSWORD = "a-long-one-42"


@pytest.fixture(autouse=True)
def fresh(settings: Settings) -> Iterator[None]:
    """Three tries for a user, five for an address, and none counted yet."""
    settings.LOGIN_TRIES_PER_USER, settings.LOGIN_TRIES_PER_ADDRESS = 3, 5
    throttle._own.clear()
    throttle._redis(settings.THROTTLE_URL).flushdb()
    User.objects.create_user("Ann", password=PASSWORD, is_staff=True)
    yield
    throttle._own.clear()
    throttle._redis.cache_clear()


def tried(username: str = "Ann", password: str = "wrong", **headers: Any) -> Any:
    return Client().post(LOGIN, {"username": username, "password": password}, **headers)


def test_the_right_password_lets_in() -> None:
    answer = tried(password=PASSWORD)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_after_too_many_tries_no_password_is_looked_at_and_the_time_to_wait_is_told() -> None:
    assert [tried().status_code for _ in range(3)] == [200] * 3
    with patch.object(PBKDF2PasswordHasher, "verify") as verify:
        held_back = tried(password=PASSWORD)
    assert held_back.status_code == 429
    assert 0 < int(held_back["Retry-After"]) <= 900
    assert "Too many tries. Please try again in 15 minutes." in held_back.content.decode()
    verify.assert_not_called()


@pytest.mark.parametrize("spelling", ["ann", "ANN", "A\uff4en"])
def test_other_spellings_of_a_name_are_no_way_round(spelling: str) -> None:
    for _ in range(3):
        tried(spelling)
    assert tried(password=PASSWORD).status_code == 429


def test_an_address_has_a_limit_whatever_names_it_tries() -> None:
    assert [tried(f"user{number}").status_code for number in range(5)] == [200] * 5
    assert tried(password=PASSWORD).status_code == 429
    assert tried(password=PASSWORD, REMOTE_ADDR="192.0.2.7").status_code == 302


def test_logins_that_go_well_count_against_nobody() -> None:
    assert [tried(password=PASSWORD).status_code for _ in range(8)] == [302] * 8


def test_the_address_is_the_one_that_the_proxies_saw(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    for _ in range(5):
        tried("nobody", HTTP_X_FORWARDED_FOR="203.0.113.9, 192.0.2.1")
    assert tried(password=PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.1").status_code == 429
    assert tried(password=PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 302


def test_without_proxies_the_header_is_the_clients_own_claim() -> None:
    for number in range(5):
        tried(f"user{number}", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
    assert tried(password=PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.99").status_code == 429


def test_all_addresses_of_an_ipv6_network_count_as_one() -> None:
    for number in range(5):
        tried(f"user{number}", REMOTE_ADDR=f"2001:db8:1:2::{number}")
    assert tried(password=PASSWORD, REMOTE_ADDR="2001:db8:1:2:ffff::").status_code == 429
    assert tried(password=PASSWORD, REMOTE_ADDR="2001:db8:1:3::").status_code == 302


@pytest.mark.parametrize("username", ["Ann", "nobody", "inactive"])
def test_unknown_names_take_as_long_as_wrong_passwords(username: str) -> None:
    User.objects.create_user("inactive", password=PASSWORD, is_staff=True, is_active=False)
    with patch.object(PBKDF2PasswordHasher, "encode", autospec=True, side_effect=PBKDF2PasswordHasher.encode) as encode:
        answer = tried(username)
    assert encode.call_count == 1
    assert "Please enter the correct username and password" in text(answer)


@pytest.mark.parametrize("url", ["", "redis://127.0.0.1:1/0"])
def test_without_redis_each_process_counts_by_itself(settings: Settings, url: str) -> None:
    settings.THROTTLE_URL = url
    throttle._redis.cache_clear()
    assert [tried().status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_redis_that_hangs_does_not_hang_the_login(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.THROTTLE_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        throttle._redis.cache_clear()
        with within(5):
            assert tried(password=PASSWORD).status_code == 302


def test_what_is_counted_is_forgotten_after_the_window(settings: Settings) -> None:
    limit = Limit("user", "ann", 1)
    for url in (settings.THROTTLE_URL, ""):
        settings.THROTTLE_URL = url
        assert [throttle.take([limit]) > 0 for _ in range(3)] == [False, True, True]
    redis = throttle._redis(settings.CELERY_BROKER_URL)
    assert 0 < redis.ttl(limit.key) <= settings.LOGIN_WINDOW_SECONDS
    assert b"ann" not in limit.key.encode()


def test_a_window_is_not_made_longer_by_trying_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.THROTTLE_URL, limit = "", Limit("user", "ann", 1)
    clock = [0.0]
    monkeypatch.setattr(throttle, "monotonic", lambda: clock[0])
    waits = []
    for clock[0] in (0.0, 300.0, 899.0, 901.0):
        waits.append(throttle.take([limit]))
    assert waits == [0, 601, 2, 0]


def test_the_counts_of_a_process_do_not_grow_without_end(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.THROTTLE_URL = ""
    monkeypatch.setattr(throttle, "_MOST_KEPT", 3)
    address = Limit("address", "192.0.2.1", 5)
    answers = [throttle.take([Limit("user", f"user{number}", 3), address]) for number in range(6)]
    assert len(throttle._own._counts) == 3
    assert [seconds > 0 for seconds in answers] == [False] * 5 + [True]


def test_a_deployment_that_counts_logins_apart_is_warned(settings: Settings) -> None:
    def warned() -> bool:
        return "staff.W001" in {each.id for each in run_checks(include_deployment_checks=True)}

    assert not warned()
    settings.THROTTLE_URL = ""
    assert warned()
