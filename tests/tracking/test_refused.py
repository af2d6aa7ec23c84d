from unittest.mock import patch
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tracking.ids import new_id
from tracking.refused import Refused

KNOWN = [new_id() for _ in range(20)]


def test_a_message_is_refused_until_it_is_no_longer() -> None:
    messages = Refused().changed([(KNOWN[0], True), (KNOWN[1], True)]).in_order()
    assert KNOWN[0] in messages
    assert KNOWN[2] not in messages
    again = messages.changed([(KNOWN[0], False)])
    assert KNOWN[0] not in again
    assert KNOWN[1] in again


def test_what_changes_nothing_makes_no_new_set() -> None:
    messages = Refused().changed([(KNOWN[0], True)])
    assert messages.changed([(KNOWN[0], True)]) is messages


@given(st.lists(st.tuples(st.sampled_from(KNOWN), st.booleans())), st.integers(0, 5))
def test_whatever_changes_it_is_the_set_that_it_stands_for(changes: list[tuple[UUID, bool]], loose: int) -> None:
    messages, expected = Refused(), dict.fromkeys(KNOWN, False)
    with patch("tracking.refused._LOOSE", loose):
        for change in changes:
            messages = messages.changed([change])
            expected |= [change]
    assert {message: message in messages for message in KNOWN} == expected
    assert {message: message in messages.in_order() for message in KNOWN} == expected
    assert len(messages.in_order().keys) == sum(expected.values())
