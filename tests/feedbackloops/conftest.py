from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from feedbackloops import doorbell, keeper
from tests.dashboard import Rings
from tests.factories import make_message, make_profile
from tests.feedbackloops.keeping import Bench
from tests.http_server import HttpServer
from tracking.models import Message


@pytest.fixture
def server(settings: Settings) -> Iterator[HttpServer]:
    """A customer's server on this machine, which calls may go to."""
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    settings.ANSWER_SECONDS = 2.0
    with HttpServer() as server:
        yield server


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> Rings:
    """What this process rings for, which nobody else hears."""
    heard = Rings()
    monkeypatch.setattr(doorbell, "_doorbell", lambda: heard)
    return heard


@pytest.fixture
def message() -> Message:
    return make_message(make_profile(firstname="Ann"))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A keeper that gives its lanes back at once."""
    monkeypatch.setattr(keeper, "LINGER_SECONDS", 0.0)
    bench = Bench()
    yield bench
    bench.close()
