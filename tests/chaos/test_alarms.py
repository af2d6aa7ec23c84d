import pytest

from chaos.alarms import reported


def log(*numbers: int) -> str:
    lines = [f"CRITICAL Hit 0190 is lost, number {number} since the start: neither takes it" for number in numbers]
    return "\n".join(["INFO Started worker-1", *lines])


@pytest.mark.parametrize(
    ("numbers", "hits"),
    [((), 0), ((1,), 1), ((1, 80, 325), 325), ((1, 325, 1, 40), 365), ((3, 3), 6)],
    ids=["none", "one", "some are skipped", "a process that was started anew", "the same number in the next process"],
)
def test_alarms_tell_of_all_hits_that_were_lost_since_their_process_started(
    numbers: tuple[int, ...], hits: int
) -> None:
    assert reported(log(*numbers)) == hits
