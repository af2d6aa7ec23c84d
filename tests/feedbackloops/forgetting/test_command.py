from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from feedbackloops.forgetting.people import begin, person_of
from feedbackloops.models import Forgetting
from profiles.models import Profile, Subprofile
from tests.factories import make_account, make_database, make_profile
from tests.feedbackloops.forgetting.person import Known, account_with_loop, know
from tracking.models import Message

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("spool")]

ANN = "ann.forgotten@example.com"


@pytest.fixture
def ann() -> Known:
    _, database, loop = account_with_loop()
    return know(database, loop, ANN)


def forget(*arguments: str) -> str:
    output = StringIO()
    call_command("forget", *arguments, stdout=output)
    return " ".join(output.getvalue().split())


def test_a_dry_run_counts_and_removes_nothing(ann: Known) -> None:
    words = forget(str(ann.profile.pk), "--dry-run")
    assert "Would be removed or cleared: 1 Profiles 1 Subprofiles 2 Messages" in words
    assert "2 Answers that the API has kept, emptied" in words
    assert Message.objects.count() == 2
    assert not Forgetting.objects.exists()


def test_a_person_is_forgotten_by_number_and_the_search_is_told(ann: Known) -> None:
    words = forget(str(ann.profile.pk), "--yes")
    assert "Removed or cleared: 1 Profiles 1 Subprofiles 2 Messages" in words
    assert words.endswith("Searched every table and this host's spool: nothing left.")
    assert not Profile.objects.exists()
    assert "nothing left" in forget(ANN, "--account", str(ann.profile.account_id), "--yes")


def test_nothing_happens_without_a_yes(ann: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda words: "no")
    with pytest.raises(CommandError, match="Nothing was removed"):
        forget(str(ann.profile.pk))
    assert Profile.objects.exists()


def test_what_is_left_is_told_with_its_place_and_an_exit_code(ann: Known) -> None:
    make_profile(ann.profile.database, friend=ANN)
    with pytest.raises(CommandError, match=r"Something is left.*\n  Fields of other profiles: 1 ") as error:
        forget(ANN, "--database", str(ann.profile.database_id), "--yes")
    assert error.value.returncode == 1


def test_a_profile_that_is_gone_is_gone_on_with_or_looked_for_in_its_account(ann: Known) -> None:
    number, account = ann.profile.pk, ann.profile.account_id
    order = Forgetting.objects.create(account_id=account, profiles=[number], addresses=[ANN])
    Subprofile.objects.filter(profile=number).order_by()._raw_delete("default")
    Profile.objects.filter(pk=number).order_by()._raw_delete("default")
    assert "nothing left" in forget(str(number), "--yes")
    order.refresh_from_db()
    assert order.finished
    with pytest.raises(CommandError, match=f"There is no profile {number}"):
        forget(str(number), "--yes")
    assert "nothing left" in forget(str(number), "--account", str(account), "--yes")


def test_other_profiles_with_the_address_are_named(ann: Known) -> None:
    twin = make_profile(ann.profile.database, email=ANN)
    assert f"have the address and stay: {twin.pk}." in forget(str(ann.profile.pk), "--dry-run")


@pytest.mark.parametrize("by_address", [False, True])
def test_another_order_for_the_same_address_does_not_swallow_this_one(ann: Known, by_address: bool) -> None:
    twin = make_profile(ann.profile.database, email=ANN)
    begin(person_of(ann.profile))
    who = [ANN, "--account", str(twin.account_id)] if by_address else [str(twin.pk)]
    with suppress(CommandError):  # the other one has not been gone on with
        forget(*who, "--yes")
    assert not Profile.objects.filter(pk=twin.pk).exists()


def test_who_is_not_named_well_is_told_how() -> None:
    account, database = make_account(), make_database()
    for words, arguments in {
        "neither the number": ["ann"],
        "say which with --account": [ANN],
        "There is no account 0": [ANN, "--account", "0"],
        "There is no database 0": [ANN, "--database", "0"],
        "belongs to account": [ANN, "--database", str(database.pk), "--account", str(account.pk)],
    }.items():
        with pytest.raises(CommandError, match=words):
            forget(*arguments, "--yes")


def test_a_spool_that_cant_be_read_is_told_with_what_to_do(ann: Known, settings: Settings) -> None:
    settings.SPOOL_DIR = settings.SPOOL_DIR / "file"
    settings.SPOOL_DIR.touch()
    with pytest.raises(CommandError, match="Run this as the user of the web process"):
        forget(str(ann.profile.pk), "--yes")


@pytest.mark.parametrize("option", ["--account", "--database"])
def test_a_profile_of_another_account_or_database_than_was_said_stays(ann: Known, option: str) -> None:
    with pytest.raises(CommandError, match=f"Profile {ann.profile.pk} "):
        forget(str(ann.profile.pk), option, "999999", "--yes")
    assert not Forgetting.objects.exists()
    forget(str(ann.profile.pk), "--account", str(ann.profile.account_id), "--dry-run")


def test_where_nobody_answers_nothing_is_removed(ann: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(""))
    with pytest.raises(CommandError, match="Give --yes"):
        forget(str(ann.profile.pk))
    assert not Forgetting.objects.exists()
