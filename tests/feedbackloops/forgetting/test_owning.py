from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User

from api.models import KeptAnswer
from api.tokens import make_token
from feedbackloops.forgetting.people import begin, person_of
from feedbackloops.models import ParkedEvent
from profiles.models import Account, Profile
from tests.factories import make_account, make_database, make_message, make_profile
from tests.feedbackloops.forgetting.person import Known, account_with_loop, forget, know
from tracking.hits import Hit
from tracking.ids import new_id
from tracking.models import UnreadMail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("spool")]

ANN = "ann.forgotten@example.com"


@pytest.fixture
def theirs() -> Known:
    """Of another account, which knows the same address."""
    _, database, loop = account_with_loop()
    return know(database, loop, ANN)


@pytest.fixture
def ours(theirs: Known) -> Profile:
    return make_profile(make_database(make_account("Ours")), email=ANN)


def line(account: int) -> bytes:
    id = new_id()
    moment = datetime.fromtimestamp((id.int >> 80) / 1000, UTC)
    return Hit(id, "click", account, new_id(), moment, {"original": f"https://example.com/?to={ANN}"}).to_line()


def entries() -> list[tuple[str, str]]:
    return list(LogEntry.objects.order_by("pk").values_list("object_repr", "change_message"))


def test_texts_of_another_account_stay_as_they_are(theirs: Known, ours: Profile) -> None:
    ParkedEvent.objects.create(event_id=new_id(), error=f"Nobody's: {ANN}")
    before = entries(), list(ParkedEvent.objects.order_by("pk").values_list("error", flat=True))
    order = forget(begin(person_of(ours)))
    assert (entries(), list(ParkedEvent.objects.order_by("pk").values_list("error", flat=True))) == before
    # What belongs to nobody is looked at, but not touched.
    assert order.left == {"feedbackloops_parkedevent.error": 1}


def test_entries_about_what_the_account_has_are_cleared_and_others_told_of(ours: Profile) -> None:
    user = User.objects.create(username="adam")
    for subject in (ours.account, ours.database, user):
        LogEntry.objects.log_actions(user.pk, [subject], CHANGE, f"Asked {ANN}.")
    LogEntry.objects.create(user=user, content_type=None, object_id=None, action_flag=CHANGE, change_message=ANN)
    before = LogEntry.objects.filter(change_message="Asked [forgotten].").count()
    order = forget(begin(person_of(ours)))
    assert LogEntry.objects.filter(change_message="Asked [forgotten].").count() == before + 2
    assert order.left == {"django_admin_log.change_message": 2}


def test_mails_that_nobody_could_read_go_only_with_whom_they_are_about() -> None:
    account = make_account()
    profile = make_profile(make_database(account), email=ANN)
    UnreadMail.objects.create(key="a", raw=b"x", sender=ANN)
    # Who only has a profile with an address can't make the house lose its mails.
    order = forget(begin(person_of(profile)))
    assert order.left == {"tracking_unreadmail.sender": 1}
    message = make_message(account=account, recipient=ANN)
    UnreadMail.objects.create(key="b", raw=f"About {message.pk}".encode())
    UnreadMail.objects.create(key="c", raw=b"x", sender="ben.stays@example.com")
    again = make_profile(make_database(account), email=ANN)
    assert forget(begin(person_of(again))).left == {}
    assert list(UnreadMail.objects.values_list("key", flat=True)) == ["c"]


@pytest.mark.parametrize("by_message", [False, True])
def test_mails_from_an_address_that_another_account_knows_stay(by_message: bool) -> None:
    other = make_database(make_account())
    if by_message:
        make_message(account=other.account, recipient=ANN.upper())
    else:
        make_profile(other, email=ANN)
    ours = make_profile(make_database(make_account()), email=ANN)
    UnreadMail.objects.create(key="a", raw=f"About {make_message(ours, recipient=ANN).pk}".encode())
    UnreadMail.objects.create(key="b", raw=b"x", sender=ANN)
    assert forget(begin(person_of(ours))).left == {}
    assert list(UnreadMail.objects.values_list("key", flat=True)) == ["b"]


def test_answers_kept_for_another_accounts_programs_are_not_looked_at(theirs: Known, ours: Profile) -> None:
    other = Account.objects.get(pk=theirs.profile.account_id)
    token = make_token(other, "CRM", ["profiles:write"]).token
    kept = KeptAnswer.objects.create(token=token, key="x", request=b"x", status=200, body=ANN.encode())
    assert forget(begin(person_of(ours))).left == {}
    kept.refresh_from_db()
    assert bytes(kept.body) == ANN.encode()


def test_hits_of_another_account_stay_in_the_spool(theirs: Known, ours: Profile, spool: Path) -> None:
    other = line(theirs.profile.account_id)
    (spool / "dead.hits").write_bytes(other + line(ours.account_id))
    (spool / "dead.unreadable").write_bytes(other[:-9] + f"\ntorn {ANN}\n".encode())
    order = forget(begin(person_of(ours)))
    assert (spool / "dead.hits").read_bytes() == other
    # Nobody can say whose the torn one is.
    assert (spool / "dead.unreadable").read_bytes().count(ANN.encode()) == 2
    assert order.left == {"spool/dead.unreadable": 1}
