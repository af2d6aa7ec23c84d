from math import inf

from feedbackloops.alarms import Alarms


def test_alarms_go_off_in_the_order_of_their_moments_and_once() -> None:
    alarms = Alarms()
    assert alarms.next_at() == inf
    for moment, loop in ((3.0, 1), (1.0, 2), (2.0, 1)):
        alarms.set(moment, loop)

    assert alarms.next_at() == 1.0
    assert alarms.gone_off(0.9) == []
    assert alarms.gone_off(2.0) == [2, 1]
    assert alarms.next_at() == 3.0
    assert alarms.gone_off(9.0) == [1]
    assert alarms.next_at() == inf
