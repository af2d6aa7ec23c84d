from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import Settings

from feedbackloops.models import Forgetting
from profiles.models import Profile
from tests.dashboard import Rings, staff, text, url
from tests.factories import make_database, make_message, make_profile
from tests.feedbackloops.forgetting.person import Known, account_with_loop, forget, know

pytestmark = pytest.mark.django_db(transaction=True)

ANN = "ann.forgotten@example.com"
RIGHT = "feedbackloops.forget_person"


@pytest.fixture(autouse=True)
def quiet(tmp_path: Path, settings: Settings, rings: Rings) -> None:
    settings.ANSWER_SECONDS = -7.5  # no call is under way for any time
    settings.SPOOL_DIR = tmp_path


@pytest.fixture
def ann() -> Known:
    _, database, loop = account_with_loop()
    return know(database, loop, ANN)


@pytest.fixture
def client() -> Client:
    return staff("profiles.view_profile", RIGHT)


def page_of(profile: Profile) -> str:
    return url("profiles_profile", "forget", profile.pk)


def test_the_page_counts_first_and_changes_nothing(client: Client, ann: Known) -> None:
    twin = make_profile(ann.profile.database, email=ANN)
    assert page_of(ann.profile) in text(client.get(url("profiles_profile", "change", ann.profile.pk)))
    page = " ".join(text(client.get(page_of(ann.profile))).split())
    assert "<dt>Messages</dt> <dd>2</dd>" in page
    assert "<dt>Deliveries</dt> <dd>6</dd>" in page
    assert url("profiles_profile", "change", twin.pk) in page
    assert Profile.objects.filter(pk=ann.profile.pk).exists()
    assert not Forgetting.objects.exists()


def test_a_post_rings_for_it_and_leads_to_how_far_it_has_come(client: Client, ann: Known, rings: Rings) -> None:
    page = text(client.post(page_of(ann.profile), follow=True))
    order = Forgetting.objects.get()
    assert rings[-1] == ("forget", order.pk)
    assert "under way: messages and their events" in page
    assert order.asked_by
    assert LogEntry.objects.filter(change_message__contains="Asked for the person to be forgotten").count() == 2
    forget(order)
    page = text(client.get(url("feedbackloops_forgetting", "change", order.pk)))
    assert "nothing left" in page
    assert "Every table and the spool was searched" in page
    assert "Messages: 2" in page
    assert "nothing left" in text(client.get(url("feedbackloops_forgetting", "changelist")))


def test_asking_twice_makes_one_order(client: Client, ann: Known) -> None:
    for _ in range(2):
        client.post(page_of(ann.profile))
    assert Forgetting.objects.count() == 1


def test_who_shares_the_address_gets_an_order_of_its_own(client: Client, ann: Known) -> None:
    twin = make_profile(ann.profile.database, email=ANN)
    for profile in (ann.profile, twin):
        client.post(page_of(profile))
    assert sorted(order.profiles for order in Forgetting.objects.all()) == [[ann.profile.pk], [twin.pk]]


def test_a_person_in_two_databases_can_be_forgotten_in_both(client: Client, ann: Known) -> None:
    account = ann.profile.account
    twin = make_profile(make_database(account, "Newsletter"), email=ANN)
    make_message(twin, recipient=ANN)
    other = make_profile(make_database(), email=ANN)
    one = " ".join(text(client.get(page_of(ann.profile))).split())
    assert f"Profile {twin.pk} in {twin.database.name}" in one
    assert "They stay, and so do the mails to them." in one
    whole = " ".join(text(client.get(f"{page_of(ann.profile)}?everywhere=1")).split())
    assert "<dt>Profiles</dt> <dd>2</dd>" in whole
    assert "<dt>Messages</dt> <dd>3</dd>" in whole
    assert "Forget this person in the whole account" in whole
    assert not Forgetting.objects.exists()
    client.post(page_of(ann.profile), {"everywhere": "1"})
    order = forget(Forgetting.objects.get())
    assert (order.left, order.removed["profiles"], order.removed["messages"]) == ({}, 2, 3)
    assert list(Profile.objects.all()) == [other]


def test_what_is_left_is_shown_with_its_place(client: Client, ann: Known) -> None:
    make_profile(ann.profile.database, friend=ANN)
    client.post(page_of(ann.profile))
    forget(Forgetting.objects.get())
    page = text(client.get(url("feedbackloops_forgetting", "change", Forgetting.objects.get().pk)))
    assert "something is left" in page
    assert "Fields of other profiles: 1" in page
    assert "only people can judge it" in page
    assert "profiles_profile" not in page.partition("What still names")[2]


def test_only_who_has_the_right_and_sees_the_account_may(ann: Known) -> None:
    other, _, _ = account_with_loop()
    everything = staff("profiles.view_profile", "profiles.change_profile", "profiles.delete_profile")
    assert page_of(ann.profile) not in text(everything.get(url("profiles_profile", "change", ann.profile.pk)))
    elsewhere = staff("profiles.view_profile", RIGHT, accounts=[other])
    for client, status in ((everything, 403), (elsewhere, 404)):
        assert client.get(page_of(ann.profile)).status_code == status
        assert client.post(page_of(ann.profile)).status_code == status
    assert not Forgetting.objects.exists()
