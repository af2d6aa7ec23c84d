from collections.abc import Iterator

import pytest
from pytest_django import Settings

from api import feed, walks
from profiles.models import Account
from staff import throttle
from tests.api.program import Program
from tests.factories import make_account
from tracking.positions import Sight


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


@pytest.fixture
def program(account: Account) -> Program:
    return Program(account)


@pytest.fixture(autouse=True)
def all_is_committed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test has stored counts as committed, also where its transaction never is."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None or not marker.kwargs.get("transaction"):
        monkeypatch.setattr(feed, "horizon", lambda: 2**62)
        monkeypatch.setattr(walks, "sight", lambda: Sight(2**62, 2**62))


@pytest.fixture(autouse=True)
def fresh_counts(settings: Settings) -> Iterator[None]:
    """Nothing is counted of the tests before."""
    throttle._own.clear()
    throttle._redis.cache_clear()
    if settings.THROTTLE_URL:
        throttle._redis(settings.THROTTLE_URL).flushdb()
    yield
    throttle._redis.cache_clear()
