"""The waiting of the sender's thread."""

import os

import pytest

from feedbackloops.outbound.multi import Multi
from tests.promptness import within


def test_a_wake_that_comes_while_another_is_answered_does_not_silence_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    multi, read = Multi(10), os.eventfd_read

    def read_late(fd: int) -> int:
        multi.wake()
        return read(fd)

    with monkeypatch.context() as race:
        race.setattr(os, "eventfd_read", read_late)
        multi.wake()
        multi.run(1.0)
    with within(1):
        multi.wake()
        multi.run(5.0)

    multi.close()
