"""The waiting of the sender's thread."""

import os
import time

import pytest

from feedbackloops.outbound.multi import Multi


def test_a_wake_that_comes_while_another_is_answered_does_not_silence_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    multi, read = Multi(10), os.eventfd_read

    def read_late(fd: int) -> int:
        multi.wake()
        return read(fd)

    with monkeypatch.context() as race:
        race.setattr(os, "eventfd_read", read_late)
        multi.wake()
        multi.run(1.0)
    started = time.monotonic()
    multi.wake()
    multi.run(5.0)

    assert time.monotonic() - started < 1
    multi.close()
