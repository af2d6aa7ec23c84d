"""What a dry run says is what is removed afterwards, of each kind as many."""

from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User

from feedbackloops.forgetting import words
from feedbackloops.forgetting.counting import foresee
from feedbackloops.forgetting.people import Person, begin, person_at, person_of
from feedbackloops.models import Attempt, Forgetting, ParkedEvent
from profiles.models import Profile
from tests.factories import make_message, make_profile
from tests.feedbackloops.forgetting.person import Known, account_with_loop, forget, know, texts_of_everything
from tracking.hits import Hit
from tracking.ids import moment_of, new_id
from tracking.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("spool")]

ANN, BEN, EARLIER = "ann.forgotten@example.com", "ben.stays@example.com", "earlier@example.com"


@pytest.fixture
def both() -> tuple[Known, Known]:
    _, database, loop = account_with_loop()
    return know(database, loop, ANN), know(database, loop, BEN)


def mention(both: tuple[Known, Known], spool: Path) -> None:
    """Name the person in what is about the other one."""
    ann, ben = both
    make_message(ann.profile, recipient=EARLIER)
    make_message(account=ann.profile.account, recipient=EARLIER)
    Attempt.objects.filter(delivery__event__message=ben.messages[0]).update(answer=f"not {EARLIER}".encode())
    of_ben = Event.objects.filter(message__in=ben.messages)
    ParkedEvent.objects.filter(event_id__in=of_ben.values("pk")).update(error=f"as with {ANN}")
    LogEntry.objects.log_actions(User.objects.get().pk, [ben.profile], CHANGE, f"Not to be mixed up with {ANN}.")
    id = new_id()
    hit = Hit(id, "open", ann.profile.account_id, ann.messages[0].pk, moment_of(id), {"ip": "192.0.2.1"})
    (spool / "dead.hits").write_bytes(hit.to_line())


@pytest.mark.parametrize("by_address", [False, True])
def test_as_many_rows_are_removed_as_were_foreseen(both: tuple[Known, Known], spool: Path, by_address: bool) -> None:
    mention(both, spool)
    profile = both[0].profile
    if by_address:
        make_profile(profile.database, email=ANN)
    person = person_at(ANN, profile.account_id) if by_address else person_of(profile)
    before = texts_of_everything()
    expected = foresee(person, spool)
    assert texts_of_everything() == before
    order = forget(begin(person))
    assert order.left == {}
    assert order.removed == expected
    assert expected.keys() == words.COUNTED.keys() - {"pending"}


def test_of_somebody_unknown_nothing_would_be_removed(both: tuple[Known, Known], spool: Path) -> None:
    assert foresee(Person(both[0].profile.account_id, [], ["nobody@example.com"]), spool) == {}


def test_every_place_has_words() -> None:
    assert words.place("profiles_profile.fields") == "Fields of other profiles"
    assert words.place("spool/dead.unreadable") == "This host’s spool, in the file dead.unreadable"
    assert words.place("unknown.column") == "unknown.column"
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            said = words.place(f"{model._meta.db_table}.{field.column}")
            assert "_" not in said, said
    assert words.counted("messages") == "Messages"


def test_places_are_told_without_a_word_of_tables() -> None:
    left = {"tracking_event.data": 2, "unknown.column": 3, "django_migrations.name": 1}
    assert words.places(left) == {"Events of others: what happened": 2, "Elsewhere in the database": 4}


def test_an_order_that_is_only_counted_is_not_stored(both: tuple[Known, Known], spool: Path) -> None:
    foresee(person_of(both[0].profile), spool)
    assert not Forgetting.objects.exists()
    assert Profile.objects.filter(pk=both[0].profile.pk).exists()
