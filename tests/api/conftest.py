from collections.abc import Iterator

import pytest
from pytest_django import Settings

from profiles.models import Account
from staff import throttle
from tests.api.program import Program
from tests.factories import make_account


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


@pytest.fixture
def program(account: Account) -> Program:
    return Program(account)


@pytest.fixture(autouse=True)
def fresh_counts(settings: Settings) -> Iterator[None]:
    """Nothing is counted of the tests before."""
    throttle._own.clear()
    throttle._redis.cache_clear()
    if settings.THROTTLE_URL:
        throttle._redis(settings.THROTTLE_URL).flushdb()
    yield
    throttle._redis.cache_clear()
