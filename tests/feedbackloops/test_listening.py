"""Notices from PostgreSQL, on real connections."""

import threading
from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest
from django.db import connection

from feedbackloops import lanes
from feedbackloops.listening import Listener
from tests.factories import make_account, make_verified_loop

pytestmark = pytest.mark.django_db(transaction=True)


class Ears:
    """What a listener has heard."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.news = threading.Event()
        self.listener = Listener(self.hear)

    def hear(self, loops: Sequence[int]) -> None:
        self.heard.extend(loops)
        self.news.set()

    def await_news(self, loops: list[int]) -> None:
        """Tell of these loops until one of the notices is heard: the first may come before anyone listens."""
        for _ in range(50):
            lanes.tell(loops)
            if self.news.wait(0.1):
                return
        raise AssertionError("nothing was heard")


@pytest.fixture
def ears() -> Iterator[Ears]:
    ears = Ears()
    ears.listener.start()
    yield ears
    ears.listener.stop()
    ears.listener._thread.join(5)
    assert not ears.listener._thread.is_alive()


def held_loops(number: int) -> list[int]:
    account = make_account()
    loops = [make_verified_loop(account).pk for _ in range(number)]
    lanes.lease(uuid4(), loops, 45)
    return loops


def test_whoever_holds_lanes_hears_that_there_is_something_to_do(ears: Ears) -> None:
    loops = held_loops(3)

    ears.await_news(loops)

    assert set(ears.heard) == set(loops)


def test_a_listener_that_lost_its_connection_listens_again(ears: Ears) -> None:
    loops = held_loops(1)
    ears.await_news(loops)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE query = 'LISTEN lanes' AND datname = current_database()"
        )
        assert cursor.fetchone() == (1,)
    ears.news.clear()

    ears.await_news(loops)


def test_a_notice_that_names_no_lanes_is_passed_over(ears: Ears) -> None:
    loops = held_loops(1)
    ears.await_news(loops)
    with connection.cursor() as cursor:
        cursor.execute("NOTIFY lanes, 'nonsense'")
    ears.news.clear()

    ears.await_news(loops)


def test_only_lanes_that_somebody_holds_are_told_of() -> None:
    [held] = held_loops(1)
    free = make_verified_loop(make_account())

    assert lanes.tell([held, free.pk]) == {held}
    assert lanes.tell([free.pk]) == set()
    assert lanes.tell([]) == set()


def test_more_lanes_than_one_notice_can_name_are_all_told_of() -> None:
    loops = held_loops(lanes.TOLD_AT_ONCE + 1)

    assert lanes.tell(loops) == set(loops)


def test_a_listener_outlives_whatever_goes_wrong(ears: Ears, monkeypatch: pytest.MonkeyPatch) -> None:
    loops = held_loops(1)
    failures = [RuntimeError("nobody thought of it")]
    hear = ears.listener._on_heard

    def fail_once(heard: Sequence[int]) -> None:
        if failures:
            raise failures.pop()
        hear(heard)

    monkeypatch.setattr(ears.listener, "_on_heard", fail_once)
    ears.await_news(loops)
    assert not failures
