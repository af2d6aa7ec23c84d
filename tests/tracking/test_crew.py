import threading
from asyncio import Future, create_task, sleep
from collections.abc import Callable, Sequence
from time import perf_counter
from weakref import ref as weakref

import pytest

from tests.promptness import measured, within
from tests.tracking.samples import in_loop, wait_until
from tracking.crew import MOST_AT_ONCE, REFUSED, SHARED_FROM, TOO_LATE, Crew, Outcome, gathering
from tracking.threads import Threads

PATIENT = 10.0


class Work:
    """Work that waits until it is let go, and notes its sets."""

    def __init__(self) -> None:
        self.sets: list[list[int]] = []
        self.go = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.sets.append(list(items))
        assert self.go.wait(PATIENT)
        return [item for item in items if item < 0]


async def hand_all(crew: Crew[int], items: list[int]) -> list[Outcome]:
    return [await outcome for outcome in [crew.hand(item) for item in items]]


def crew_of(work: Callable[[Sequence[int]], list[int]], patience: float = PATIENT, threads: int = 1) -> Crew[int]:
    return Crew(Threads("test", threads, work), patience)


def test_what_is_handed_over_together_is_one_set_and_each_hears_of_its_own() -> None:
    work = Work()
    work.go.set()
    assert in_loop(hand_all(crew_of(work), [1, -2, 3])) == [None, REFUSED, None]
    assert work.sets == [[1, -2, 3]]


def test_a_set_has_a_largest_size() -> None:
    work = Work()
    work.go.set()
    items = list(range(2 * MOST_AT_ONCE + 1))
    assert in_loop(hand_all(crew_of(work), items)) == [None] * len(items)
    assert [len(each) for each in work.sets] == [MOST_AT_ONCE, MOST_AT_ONCE, 1]


def test_an_error_is_told_to_all_that_it_concerns_and_the_thread_goes_on() -> None:
    def divide(items: Sequence[int]) -> list[int]:
        return [] if all(1 / item for item in items) else list(items)

    crew = crew_of(divide)
    errors = in_loop(hand_all(crew, [1, 0]))
    assert [type(error) for error in errors] == [ZeroDivisionError] * 2
    assert in_loop(hand_all(crew, [1, 2])) == [None, None]


def test_what_is_done_is_let_go_of_at_once() -> None:
    class Item:
        pass

    async def hand() -> "weakref[Item]":
        item = Item()
        gone = weakref(item)
        outcome = crew.hand(item)
        del item
        await outcome
        await crew.hand(Item())  # the thread holds its last set until it gets another
        return gone

    crew = Crew(Threads[Item]("test", 1, lambda items: []), PATIENT)
    gone = in_loop(hand())
    wait_until(lambda: gone() is None, 2)


def test_each_waits_for_its_own_patience() -> None:
    async def in_turn() -> list[float]:
        async def wait(number: int) -> float:
            start = perf_counter()
            assert await crew.hand(number) is TOO_LATE
            return perf_counter() - start

        tasks = []
        for number in range(5):
            tasks.append(create_task(wait(number)))
            await sleep(0.03)
        return [await task for task in tasks]

    work = Work()
    crew = crew_of(work, patience=0.2, threads=2)
    with measured() as lateness:
        waits = in_loop(in_turn())
    work.go.set()
    assert all(0.2 <= wait < 0.26 + lateness.allowance for wait in waits), waits


def test_an_answer_that_comes_late_is_no_trouble_and_what_waited_is_done() -> None:
    work = Work()
    crew = crew_of(work, patience=0.1)

    async def hand_later(item: int) -> Outcome:
        await sleep(0.02)
        return await crew.hand(item)

    async def both() -> list[Outcome]:
        first = create_task(hand_all(crew, [1]))
        return [await hand_later(2), *await first]

    assert in_loop(both()) == [TOO_LATE, TOO_LATE]
    work.go.set()
    wait_until(lambda: work.sets == [[1], [2]])
    wait_until(lambda: crew._free == 1)
    assert in_loop(hand_all(crew, [3])) == [None]


def test_while_every_thread_is_stuck_nothing_is_taken_and_nobody_waits() -> None:
    work = Work()
    crew = crew_of(work, patience=0.1)
    assert in_loop(hand_all(crew, [1])) == [TOO_LATE]
    wait_until(crew.is_stuck)
    with within(0.05):
        assert in_loop(hand_all(crew, [2])) == [TOO_LATE]
    work.go.set()
    wait_until(lambda: not crew.is_stuck())
    assert in_loop(hand_all(crew, [3])) == [None]
    assert work.sets == [[1], [3]]


def test_what_nobody_waits_for_any_more_is_done_all_the_same() -> None:
    async def leave() -> None:
        outcome: Future[Outcome] = crew.hand(1)
        outcome.cancel()

    work = Work()
    work.go.set()
    crew = crew_of(work)
    in_loop(leave())
    wait_until(lambda: work.sets == [[1]])
    assert in_loop(hand_all(crew, [2])) == [None]


def test_a_second_thread_helps_only_where_the_first_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def a_moment_later() -> int:
        crew.hand(1)
        await sleep(0.001)
        crew.hand(2)
        await sleep(0)
        await sleep(0)
        return crew._free

    # Longer than any machine takes for that moment.
    monkeypatch.setattr("tracking.crew.ALONE_SECONDS", 0.5)
    work = Work()
    crew = crew_of(work, threads=2)
    assert in_loop(a_moment_later()) == 1
    wait_until(lambda: work.sets == [[1], [2]])
    work.go.set()


def test_a_second_thread_helps_at_once_where_a_whole_set_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def a_moment_later() -> int:
        crew.hand(-1)
        await sleep(0.001)
        for number in range(MOST_AT_ONCE + 1):
            crew.hand(number)
        await sleep(0)
        return crew._free

    monkeypatch.setattr("tracking.crew.ALONE_SECONDS", 0.5)
    work = Work()
    crew = crew_of(work, threads=3)
    assert in_loop(a_moment_later()) == 1
    work.go.set()
    wait_until(lambda: [len(each) for each in work.sets] == [1, MOST_AT_ONCE, 1])


@pytest.mark.parametrize(("waiting", "free"), [(SHARED_FROM - 1, 1), (SHARED_FROM, 0)])
def test_a_second_thread_helps_at_once_where_many_wait(
    monkeypatch: pytest.MonkeyPatch, waiting: int, free: int
) -> None:
    async def a_moment_later() -> int:
        crew.hand(-1)
        await sleep(0.001)
        for number in range(waiting):
            crew.hand(number)
        await sleep(0)
        return crew._free

    monkeypatch.setattr("tracking.crew.ALONE_SECONDS", 0.5)
    work = Work()
    crew = crew_of(work, threads=2)
    assert in_loop(a_moment_later()) == free
    work.go.set()
    wait_until(lambda: sum(map(len, work.sets)) == waiting + 1)


@pytest.mark.parametrize("threads", [1, 3])
def test_every_thread_takes_a_set(threads: int) -> None:
    async def one_by_one() -> None:
        for number in range(threads):
            crew.hand(number)
            await sleep(0.01)

    work = Work()
    crew = crew_of(work, threads=threads)
    in_loop(one_by_one())
    wait_until(lambda: sorted(work.sets) == [[number] for number in range(threads)])
    work.go.set()


@pytest.mark.parametrize(
    ("number", "seconds", "expected"),
    [
        (1, 1.0, 32e-6),
        (250, 1.0, 0.008),
        (5, 0.01, 0.016),
        (100_000, 1.0, 0.02),
        (1, 0.0, 0.02),
        (1, float("inf"), 0.0),
    ],
)
def test_the_more_comes_in_the_longer_it_is_gathered(number: int, seconds: float, expected: float) -> None:
    assert gathering(number, seconds, 0.02) == pytest.approx(expected)


async def hand_slowly(crew: Crew[int], number: int, pause: float) -> None:
    for outcome in [crew.hand(-1), *[await later(crew, item, pause) for item in range(number)]]:
        await outcome


async def later(crew: Crew[int], item: int, pause: float) -> "Future[Outcome]":
    await sleep(pause)
    return crew.hand(item)


def test_while_much_comes_in_more_is_waited_for() -> None:
    work = Work()
    work.go.set()
    patient = Crew(Threads("test", 1, work), PATIENT, longest_pause=0.05)
    in_loop(hand_slowly(patient, 200, 0.001))
    assert len(work.sets) < 40

    work.sets.clear()
    in_loop(hand_slowly(crew_of(work), 100, 0.001))
    assert len(work.sets) > 50


def test_as_many_as_make_a_set_are_not_kept_waiting() -> None:
    async def hand_many() -> float:
        patient._pause = PATIENT
        start = perf_counter()
        await hand_all(patient, list(range(SHARED_FROM)))
        return perf_counter() - start

    work = Work()
    work.go.set()
    patient = Crew(Threads("test", 1, work), PATIENT, longest_pause=PATIENT)
    assert in_loop(hand_many()) < 1
    assert work.sets == [list(range(SHARED_FROM))]


def test_nobody_waits_for_more_until_its_patience_ends() -> None:
    work = Work()
    work.go.set()
    hasty = Crew(Threads("test", 1, work), 0.4, longest_pause=PATIENT)
    hasty._pause = hasty._longest_pause
    assert in_loop(hand_all(hasty, [1])) == [None]
