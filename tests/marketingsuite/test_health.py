import asyncio
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from marketingsuite import metrics, probes
from marketingsuite.bounded import Bounded
from marketingsuite.devstack import Stack
from tests.promptness import measured, within
from tests.tracking.samples import all_of, asked, in_loop, request


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that another test was answered serves here."""
    for name, work in (("_database", probes.database), ("_broker", probes.broker)):
        monkeypatch.setattr(probes, name, Bounded(name, work, patience=probes.PATIENCE_SECONDS, kept=0.0))


def get(url: str, **headers: str) -> Any:
    return request(url, headers=[(name.encode(), value.encode()) for name, value in headers.items()])


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_process_that_answers_lives_and_is_ready_for_tracking(path: str) -> None:
    answer = request(path)
    assert (answer.status, answer.body) == (200, b"ok\n")
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/readyz/dashboard", "/metrics"])
def test_probes_are_asked_by_get_or_head(path: str) -> None:
    assert request(path, "POST").status == 405
    assert request(path, "HEAD").body == b""


@pytest.mark.usefixtures("transactional_db")
def test_the_dashboard_is_ready_when_all_that_it_needs_is_there() -> None:
    answer = request("/readyz/dashboard")
    assert (answer.status, answer.body) == (200, b"database: ok\nmigrations: ok\nbroker: ok\n")


@pytest.mark.usefixtures("transactional_db")
def test_the_dashboard_is_not_ready_before_the_migrations_are_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "_last_migrations", lambda: frozenset({("tracking", "9999_tomorrow")}))
    answer = request("/readyz/dashboard")
    assert (answer.status, answer.body) == (503, b"database: ok\nmigrations: failed\nbroker: ok\n")


@pytest.mark.usefixtures("transactional_db")
def test_the_dashboard_is_not_ready_without_a_broker(settings: Settings) -> None:
    settings.CELERY_BROKER_URL = "redis://:hush@127.0.0.1:1/0"
    answer = request("/readyz/dashboard")
    assert (answer.status, answer.body) == (503, b"database: ok\nmigrations: ok\nbroker: failed\n")


@pytest.fixture
def frozen(stack: Stack, transactional_db: None) -> Iterator[None]:
    """PostgreSQL and Valkey hang: they take connections and say nothing."""
    if not (stack.postgres and stack.valkey):
        pytest.skip("only embedded servers can be frozen, unset DATABASE_URL and REDIS_URL")
    connection.close()
    for server in (stack.postgres, stack.valkey):
        server.send(signal.SIGSTOP)
    yield
    for server in (stack.postgres, stack.valkey):
        server.send(signal.SIGCONT)


@pytest.mark.usefixtures("frozen")
def test_frozen_servers_hold_up_neither_the_probe_nor_the_event_loop() -> None:
    with within(2 * probes.PATIENCE_SECONDS), measured() as lateness:
        threads = threading.active_count()
        answers = in_loop(all_of([asked("/readyz/dashboard") for _ in range(50)] + [asked("/livez")]))
    assert [answer.status for answer in answers] == [503] * 50 + [200]
    assert answers[0].body == b"database: failed\nmigrations: failed\nbroker: failed\n"
    assert answers[-1].seconds < 0.5 + lateness.allowance
    assert threading.active_count() <= threads + 2


def test_metrics_are_not_there_without_a_token_in_the_settings() -> None:
    assert request("/metrics").status == 404


def test_metrics_are_for_those_who_know_the_token(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def exposition() -> bytes:
        await asyncio.sleep(0)
        return b"the figures"

    monkeypatch.setattr("marketingsuite.health.exposition", exposition)
    settings.METRICS_TOKEN = "sesame"
    for headers in ({}, {"authorization": "Bearer same"}, {"authorization": "sesame"}, {"authorization": "Bearer é"}):
        answer = get("/metrics", **headers)
        assert (answer.status, answer.headers["Www-Authenticate"]) == (401, "Bearer")
        assert b"figures" not in answer.body
    answer = get("/metrics", authorization="Bearer sesame")
    assert (answer.status, answer.body) == (200, b"the figures")
    assert answer.headers["Content-Type"] == metrics.CONTENT_TYPE
