from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from feedbackloops.forgetting import slices
from feedbackloops.forgetting.people import begin, person_of
from feedbackloops.forgetting.slices import AT_ONCE, Slice, cut
from feedbackloops.models import Attempt
from tests.feedbackloops.forgetting.person import account_with_loop, forget, know, texts_of_everything
from tracking.ids import first_id_at

ANN = "ann.forgotten@example.com"


@pytest.mark.parametrize(("size", "parts"), [(0, 1), (AT_ONCE, 1), (AT_ONCE + 1, 2), (AT_ONCE * 7, 7)])
def test_a_day_is_cut_by_its_size_and_wholly_covered(size: int, parts: int) -> None:
    found = list(cut("tracking_event_20261127", size))
    assert len(found) == parts
    assert found[0].low == str(first_id_at(datetime(2026, 11, 27, tzinfo=UTC)))
    assert found[-1].high == str(first_id_at(datetime(2026, 11, 28, tzinfo=UTC)))
    assert all(one.high == other.low for one, other in pairwise(found))


def test_what_no_day_covers_is_one_slice() -> None:
    nil, most = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
    assert list(cut("tracking_event_default", AT_ONCE * 9)) == [Slice("tracking_event_default", nil, most)]


@pytest.mark.django_db
def test_a_person_is_forgotten_from_large_tables_slice_by_slice(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ANSWER_SECONDS, settings.SPOOL_DIR = -7.5, tmp_path
    # Tables of some pages count as large.
    monkeypatch.setattr(slices, "AT_ONCE", 4096)
    _, database, loop = account_with_loop()
    ann, ben = (know(database, loop, address) for address in (ANN, "ben.stays@example.com"))
    Attempt.objects.filter(delivery__event__message__in=ben.messages).update(answer=f"not {ANN}".encode())
    asked: list[str] = []

    def listen(execute: Any, statement: str, *more: Any) -> Any:
        asked.append(statement)
        return execute(statement, *more)

    with connection.execute_wrapper(listen):
        assert forget(begin(person_of(ann.profile))).left == {}
    assert ANN not in texts_of_everything()
    for words in ("UPDATE feedbackloops_attempt_2", "FROM feedbackloops_snapshot_2", "FROM tracking_event_2"):
        assert len({statement for statement in asked if words in statement and ">= '" in statement}) > 10
