"""A keeper whose calls the test collects and answers."""

import threading

from django.db import OperationalError

from feedbackloops.keeper import Keeper
from feedbackloops.models import Delivery, FeedbackLoop
from feedbackloops.outbound.calls import Answer, Call

OK, FAILED, GONE = Answer(status=200), Answer(status=500), Answer(status=410)


class Bench:
    """A keeper with the calls that it wants to make."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.woken = threading.Event()
        self.keeper = Keeper(self.calls.extend, self.woken.set)

    def turn(self, *loops: FeedbackLoop) -> list[Call]:
        """Do a turn; the calls that it makes."""
        before = len(self.calls)
        self.keeper.turn([loop.pk for loop in loops], [])
        return self.calls[before:]

    def answer(self, calls: list[Call], answer: Answer) -> list[Call]:
        """Answer these calls and have it recorded; the calls that are made next."""
        before = len(self.calls)
        self.keeper.turn([], [(call, answer) for call in calls])
        self.settle()
        return self.calls[before:]

    def settle(self) -> None:
        """Go on until there is nothing to do at once."""
        for _ in range(20):
            if self.keeper.pause() > 0.1 and not len(self.keeper._recording):
                return
            self.woken.wait(self.keeper.pause())
            self.woken.clear()
            self.keeper.turn([], [])

    def close(self) -> None:
        """Let it record what it has, and give back its lanes."""
        while not self.keeper.close([]) and len(self.keeper._recording):
            self.woken.wait(0.05)
        self.keeper._recording.end()


def lose_the_database(*arguments: object) -> None:
    raise OperationalError("the connection is lost")


def states() -> dict[str, int]:
    counted: dict[str, int] = {}
    for state in Delivery.objects.values_list("state", flat=True):
        counted[state] = counted.get(state, 0) + 1
    return counted
