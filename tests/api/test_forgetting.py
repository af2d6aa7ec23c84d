"""What is left of a person, as a program is told of it."""

from pathlib import Path

import pytest
from pytest_django import Settings

from feedbackloops import doorbell
from feedbackloops.models import Forgetting
from tests.api.program import Program, told
from tests.dashboard import Rings
from tests.factories import make_database, make_profile
from tests.feedbackloops.forgetting.person import forget

pytestmark = pytest.mark.django_db


def test_where_something_is_left_is_told_in_words_and_not_by_tables(
    program: Program, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SPOOL_DIR, settings.ANSWER_SECONDS = tmp_path, -7.5
    monkeypatch.setattr(doorbell, "_doorbell", lambda: Rings())
    database = make_database(program.account)
    ann = make_profile(database, email="ann@example.com")
    make_profile(database, email="ben@example.com", friend="ann@example.com")
    number = told(program.post(f"/profiles/{ann.pk}/forget", {}), 202)["id"]
    forget(Forgetting.objects.get())
    assert told(program.get(f"/forgettings/{number}"))["left"] == {
        "Fields of other profiles": 1,
        "Events of others: what happened": 1,
    }
