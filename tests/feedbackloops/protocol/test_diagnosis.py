"""Each way in which a look can fail has words of its own, and says what to do: a row for each."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol.challenge import Problem
from feedbackloops.protocol.diagnosis import diagnose
from feedbackloops.protocol.diagnosis.way import Passage, way_of
from feedbackloops.protocol.sights import Known, Sight, Station, facts_of
from tests.feedbackloops.protocol.lookrows import (
    FILE,
    NOW,
    ROWS,
    URL,
    answered,
)


@pytest.mark.parametrize("name", ROWS)
def test_each_failure_has_words_and_advice_of_its_own(name: str) -> None:
    sight, title, advice, _ = ROWS[name]
    told = diagnose(sight)
    assert title in str(told.title)
    assert advice in " ".join(map(str, told.advice))
    assert bool(told.advice) == (sight.problem is not Problem.OK)


def found(sight: Sight, station: Station) -> str:
    return next(str(stop.found) for stop in way_of(sight) if stop.station is station)


def test_an_address_in_the_url_is_no_name() -> None:
    sight = replace(answered(404), url="https://[2606:4700::1]/f.txt", known=(Known("2606:4700::1"),))
    assert found(sight, Station.NAME) == "The URL has an address in the place of a name."


def test_a_look_from_before_details_were_kept_tells_what_there_is() -> None:
    sight = Sight(URL, FILE.encode(), Problem.NO_ANSWER, NOW, **facts_of({}))
    assert str(diagnose(sight)) == "There was no answer. Press Check now to look again."
    assert [stop.passage for stop in way_of(sight)][:3] == [Passage.PASSED, Passage.PASSED, Passage.FAILED]


texts = st.text(max_size=400)


@given(status=st.integers(0, 999), body=st.binary(max_size=300), redirect=texts, detail=texts, truncated=st.booleans())
def test_whatever_a_stranger_sends_is_told_on_a_short_line(
    status: int, body: bytes, redirect: str, detail: str, truncated: bool
) -> None:
    sight = replace(answered(status, body, redirect, truncated), detail=detail)
    for told in (str(diagnose(sight)), *(str(stop.found) for stop in way_of(sight))):
        assert told.isprintable()
        assert len(told) < 1000
