import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from pytest_django import Settings

from profiles.imports import import_profiles
from tests.factories import make_account, make_database, make_profile
from tests.promptness import within
from tests.tracking.samples import request, wait_until
from tracking.ids import moment_of, new_id
from tracking.messages import register, tracked_html, unsubscribe_url
from tracking.models import Event, Message
from tracking.registering import Draft, register_all

pytestmark = pytest.mark.django_db
RECIPIENT = "ann@example.com"


def test_a_registered_message_is_stored_with_what_it_was_given() -> None:
    profile = make_profile()
    tracked = register(profile.account, RECIPIENT, profile=profile, tags=("spring", "é 📬"))
    stored = Message.objects.get()
    assert stored == tracked.message
    assert (stored.account, stored.profile, stored.recipient) == (profile.account, profile, RECIPIENT)
    assert stored.tags == ["spring", "é 📬"]
    assert stored.id.version == 7
    assert abs((moment_of(stored.id) - stored.created).total_seconds()) < 5


def test_pixel_and_links_are_under_the_tracking_url(settings: Settings) -> None:
    settings.TRACKING_URL = "https://t.example.com"
    tracked = register(make_account(), RECIPIENT, urls=["https://example.com/", "https://example.com/"])
    assert re.fullmatch(r"https://t\.example\.com/o/[\w-]+\.gif", tracked.pixel_url)
    assert all(re.fullmatch(r"https://t\.example\.com/c/[\w-]+", url) for url in tracked.link_urls)
    assert len(set(tracked.link_urls)) == 2


def test_an_account_may_have_a_tracking_domain_of_its_own() -> None:
    account = make_account()
    account.tracking_url = "https://click.customer.example"
    account.save()
    tracked = register(account, RECIPIENT, urls=["https://example.com/"])
    html = tracked_html('<a href="https://example.com/">x</a>', Message.objects.get())
    for url in (tracked.pixel_url, *tracked.link_urls, *re.findall(r'https://[^"]+', html)):
        assert re.match(r"https://click\.customer\.example/[oc]/", url)


@pytest.mark.parametrize("tracked", [True, False])
def test_the_link_to_unsubscribe_takes_the_place_that_is_kept_for_it(tracked: bool) -> None:
    account = make_account()
    (message,) = register_all([Draft(account, RECIPIENT, tracked=tracked)])
    html = tracked_html('<a href="[[unsubscribe_url]]">Leave</a>', message)
    assert html.startswith(f'<a href="{unsubscribe_url(message)}">Leave</a>')
    assert ("<img" in html) == tracked


@pytest.mark.usefixtures("spool_folder")
def test_a_link_is_answered_under_any_host() -> None:
    link = register(make_account(), RECIPIENT, urls=["https://example.com/"]).link_urls[0]
    for host in (b"click.customer.example", b"other.example:8443", b""):
        assert request(link, headers=[(b"host", host)]).status == 302


@pytest.mark.usefixtures("spool_folder")
def test_pixel_and_links_work_over_http() -> None:
    account = make_account()
    targets = ["https://example.com/ä?a=b", "http://example.org/#c"]
    tracked = register(account, RECIPIENT, urls=targets)
    request(tracked.pixel_url)
    assert [request(url).status for url in tracked.link_urls] == [302] * 2
    wait_until(lambda: Event.objects.count() == 3)
    events = Event.objects.order_by("id")
    assert {(event.account, event.message) for event in events} == {(account, tracked.message)}
    assert [event.type for event in events] == ["open", "click", "click"]
    assert [(event.data["link"], event.data["original"]) for event in events[1:]] == list(enumerate(targets, 1))


@pytest.mark.usefixtures("spool_folder")
def test_a_tracked_mail_has_links_that_work() -> None:
    message = register(make_account(), RECIPIENT).message
    html = tracked_html('<body><a href="https://example.com/?a=1&amp;b=2">x</a></body>', message)
    link, pixel = re.findall(r"http://[^\"' >]+", html)
    assert request(link).headers["Location"] == "https://example.com/?a=1&b=2"
    assert request(pixel).headers["Content-Type"] == "image/gif"
    wait_until(lambda: Event.objects.filter(message=message).count() == 2)


@pytest.mark.parametrize(
    "recipient",
    [
        "a@b",
        "ann+tag@example.com",
        "o'brien/x=y@mail.example.co.uk",
        "用户@例子.广告",
        "δοκιμή@παράδειγμα.δοκιμή",
        "ann@[192.0.2.1]",
        "a" * 308 + "@example.com",
    ],
)
def test_any_address_that_mail_can_go_to_is_taken(recipient: str) -> None:
    assert register(make_account(), recipient).message.recipient == recipient
    assert Message.objects.get().recipient == recipient


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "ann",
        "@example.com",
        "ann@",
        "ann@home@example.com",
        "ann example@example.com",
        " ann@example.com",
        "ann@example.com\n",
        "ann@exa\0mple.com",
        "ann@example.com\x7f",
        "ann\ud83d@example.com",
        "a" * 309 + "@example.com",
    ],
)
def test_what_is_no_address_is_refused(recipient: str) -> None:
    with pytest.raises(ValidationError):
        register(make_account(), recipient)
    assert not Message.objects.exists()


@pytest.mark.parametrize("tags", ["spring", ["spr\0ing"], ["\ud83d"], ["x" * 201], [""], [7], [None], [["spring"]]])
def test_tags_that_can_not_be_kept_are_refused(tags: Any) -> None:
    with pytest.raises(ValidationError):
        register(make_account(), RECIPIENT, tags=tags)
    assert not Message.objects.exists()


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://", "https://a:b@example.com", "", "https://e.com/\0"])
def test_a_url_that_can_not_be_tracked_registers_nothing(url: str) -> None:
    with pytest.raises(ValueError, match="link"):
        register(make_account(), RECIPIENT, urls=["https://example.com/", url])
    assert not Message.objects.exists()


def test_a_profile_of_another_account_is_refused() -> None:
    with pytest.raises(ValidationError, match="another account"):
        register(make_account(), RECIPIENT, profile=make_profile())
    assert not Message.objects.exists()


def test_the_database_refuses_a_profile_of_another_account() -> None:
    insert = (
        "SET CONSTRAINTS ALL IMMEDIATE;"
        "INSERT INTO tracking_message (id, account_id, profile_id, recipient, tags, created)"
        " VALUES (%s, %s, %s, 'ann@example.com', '{}', now())"
    )
    stranger, profile = make_account(), make_profile()
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="message_profile_of_account"):
        cursor.execute(insert, [new_id(), stranger.pk, profile.pk])


def test_a_message_outlives_its_profile() -> None:
    profile = make_profile()
    message = register(profile.account, RECIPIENT, profile=profile, tags=["spring"]).message
    profile.delete()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    stored = Message.objects.get()
    assert (stored.id, stored.profile_id, stored.account_id) == (message.id, None, profile.account_id)
    assert (stored.recipient, stored.tags) == (RECIPIENT, ["spring"])


def test_a_thousand_are_registered_at_once_with_their_profiles(django_assert_max_num_queries: Any) -> None:
    database = make_database()
    profiles = import_profiles(database, [{"fields": {"email": f"{number}@example.com"}} for number in range(500)])
    drafts = [Draft(database.account, f"{number}@Example.com", tags=["spring"]) for number in range(1000)]
    with django_assert_max_num_queries(5), within(1):
        messages = register_all(drafts)
    assert [message.recipient for message in messages] == [draft.recipient for draft in drafts]
    stored = dict(Message.objects.values_list("recipient", "profile_id"))
    assert [stored[draft.recipient] for draft in drafts] == [*(profile.pk for profile in profiles), *[None] * 500]


def test_one_that_can_not_be_registered_refuses_them_all() -> None:
    account = make_account()
    with pytest.raises(ValidationError, match="'nobody' is not an e-mail address"):
        register_all([Draft(account, RECIPIENT), Draft(account, "nobody")])
    assert not Message.objects.exists()


def test_a_message_gets_the_profile_with_its_address_unless_one_is_given() -> None:
    database = make_database()
    other, ann = make_profile(database, email="bob@example.com"), make_profile(database, email="Ann@example.com")
    assert register(database.account, RECIPIENT).message.profile_id == ann.pk
    assert register(database.account, RECIPIENT, profile=other).message.profile_id == other.pk


def test_an_account_that_tracks_no_mail_keeps_its_html() -> None:
    account = make_account()
    account.tracks_mail = False
    message = register(account, RECIPIENT).message
    assert not message.tracked
    assert tracked_html('<a href="https://example.com/">x</a>', message) == '<a href="https://example.com/">x</a>'
