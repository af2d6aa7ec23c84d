import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from feedbackloops.models import FeedbackLoop, LaneState, LoopStatus
from feedbackloops.protocol.signing import dkim_record, generate_rsa_key
from feedbackloops.testcalls import begin
from tests.dashboard import Page, opened, staff, submitted, text, url
from tests.factories import make_account, make_database, make_loop, make_message, make_verified_loop, owe

pytestmark = pytest.mark.django_db

LOOP = "feedbackloops_feedbackloop"
KEY = generate_rsa_key()
EDITOR = ("feedbackloops.view_feedbackloop", "feedbackloops.change_feedbackloop", "feedbackloops.add_feedbackloop")


@pytest.fixture
def client() -> Client:
    return staff(*EDITOR, "profiles.view_account")


@pytest.fixture
def viewer() -> Client:
    return staff("feedbackloops.view_feedbackloop")


def shown(client: Client, loop: FeedbackLoop) -> str:
    return text(client.get(url(LOOP, "change", loop.pk)))


def test_a_loop_is_made_from_its_form_and_the_next_step_is_told(client: Client) -> None:
    account = make_account()
    form = opened(client, LOOP) | {"event_types": ["click", "bounce", "create"]}
    answer = submitted(client, LOOP, form, account=account.pk, name="CRM", url="https://example.com/a/b.php")
    loop = FeedbackLoop.objects.get()
    assert (loop.account, loop.name, loop.event_types) == (account, "CRM", ["click", "bounce", "create"])
    assert loop.lane.stopped is None
    page = text(answer)
    assert "Next step: download the verification file" in page
    assert f"https://example.com/a/{loop.verification_file}" in page
    assert f"https://example.com/{loop.verification_file}" in page


def test_saving_a_new_loop_leads_to_its_page(client: Client) -> None:
    form = opened(client, LOOP) | {"event_types": ["open"], "account": [str(make_account().pk)]}
    answer = client.post(url(LOOP, "add"), form | {"name": "CRM", "url": "https://example.com/", "_save": "1"})
    assert answer["Location"] == url(LOOP, "change", FeedbackLoop.objects.get().pk)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"url": "ftp://example.com/"}, "The URL must start with http:// or https://."),
        ({"url": "https://u:p@example.com/"}, "user name or password"),
        ({"event_types": []}, "This field is required."),
        ({"event_types": ["explosion"]}, "Select a valid choice."),
        ({"in_flight_limit": "0"}, "greater than or equal to 1"),
        ({"rate_limit": "-1"}, "greater than or equal to"),
        ({"new_rsa_key": "no key"}, "This is not an RSA private key in PEM"),
        ({"make_rsa_key": "on"}, "enter both, or neither"),
        ({"make_rsa_key": "on", "remove_rsa_key": "on"}, "Choose one: paste a key"),
    ],
)
def test_what_a_loop_cannot_have_is_refused_in_words(client: Client, typed: dict[str, Any], words: str) -> None:
    loop = make_loop(make_account())
    answer = submitted(client, LOOP, opened(client, LOOP, loop.pk), loop.pk, **typed)
    assert words in text(answer)
    assert FeedbackLoop.objects.get().modified == loop.modified


def test_databases_are_limited_to_those_of_the_account(client: Client) -> None:
    loop = make_loop(make_account())
    own, foreign = make_database(loop.account, "Own"), make_database(name="Foreign")
    assert "Own" in shown(client, loop)
    assert "Foreign" not in shown(client, loop)
    assert "Tick none for all." in shown(client, loop)
    form = opened(client, LOOP, loop.pk)
    assert "is not one of this account" in text(submitted(client, LOOP, form, loop.pk, databases=[foreign.pk]))
    assert list(loop.databases.all()) == []
    submitted(client, LOOP, form, loop.pk, databases=[own.pk])
    assert list(loop.databases.all()) == [own]


def test_the_account_is_fixed_once_the_loop_is_made(client: Client) -> None:
    loop = make_loop(make_account())
    submitted(client, LOOP, opened(client, LOOP, loop.pk), loop.pk, account=make_account().pk)
    assert FeedbackLoop.objects.get().account_id == loop.account_id


def test_a_form_saved_late_never_revives_a_loop(client: Client) -> None:
    loop = make_verified_loop(make_account())
    form = opened(client, LOOP, loop.pk)
    FeedbackLoop.objects.filter(pk=loop.pk).update(status=LoopStatus.DISABLED)
    LaneState.objects.filter(loop=loop).update(stopped=now(), stop_reason="gone", lease_number=7)
    submitted(client, LOOP, form, loop.pk, name="Renamed")
    loop = FeedbackLoop.objects.get()
    assert (loop.name, loop.status, loop.lane.lease_number) == ("Renamed", LoopStatus.DISABLED, 7)
    assert loop.lane.stopped is not None


def test_two_people_with_the_same_form_open_keep_each_others_changes(client: Client) -> None:
    loop = make_verified_loop(make_account())
    own, other = make_database(loop.account), make_database(loop.account)
    first, second, third = (opened(client, LOOP, loop.pk) for _ in range(3))
    submitted(client, LOOP, first, loop.pk, url="https://example.com/elsewhere/", databases=[own.pk, other.pk])
    submitted(client, LOOP, second, loop.pk, event_types=["bounce"], rate_limit="5")
    submitted(client, LOOP, third, loop.pk, name="Renamed", body_format="json")
    loop = FeedbackLoop.objects.get()
    assert (loop.url, loop.event_types, loop.rate_limit) == ("https://example.com/elsewhere/", ["bounce"], 5)
    assert (loop.name, loop.body_format, set(loop.databases.all())) == ("Renamed", "json", {own, other})


@pytest.mark.parametrize(
    ("name", "before", "typed"),
    [
        ("databases", [], ["own"]),
        ("databases", ["own"], []),
        ("event_types", ["open"], ["click", "bounce"]),
        ("rate_limit", [""], ["5"]),
        ("name", ["CRM"], ["Renamed"]),
        ("body_format", ["form"], ["json"]),
    ],
)
def test_what_was_changed_is_kept_through_a_page_with_errors(
    client: Client, name: str, before: list[str], typed: list[str]
) -> None:
    loop = make_loop(make_account(), name="CRM", event_types=["open"])
    own = str(make_database(loop.account).pk)
    shown_first, chosen = ([own if each == "own" else each for each in values] for values in (before, typed))
    if shown_first == [own]:
        loop.databases.add(int(own))
    first = opened(client, LOOP, loop.pk)
    for _ in range(2):
        answer = submitted(client, LOOP, first | {name: chosen, "in_flight_limit": ["0"]}, loop.pk)
        first = dict(Page(text(answer), "feedbackloop_form").values)
        assert first.get(f"initial-{name}", []) == shown_first
    submitted(client, LOOP, first, loop.pk, in_flight_limit="7")
    assert opened(client, LOOP, loop.pk).get(name, []) == chosen


def test_a_late_form_does_not_move_the_place_of_a_url_that_was_changed_meanwhile(client: Client) -> None:
    loop = make_verified_loop(make_account())
    form = opened(client, LOOP, loop.pk)
    loop.url = "https://example.net/new/"
    loop.save()
    submitted(client, LOOP, form, loop.pk, name="Renamed")
    assert FeedbackLoop.objects.get().place == "https://example.net:443/new/"


def test_saving_writes_no_column_that_was_not_changed(client: Client) -> None:
    loop = make_verified_loop(make_account())
    form = opened(client, LOOP, loop.pk)
    with CaptureQueriesContext(connection) as queries:
        submitted(client, LOOP, form, loop.pk, name="Renamed")
    updates = [each["sql"] for each in queries.captured_queries if each["sql"].startswith("UPDATE")]
    written = [re.findall(r'"(\w+)" = ', sql.split(" WHERE ")[0]) for sql in updates if "feedbackloop" in sql]
    assert written == [["name", "modified"]]


def test_a_form_that_is_saved_untouched_writes_nothing(client: Client) -> None:
    loop = make_verified_loop(make_account(), rsa_private_key=KEY, rsa_key_id="k.example.com")
    loop.databases.add(make_database(loop.account))
    before = FeedbackLoop.objects.values().get()
    submitted(client, LOOP, opened(client, LOOP, loop.pk), loop.pk)
    assert FeedbackLoop.objects.values().get() == before


def test_a_key_is_pasted_replaced_and_removed_and_never_shown(client: Client) -> None:
    loop = make_loop(make_account())
    form = opened(client, LOOP, loop.pk)
    page = text(submitted(client, LOOP, form, loop.pk, new_rsa_key=KEY, rsa_key_id="k._domainkey.example.com"))
    assert dkim_record(KEY).replace("+", "&#x2B;") in page.replace("+", "&#x2B;")
    assert "PRIVATE" not in page
    assert FeedbackLoop.objects.get().rsa_private_key.strip() == KEY.strip()
    submitted(client, LOOP, opened(client, LOOP, loop.pk), loop.pk, make_rsa_key="on")
    assert FeedbackLoop.objects.get().rsa_private_key not in ("", KEY)
    submitted(client, LOOP, opened(client, LOOP, loop.pk), loop.pk, remove_rsa_key="on")
    assert FeedbackLoop.objects.values_list("rsa_private_key", "rsa_key_id").get() == ("", "")
    assert "No key is set" in shown(client, loop)


def test_who_may_only_look_sees_no_key_and_no_button(client: Client, viewer: Client) -> None:
    loop = make_verified_loop(make_account(), rsa_private_key=KEY, rsa_key_id="k.example.com")
    seen, hidden = shown(client, loop), shown(viewer, loop)
    for own in ("k.example.com", "/secret/", "/do/pause/"):
        assert own in seen
        assert own not in hidden


def test_the_file_is_downloaded_exactly_as_it_has_to_stand(viewer: Client) -> None:
    loop = make_loop(make_account())
    answer = viewer.get(url(LOOP, "file", loop.pk))
    assert answer.content.decode() == loop.verification_content
    assert answer["Content-Disposition"] == f'attachment; filename="{loop.verification_file}"'
    assert answer["Content-Type"] == "text/plain"
    assert staff().get(url(LOOP, "file", loop.pk)).status_code == 403
    assert viewer.get(url(LOOP, "file", 0)).status_code == 404


def test_the_page_shows_the_last_test_call(client: Client) -> None:
    loop = make_verified_loop(make_account())
    assert "A test call sends a sample event" in shown(client, loop)
    for message in ("the first one", "the last one"):
        begin(loop).end(now(), outcome="rejected", message=message)
    page = section(shown(client, loop), "steps")
    assert "the last one" in page
    assert "the first one" not in page


def section(page: str, name: str) -> str:
    return page.partition(f'<section id="{name}"')[2].partition("</section>")[0]


def test_what_is_wrong_is_told_above_the_sections(client: Client) -> None:
    loop = make_loop(make_account())
    form = opened(client, LOOP, loop.pk)
    page = text(submitted(client, LOOP, form, loop.pk, make_rsa_key="on", remove_rsa_key="on"))
    for words in ("Please correct the error", "Choose one: paste a key"):
        assert page.index(words) < page.index('id="health"')
    assert page.count("Please correct the error") == 1


def test_what_was_needed_for_verification_is_folded_away_afterwards(client: Client) -> None:
    pages = [shown(client, loop) for loop in (make_loop(make_account()), make_verified_loop(make_account()))]
    folded = [re.search(r"<details class=\"looks\"(| open)>", page) for page in pages]
    assert [found and found[1] for found in folded] == [" open", ""]


def test_loops_are_filtered_by_whether_they_are_verified(client: Client) -> None:
    make_verified_loop(make_account(), name="Proven"), make_loop(make_account(), name="Fresh")
    pages = {each: text(client.get(url(LOOP, "changelist"), {"verified": each})) for each in ("yes", "no")}
    assert ("Proven" in pages["yes"], "Fresh" in pages["yes"]) == (True, False)
    assert ("Proven" in pages["no"], "Fresh" in pages["no"]) == (False, True)


def test_a_loop_that_was_owed_anything_cannot_be_deleted(admin_client: Client) -> None:
    loop, unused = make_verified_loop(make_account()), make_loop(make_account())
    owe(make_message(account=loop.account))
    assert admin_client.post(url(LOOP, "delete", loop.pk), {"post": "yes"}).status_code == 403
    assert admin_client.post(url(LOOP, "delete", unused.pk), {"post": "yes"}).status_code == 302
    assert list(FeedbackLoop.objects.all()) == [loop]
