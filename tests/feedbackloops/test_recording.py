"""Writing attempts beside the keeper: what gathers meanwhile, and what a failure leaves."""

import threading
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import cast
from uuid import uuid4

import pytest
from django.db import OperationalError

from feedbackloops import lanes
from feedbackloops.lane import Lane
from feedbackloops.lanes import Done
from feedbackloops.recording import Ended, Recording

LANE = cast(Lane, object())


class Desk:
    """A recording whose sets are kept back until the test lets go, instead of written."""

    def __init__(self) -> None:
        self.sets: list[int] = []
        self.error: Exception | None = None
        self.go, self.written = threading.Event(), threading.Event()
        self.recording = Recording(self.written.set)

    def write(self, done: Sequence[Done]) -> None:
        assert self.go.wait(5)
        self.sets.append(len(done))
        if self.error:
            raise self.error

    def add(self, number: int) -> None:
        for _ in range(number):
            self.recording.add(LANE, cast(Done, uuid4()))

    def outcome(self) -> list[Ended]:
        self.go.set()
        assert self.written.wait(5)
        self.written.clear()
        return self.recording.step()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    desk = Desk()
    write: Callable[[Sequence[Done]], None] = desk.write
    monkeypatch.setattr(lanes, "record", write)
    yield desk
    desk.go.set()
    desk.recording.end()


def test_the_keeper_does_not_wait_and_what_ends_meanwhile_is_the_next_set(desk: Desk) -> None:
    desk.add(2)
    assert desk.recording.step(at_once=True) == []
    desk.add(3)
    assert desk.recording.step(at_once=True) == []
    assert (len(desk.recording), desk.recording.next_at()) == (5, float("inf"))

    assert len(desk.outcome()) == 2
    desk.recording.step(at_once=True)
    assert len(desk.outcome()) == 3
    assert (desk.sets, len(desk.recording)) == ([2, 3], 0)


def test_a_set_that_fails_waits_again_whole(desk: Desk) -> None:
    desk.add(2)
    desk.recording.step(at_once=True)
    desk.error = OperationalError("the connection is lost")
    with pytest.raises(OperationalError):
        desk.outcome()
    assert len(desk.recording) == 2

    desk.error = None
    desk.recording.step(at_once=True)
    assert len(desk.outcome()) == 2


@pytest.mark.parametrize(("waiting", "pause"), [(0, float("inf")), (1, 0.1), (99, 0.1), (100, 0.02), (500, 0.0)])
def test_the_more_waits_the_sooner_the_next_set_begins(desk: Desk, waiting: int, pause: float) -> None:
    desk.add(1)
    desk.recording.step(at_once=True)
    began = desk.recording._began
    desk.outcome()

    desk.add(waiting)

    assert desk.recording.next_at() == began + pause


def test_what_ends_after_a_while_without_any_is_written_at_once(desk: Desk) -> None:
    desk.add(1)
    assert desk.recording.next_at() < monotonic()

    desk.recording.step()

    assert len(desk.outcome()) == 1
