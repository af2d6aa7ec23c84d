import threading
import time

import pytest

from tests.promptness import measured, within


def test_what_waits_for_too_long_fails() -> None:
    with pytest.raises(AssertionError, match="took"), within(0.2):
        time.sleep(0.5)
    with pytest.raises(AssertionError, match="took"), within(1.0, at_least=0.2):
        time.sleep(0.05)


def test_what_is_quick_enough_passes_and_an_error_within_comes_out_as_it_is() -> None:
    with within(5.0):
        time.sleep(0.05)
    with pytest.raises(ZeroDivisionError), within(0.0):
        raise ZeroDivisionError


def test_a_machine_that_is_busy_is_given_its_time() -> None:
    over = threading.Event()

    def spin() -> None:
        while not over.is_set():
            sum(range(1000))

    crowd = [threading.Thread(target=spin) for _ in range(8)]
    for each in crowd:
        each.start()
    with measured() as lateness:
        time.sleep(0.5)
    over.set()
    for each in crowd:
        each.join()
    with measured() as calm:
        time.sleep(0.1)
    assert lateness.allowance > 0.1 > 0.0 <= calm.allowance
