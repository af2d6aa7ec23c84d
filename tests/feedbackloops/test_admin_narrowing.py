"""Choosing on a loop's form what its calls carry."""

import html

import pytest
from django.test import Client

from feedbackloops.models import FeedbackLoop
from tests.dashboard import opened, staff, submitted, text, url
from tests.factories import make_account, make_database, make_loop, make_profile, make_subprofile

pytestmark = pytest.mark.django_db

LOOP = "feedbackloops_feedbackloop"


@pytest.fixture
def client() -> Client:
    return staff("feedbackloops.view_feedbackloop", "feedbackloops.change_feedbackloop")


@pytest.fixture
def loop() -> FeedbackLoop:
    database = make_database(make_account())
    make_subprofile(make_profile(database, email="ann@example.com", city="Oss"), None, price="1")
    make_profile(None, elsewhere="x")
    return make_loop(database.account)


def page_of(client: Client, loop: FeedbackLoop) -> str:
    return html.unescape(text(client.get(url(LOOP, "change", loop.pk))))


def test_the_fields_of_the_accounts_profiles_are_offered(client: Client, loop: FeedbackLoop) -> None:
    page = page_of(client, loop)
    assert all(f'name="only_fields" value="{name}"' in page for name in ("city", "email", "price"))
    assert "elsewhere" not in page


def test_what_is_chosen_is_kept_shown_in_the_examples_and_stands_in_the_history(
    client: Client, loop: FeedbackLoop
) -> None:
    assert "recipient=" in page_of(client, loop)
    form = opened(client, LOOP, loop.pk)
    submitted(client, LOOP, form, loop.pk, only_fields=["city", "gone since"], left_out=["recipient", "useragent"])
    loop.refresh_from_db()
    assert (loop.only_fields, loop.left_out) == (["city", "gone since"], ["recipient", "useragent"])
    page = page_of(client, loop)
    assert 'name="only_fields" value="gone since"' in page
    assert "fields%5Bcity%5D=" in page
    assert "fields%5Bgone+since%5D=" in page
    assert "recipient=" not in page
    assert "useragent=" not in page
    assert "Left out of calls" in page
    assert "city, gone since" in page


def test_fields_that_are_chosen_and_left_out_at_once_are_refused(client: Client, loop: FeedbackLoop) -> None:
    form = opened(client, LOOP, loop.pk)
    answer = client.post(url(LOOP, "change", loop.pk), form | {"only_fields": ["city"], "left_out": ["fields"]})
    assert "Choose none, or do not leave them out." in html.unescape(text(answer))
    loop.refresh_from_db()
    assert (loop.only_fields, loop.left_out) == ([], [])


ADDS = ("feedbackloops.view_feedbackloop", "feedbackloops.add_feedbackloop", "profiles.view_account")


def test_a_new_loop_is_narrowed_before_anything_is_sent(loop: FeedbackLoop) -> None:
    client = staff(*ADDS)
    page = html.unescape(text(client.get(url(LOOP, "add"))))
    assert "Once the account is chosen, those are offered" in page
    assert 'name="left_out" value="recipient"' in page
    assert 'name="only_fields" value="city"' in text(client.get(url(LOOP, "add"), {"account": loop.account_id}))
    form = opened(client, LOOP)
    typed = {"account": loop.account_id, "name": "New", "url": "https://example.com/hooks/script.php"}
    submitted(client, LOOP, form, **typed, event_types=["open"], only_fields=["city"], left_out=["recipient", "ip"])
    made = FeedbackLoop.objects.get(name="New")
    assert (made.only_fields, made.left_out) == (["city"], ["recipient", "ip"])


def test_the_fields_of_an_account_that_is_chosen_are_offered_to_who_may_see_it(loop: FeedbackLoop) -> None:
    answer = staff(*ADDS).get(url(LOOP, "fields"), {"account": loop.account_id})
    assert all(f'name="only_fields" value="{name}"' in text(answer) for name in ("city", "email", "price"))
    assert 'id="id_only_fields"' in text(answer)
    other = staff(*ADDS, accounts=[make_account()])
    assert other.get(url(LOOP, "fields"), {"account": loop.account_id}).status_code == 404
    viewer = staff("feedbackloops.view_feedbackloop")
    assert viewer.get(url(LOOP, "fields"), {"account": loop.account_id}).status_code == 403


def test_a_form_that_is_saved_untouched_keeps_what_is_left_out(client: Client, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(only_fields=["city"], left_out=["mime"])
    submitted(client, LOOP, opened(client, LOOP, loop.pk), loop.pk)
    loop.refresh_from_db()
    assert (loop.only_fields, loop.left_out) == (["city"], ["mime"])


def test_what_can_not_be_left_out_is_refused(client: Client, loop: FeedbackLoop) -> None:
    page = submitted(client, LOOP, opened(client, LOOP, loop.pk), loop.pk, left_out=["event"])
    assert "event is not one of the available choices" in text(page)
