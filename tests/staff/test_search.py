"""The search field: what leads straight to a page, what is listed, and what is said where nothing is found."""

import re
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from feedbackloops.models import Attempt, Delivery
from feedbackloops.testcalls import begin
from tests.access.planted import Planted, plant
from tests.dashboard import scans, staff, text
from tests.factories import make_account, make_events, make_message, make_profile, make_verified_loop, owe
from tracking.models import Block, Event, Message
from tracking.tokens import Link, sign_click, sign_open

pytestmark = pytest.mark.django_db

URL = "/admin/search/"


def led_to(client: Client, term: str) -> str:
    response = client.get(URL, {"q": term})
    assert response.status_code == 302, text(response)
    return response["Location"]


def found(client: Client, term: str) -> str:
    return text(client.get(URL, {"q": term}))


def links(page: str) -> list[str]:
    content = page[page.index('class="search-groups') :]
    return re.findall(r'href="(/admin/[^"]+)"', content)


def link_of(message: Message, index: int = 1, url: str = "https://shop.example.com/") -> str:
    return "https://t.example.com/c/" + sign_click(
        Link(message.account_id, message.pk, index, url), settings.TRACKING_KEYS
    )


@pytest.fixture
def planted() -> Planted:
    return plant("planted")


def test_each_id_leads_straight_to_what_has_it(admin_client: Client, planted: Planted) -> None:
    for model in (Event, Message, Delivery, Attempt):
        app, name = model._meta.app_label, model._meta.model_name
        id = planted.rows[model][0]
        assert led_to(admin_client, f" {id} ") == f"/admin/{app}/{name}/{id}/change/"
        assert led_to(admin_client, id.hex.upper()) == f"/admin/{app}/{name}/{id}/change/"


def test_the_id_of_a_test_call_leads_to_what_came_of_it(admin_client: Client) -> None:
    account = make_account()
    loop = make_verified_loop(account)
    call = begin(loop)
    page, bench = f"/admin/feedbackloops/feedbackloop/{loop.pk}/", f"bench/{call.pk}/"
    assert led_to(admin_client, str(call.pk)) == page + bench
    viewer = staff("feedbackloops.view_feedbackloop", "feedbackloops.view_delivery", accounts=[account])
    there = led_to(viewer, call.pk.hex)
    assert there == f"{page}change/?which=tests&who={call.pk}#deliveries"
    assert f'data-row="{call.pk}"' in text(viewer.get(there))


def test_the_id_of_a_test_call_tells_strangers_nothing() -> None:
    call = begin(make_verified_loop(make_account()))
    beyond = staff("feedbackloops.change_feedbackloop", accounts=[make_account()])
    for stranger in (beyond, staff("feedbackloops.view_delivery")):
        assert "Nothing found." in found(stranger, str(call.pk))


def test_a_name_that_one_thing_has_leads_there_and_one_of_several_lists_them(admin_client: Client) -> None:
    account = make_account("Zuidwind")
    first, second = make_verified_loop(account, name="Orders Nord"), make_verified_loop(account, name="Orders Süd 🚲")
    assert led_to(admin_client, "orders nord") == f"/admin/feedbackloops/feedbackloop/{first.pk}/change/"
    assert set(links(found(admin_client, "orders"))) == {
        f"/admin/feedbackloops/feedbackloop/{loop.pk}/change/" for loop in (first, second)
    }
    assert led_to(admin_client, "zuidw") == f"/admin/profiles/account/{account.pk}/change/"
    assert led_to(admin_client, f"account-{account.pk}") == f"/admin/profiles/account/{account.pk}/change/"


def test_a_verification_file_leads_to_its_loop(admin_client: Client) -> None:
    loop = make_verified_loop(make_account())
    assert str(loop.pk) in led_to(admin_client, loop.verification_file)
    assert str(loop.pk) in led_to(admin_client, f"https://example.com/hooks/{loop.verification_file}")


def test_an_address_finds_profiles_and_messages_by_kind_and_the_way_to_their_histories(admin_client: Client) -> None:
    profile = make_profile(email="Ann@Example.com")
    message = make_message(profile, recipient="ANN@example.com")
    page = found(admin_client, "Ann <ann@EXAMPLE.com>")
    assert f"/admin/profiles/profile/{profile.pk}/change/" in links(page)
    assert f"/admin/tracking/message/{message.pk}/change/" in links(page)
    assert next(each for each in links(page) if "?q=" in each).startswith("/admin/tracking/event/?q=")


def test_more_messages_than_are_shown_are_a_link_away(admin_client: Client) -> None:
    account = make_account()
    messages = [make_message(account=account, recipient="many@example.com") for _ in range(12)]
    page = found(admin_client, "many@example.com")
    shown = [each for each in links(page) if each.startswith("/admin/tracking/message/") and "change" in each]
    assert shown == [f"/admin/tracking/message/{message.pk}/change/" for message in reversed(messages[2:])]
    assert "/admin/tracking/message/?q=many%40example.com" in links(page)


def test_a_message_is_found_by_the_ids_that_mail_systems_gave_it(admin_client: Client) -> None:
    message = make_message(account=make_account(), internet_message_id="abc@mta.example", esp_message_id="0102-x")
    for term in ("<abc@mta.example>", "abc@mta.example", "0102-x"):
        assert str(message.pk) in led_to(admin_client, term), term


def test_a_tracking_url_is_taken_apart(admin_client: Client) -> None:
    message = make_message(account=make_account("Owner"))
    make_events(message, 2, type="click", link=1, ip="198.51.100.7")
    make_events(message, 1, type="click", link=2)
    page = found(admin_client, link_of(message))
    assert all(each in page for each in ("genuine", "Owner", str(message.pk), "https://shop.example.com/", "key"))
    assert "2, the first at" in page
    assert page.count("198.51.100.7") == 2
    assert len([each for each in links(page) if "/tracking/event/" in each]) == 2


def test_a_pixel_that_nobody_has_loaded_says_so(admin_client: Client) -> None:
    message = make_message(account=make_account())
    token = sign_open(Link(message.account_id, message.pk, 0), settings.TRACKING_KEYS)
    assert "nobody has used it" in found(admin_client, f"/o/{token}.gif")


def test_a_url_that_is_not_ours_or_is_blocked_says_why_it_does_not_work(admin_client: Client) -> None:
    message = make_message(account=make_account())
    url = link_of(message)
    cut = found(admin_client, url[:-4])
    assert "Our signature does not fit" in cut
    assert "Its hits" not in cut
    Block.objects.create(kind="message", value=str(message.pk), reason="test")
    assert "among the blocked links" in found(admin_client, url)


def test_of_another_accounts_url_nothing_is_told(planted: Planted) -> None:
    theirs = make_message(account=make_account("Theirs"), recipient="secret@example.com")
    client = staff("tracking.view_message", "tracking.view_event", accounts=[planted.account])
    page = found(client, link_of(theirs, url="https://secret.example.com/"))
    assert "an account that you do not see" in page
    # What was typed stands in the field again.
    assert all(each not in page for each in ("Theirs", str(theirs.pk), "https://secret.example.com/"))
    own = Message.objects.get(pk=planted.rows[Message][0])
    assert "genuine" in found(client, link_of(own))


def test_what_is_not_found_says_what_was_tried(admin_client: Client) -> None:
    page = found(admin_client, str(uuid4()))
    assert "Nothing found." in page
    assert "Messages, Events, Deliveries, Attempts, Test calls." in page
    assert "Loops, Accounts, Databases" in found(admin_client, "no such thing")
    assert "What can be searched for" in found(admin_client, "")


@pytest.mark.parametrize(
    "term", ["%", "_", "'", "\\", "a" * 9000, "9" * 19, "\u202eabc", "😀", "a\0b", "@", "<>", "/c/"]
)
def test_odd_terms_get_a_page(admin_client: Client, term: str) -> None:
    make_verified_loop(make_account(), name="Other")
    assert "search-groups" in found(admin_client, term)


def test_only_kinds_that_one_may_see_are_looked_for(planted: Planted) -> None:
    client = staff("feedbackloops.view_feedbackloop")
    page = found(client, str(planted.rows[Event][0]))
    assert "Nothing found." in page
    assert "Looked for it among: Test calls." in page
    assert "What can be searched for" in found(client, link_of(Message.objects.get(pk=planted.rows[Message][0])))


@pytest.mark.parametrize("limited", [False, True])
def test_no_search_reads_a_table_that_grows_from_end_to_end(planted: Planted, limited: bool) -> None:
    message = Message.objects.get(pk=planted.rows[Message][0])
    owe(message, 3)
    rights = [
        "tracking.view_message",
        "tracking.view_event",
        "feedbackloops.view_delivery",
        "feedbackloops.view_attempt",
    ]
    client = staff(*rights, "profiles.view_profile", accounts=[planted.account] if limited else None)
    for term in ("nobody@example.com", str(uuid4()), link_of(message), "no-such-thing"):
        assert scans(client, URL, q=term) == [], term


def test_a_profile_is_found_by_its_address_through_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT * FROM profiles_profile WHERE address = 'ann@example.com'")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "profile_by_address" in plan


def test_every_page_has_the_field_once(admin_client: Client) -> None:
    for address in ("/admin/profiles/account/", "/admin/search/", "/admin/password_change/"):
        page = text(admin_client.get(address))
        assert page.count('name="q" id="dashboard-search"') == 1, address
        assert "search-input-command" not in page
