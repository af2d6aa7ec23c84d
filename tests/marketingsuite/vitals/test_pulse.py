from marketingsuite.vitals.pulse import BEAT_SECONDS, HUNG_SECONDS, Part, Pulse


class Silent:
    """A part that moves, hangs or waits as the test says."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waiting = False

    def pulse(self) -> Pulse:
        return Pulse([Part("keeper", lambda: self.seconds, lambda: self.waiting)])


def beats(pulse: Pulse, start: float, seconds: float) -> list[str]:
    """What is hung at the last of the beats of so many seconds."""
    hung: list[str] = []
    for number in range(int(seconds / BEAT_SECONDS) + 1):
        hung = pulse.hung(start + number * BEAT_SECONDS)
    return hung


def test_a_part_that_moves_is_never_hung() -> None:
    assert beats(Silent().pulse(), 0.0, 3600.0) == []


def test_a_part_that_stands_still_without_a_reason_is_hung_after_a_while() -> None:
    part = Silent()
    pulse = part.pulse()
    part.seconds = 60.0
    assert beats(pulse, 0.0, HUNG_SECONDS - BEAT_SECONDS) == []
    assert pulse.hung(HUNG_SECONDS) == ["keeper"]


def test_a_part_that_waits_for_a_server_is_not_hung_however_long_that_takes() -> None:
    part = Silent()
    pulse = part.pulse()
    part.seconds, part.waiting = 9999.0, True
    assert beats(pulse, 0.0, 3600.0) == []
    part.waiting = False
    assert beats(pulse, 3605.0, HUNG_SECONDS - 2 * BEAT_SECONDS) == []


def test_a_part_that_moves_again_is_no_longer_hung() -> None:
    part = Silent()
    pulse = part.pulse()
    part.seconds = 60.0
    assert beats(pulse, 0.0, 2 * HUNG_SECONDS) == ["keeper"]
    part.seconds = 0.0
    assert pulse.hung(2 * HUNG_SECONDS + BEAT_SECONDS) == []


def test_a_process_that_was_frozen_has_its_parts_time_to_wake_up() -> None:
    part = Silent()
    pulse = part.pulse()
    assert beats(pulse, 0.0, 60.0) == []
    part.seconds = 3600.0
    assert pulse.hung(3660.0) == []
