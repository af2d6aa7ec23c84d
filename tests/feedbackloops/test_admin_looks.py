"""Why a loop is not verified, as its page tells it; and the change of its URL to where a redirect leads."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from feedbackloops import verification
from feedbackloops.models import FeedbackLoop, VerificationLook
from feedbackloops.protocol import challenge
from tests.dashboard import Rings, staff, text, url
from tests.factories import make_account, make_loop
from tests.feedbackloops.looking import part, seen, source
from tests.http_server import HttpServer, ok, raw, redirect, status

pytestmark = pytest.mark.django_db
LOOP = "feedbackloops_feedbackloop"
HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m\0"


@pytest.fixture
def client() -> Client:
    return staff("feedbackloops.view_feedbackloop", "feedbackloops.change_feedbackloop")


@pytest.fixture
def viewer() -> Client:
    return staff("feedbackloops.view_feedbackloop")


@pytest.fixture
def loop(server: HttpServer) -> FeedbackLoop:
    server.behaviour = status(404)
    return make_loop(make_account(), url=server.url("/hooks/script.php?key=1"))


def test_both_places_are_told_with_what_was_seen_what_to_do_and_how_to_try_it(
    client: Client, loop: FeedbackLoop, server: HttpServer
) -> None:
    server.at[f"/{loop.verification_file}"] = ok(b"<!doctype html><title>Our shop</title>")
    seen(loop)
    told = part(client, loop)
    for location in challenge.locations(loop.url, loop.verification_file):
        assert f"curl -i {location}" in told
    assert "The server says that the file is not there (status 404). What to do Upload it to this place" in told
    assert "A web page, titled “Our shop”, stands where the file should be." in told
    assert f"Expected {loop.verification_content} Received <!doctype html><title>Our shop</title>" in told
    for stop in ("an address in the place of a name.", "127.0.0.1 may be called.", "Connected to 127.0.0.1, port"):
        assert told.count(stop) == 2


def test_a_part_is_what_the_page_shows(client: Client, loop: FeedbackLoop) -> None:
    seen(loop)
    page = text(client.get(url(LOOP, "change", loop.pk)))
    strip = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')
    assert strip.sub("", source(client, loop).strip()) in strip.sub("", page)


@pytest.mark.parametrize("answer", [ok(HOSTILE.encode() + b"x" * 65_536), redirect(f"http://x.example/{HOSTILE[:25]}")])
def test_what_a_stranger_answers_is_shown_and_does_nothing(
    client: Client, loop: FeedbackLoop, server: HttpServer, answer: Any
) -> None:
    server.behaviour = answer
    seen(loop)
    page = source(client, loop)
    assert "<script>" not in page
    assert not {"\u202e", "\x1b", "\0"} & set(page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page or "%3Cscript%3E" in page
    assert len(page) < 30_000


def test_a_header_that_is_no_text_is_shown_all_the_same(client: Client, loop: FeedbackLoop, server: HttpServer) -> None:
    server.behaviour = raw(b"HTTP/1.1 302 X\r\nLocation: " + bytes(range(36, 256)) + b"\r\n\r\n")
    seen(loop)
    assert "to nowhere that could be called" in part(client, loop)


def test_a_second_place_that_was_not_tried_says_so(client: Client, loop: FeedbackLoop, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    seen(loop)
    told = part(client, loop)
    assert "127.0.0.1: it is a loopback address (127.0.0.0/8)." in told
    assert "Not tried in the last round: the other address is on the same server" in told


def test_looks_at_a_place_that_the_url_has_left_tell_nothing(client: Client, loop: FeedbackLoop) -> None:
    seen(loop)
    FeedbackLoop.objects.update(looks_wanted_since=now() - timedelta(hours=1))
    loop.url = "https://example.com/elsewhere/script.php"
    loop.save(update_fields=["url"])
    told = part(client, loop)
    assert "status 404" not in told
    assert told.count("Not tried yet.") == 2


def pending(client: Client, loop: FeedbackLoop) -> bool:
    return "data-pending" in source(client, loop)


def test_a_look_that_is_waited_for_shows_until_it_has_been(client: Client, loop: FeedbackLoop, rings: Rings) -> None:
    assert pending(client, loop)
    assert "Reload the page in a few seconds." in part(client, loop)
    seen(loop)
    assert not pending(client, loop)
    answer = client.post(url(LOOP, "act", loop.pk, "check_now"), {"at": "verification"})
    assert answer["Location"].endswith(f"/{loop.pk}/change/#verification")
    assert pending(client, loop)
    assert "status 404" in part(client, loop)
    seen(loop)
    assert not pending(client, loop)


def test_a_look_that_began_before_it_was_asked_for_is_not_the_answer(
    client: Client, loop: FeedbackLoop, rings: Rings
) -> None:
    old = FeedbackLoop.objects.get()
    client.post(url(LOOP, "act", loop.pk, "check_now"))
    verification.look(old)
    assert pending(client, loop)


def test_a_file_that_was_seen_is_waited_for_until_the_loop_is_verified(
    client: Client, loop: FeedbackLoop, server: HttpServer
) -> None:
    server.behaviour = ok(loop.verification_content.encode())
    seen(loop)
    assert not pending(client, loop)
    FeedbackLoop.objects.update(verified_place="", verified=None)
    assert pending(client, loop)


def test_nobody_waits_for_ever_for_a_look_that_does_not_come(client: Client, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(looks_wanted_since=now() - timedelta(minutes=2))
    assert not pending(client, loop)
    assert "Nobody has looked since" in part(client, loop)


def test_an_act_leads_back_to_no_place_but_a_section(client: Client, loop: FeedbackLoop, rings: Rings) -> None:
    answer = client.post(url(LOOP, "act", loop.pk, "check_now"), {"at": "//evil.example/"})
    assert answer["Location"].endswith("/change/")


def test_a_part_is_for_those_who_may_see_the_loop(viewer: Client, loop: FeedbackLoop) -> None:
    seen(loop)
    assert "Check now" not in source(viewer, loop).replace("press Check now", "")
    assert staff().get(url(LOOP, "part", loop.pk, "verification")).status_code == 403
    assert viewer.get(url(LOOP, "part", loop.pk, "secret")).status_code == 404
    assert viewer.get(url(LOOP, "part", 0, "verification")).status_code == 404


def test_a_redirect_to_an_address_that_is_never_called_is_not_offered(
    client: Client, loop: FeedbackLoop, server: HttpServer
) -> None:
    server.behaviour = redirect(f"http://10.0.0.1/hooks/{loop.verification_file}")
    seen(loop)
    assert "redirects to http://10.0.0.1/hooks/" in part(client, loop)
    assert "Use this URL instead" not in part(client, loop)


def test_a_server_of_another_name_is_pointed_out(client: Client, loop: FeedbackLoop, server: HttpServer) -> None:
    for folder in ("/hooks/", "/"):
        path = folder + loop.verification_file
        server.at[path] = redirect(f"https://shop.example{path}")
    seen(loop)
    assert part(client, loop).count("Use this URL instead") == 1
    look = VerificationLook.objects.order_by("pk")[0]
    assert "a server of another name" in text(client.get(url(LOOP, "move", loop.pk), {"look": look.pk}))
