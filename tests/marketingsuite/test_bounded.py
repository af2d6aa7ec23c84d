import asyncio
import threading
import time

import pytest

from marketingsuite.bounded import Bounded
from tests.promptness import within


def test_what_hangs_is_waited_for_no_longer_than_the_patience() -> None:
    go = threading.Event()
    slow = Bounded("slow", lambda: go.wait(10), patience=0.1, kept=0.0)
    with within(1.0):
        with pytest.raises(TimeoutError):
            slow.wait()
        with pytest.raises(TimeoutError):
            asyncio.run(slow.answer())
    go.set()


def test_however_many_ask_one_thread_at_the_most_is_at_work() -> None:
    go, begun = threading.Event(), []

    def work() -> None:
        begun.append(threading.current_thread())
        go.wait(10)

    slow = Bounded("slow", work, patience=0.05, kept=0.0)
    for _ in range(20):
        with pytest.raises(TimeoutError):
            slow.wait()
    assert len(begun) == 1
    go.set()
    begun[0].join()
    slow.wait()
    assert len(begun) == 2


def test_an_answer_serves_for_a_while_and_then_the_work_is_done_again() -> None:
    calls: list[int] = []
    quick = Bounded("quick", lambda: calls.append(1), patience=5.0, kept=0.2)
    for _ in range(10):
        quick.wait()
    assert len(calls) == 1
    time.sleep(0.25)
    quick.wait()
    assert len(calls) == 2


def test_what_the_work_raises_reaches_all_who_ask() -> None:
    def fail() -> None:
        raise LookupError("nothing there")

    failing = Bounded("failing", fail, patience=5.0, kept=5.0)
    with pytest.raises(LookupError):
        failing.wait()
    with pytest.raises(LookupError):
        asyncio.run(failing.answer())


def test_an_event_loop_turns_while_the_work_is_waited_for() -> None:
    slow = Bounded("slow", lambda: time.sleep(0.2), patience=5.0, kept=0.0)

    async def turns() -> int:
        waiting, turned = asyncio.ensure_future(slow.answer()), 0
        while not waiting.done():
            await asyncio.sleep(0.01)
            turned += 1
        return turned

    assert asyncio.run(turns()) > 5
