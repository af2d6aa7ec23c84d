from itertools import chain, repeat
from types import SimpleNamespace
from typing import cast

import pytest

from bench.rows import hits
from rig.customers import Customer


def visited(*counts: int) -> Customer:
    """A customer whose events are counted as these numbers, one after another, the last one for ever."""
    told = chain(counts, repeat(counts[-1]))
    return cast(Customer, SimpleNamespace(events=lambda: next(told)))


def test_events_that_were_spooled_are_waited_for() -> None:
    hits._insist_on_events(visited(2990, 2995, 3000), 3000)


@pytest.mark.parametrize("stored", [2999, 3001])
def test_a_hit_too_few_or_too_many_ends_the_row(stored: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hits, "STORED_SECONDS", 0.1)
    with pytest.raises(TimeoutError, match="3000 hits stored, each once"):
        hits._insist_on_events(visited(stored), 3000)
