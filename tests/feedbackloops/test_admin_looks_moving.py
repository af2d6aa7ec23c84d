"""A redirect offers the URL that it leads to; and the change of it."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client

from feedbackloops.models import FeedbackLoop, LaneState, VerificationLook
from tests.dashboard import Rings, staff, text, url
from tests.factories import make_account, make_loop, make_verified_loop
from tests.feedbackloops.looking import part, seen
from tests.http_server import HttpServer, redirect, status

pytestmark = pytest.mark.django_db
LOOP = "feedbackloops_feedbackloop"


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


# The change of the URL


@pytest.fixture
def redirected(loop: FeedbackLoop, server: HttpServer) -> VerificationLook:
    """What was seen at the first place: a redirect to the same file in another folder."""
    server.at[f"/hooks/{loop.verification_file}"] = redirect(f"/new/{loop.verification_file}", 301)
    seen(loop)
    return VerificationLook.objects.get(loop=loop, status=301)


def moved(loop: FeedbackLoop) -> str:
    return loop.url.replace("/hooks/", "/new/")


def change(client: Client, at: VerificationLook, **typed: Any) -> Any:
    loop = FeedbackLoop.objects.get(pk=at.loop_id)
    form = {"look": at.pk, "was": loop.url, "to": moved(loop)} | typed
    return client.post(url(LOOP, "move", loop.pk), form)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def test_a_redirect_offers_the_url_that_it_leads_to_and_shows_what_would_change(
    client: Client, viewer: Client, loop: FeedbackLoop, redirected: VerificationLook
) -> None:
    assert f"Use this URL instead {moved(loop)}" in part(client, loop)
    assert "Use this URL instead" not in part(viewer, loop)
    page = text(client.get(url(LOOP, "move", loop.pk), {"look": redirected.pk}))
    assert f"<code>{moved(loop)}</code>" in page
    assert re.search(r"<del><bdi>/hooks/script.php</bdi></del>.*<ins><bdi>/new/script.php</bdi></ins>", page)
    assert "a server of another name" not in page
    assert FeedbackLoop.objects.get().url == loop.url


def test_the_url_is_changed_logged_and_looked_at(
    client: Client,
    loop: FeedbackLoop,
    redirected: VerificationLook,
    rings: Rings,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = change(client, redirected)
    changed = FeedbackLoop.objects.get()
    assert changed.url == moved(loop)
    assert changed.place.endswith("/new/")
    assert ("look", loop.pk) in rings
    assert "We look for the verification file there." in said(answer)
    told = text(client.get(url(LOOP, "change", loop.pk)))
    assert re.search(r"URL: <del>[^<]*/hooks/script.php\?…</del>.*<ins>[^<]*/new/script.php\?…</ins>", told)
    assert LogEntry.objects.count() == 1


def test_a_url_that_was_changed_meanwhile_stays_as_it_is(
    client: Client, loop: FeedbackLoop, redirected: VerificationLook
) -> None:
    shown_before = {"was": loop.url, "to": moved(loop)}
    loop.url = loop.url.replace("script.php", "other.php")
    loop.save(update_fields=["url"])
    answer = change(client, redirected, **shown_before)
    assert FeedbackLoop.objects.get().url == loop.url
    assert "Nothing was changed" in said(answer)
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    "typed",
    [
        {"to": "https://evil.example/hooks/script.php"},
        {"look": ""},
        {"look": "0"},
        {"look": "9" * 30},
        {"look": "²"},
        {"was": ""},
    ],
)
def test_no_url_comes_from_the_form(client: Client, redirected: VerificationLook, typed: dict[str, str]) -> None:
    before = FeedbackLoop.objects.get().url
    assert "Nothing was changed" in said(change(client, redirected, **typed))
    assert FeedbackLoop.objects.get().url == before


def test_a_look_of_another_loop_moves_nothing(client: Client, redirected: VerificationLook) -> None:
    other = make_loop(make_account(), url=FeedbackLoop.objects.get().url)
    assert (
        client.post(
            url(LOOP, "move", other.pk), {"look": redirected.pk, "was": other.url, "to": moved(other)}
        ).status_code
        == 302
    )
    assert set(FeedbackLoop.objects.values_list("url", flat=True)) == {other.url}


def test_only_those_who_may_change_the_loop_change_its_url(viewer: Client, redirected: VerificationLook) -> None:
    assert change(viewer, redirected).status_code == 403
    assert viewer.get(url(LOOP, "move", redirected.loop_id), {"look": redirected.pk}).status_code == 403
    assert change(Client(), redirected).status_code == 302
    assert viewer.get(url(LOOP, "move", 0)).status_code == 404


def test_a_verified_loop_keeps_its_lane_when_its_url_moves(client: Client, server: HttpServer, rings: Rings) -> None:
    loop = make_verified_loop(make_account(), url=server.url("/hooks/script.php"))
    LaneState.objects.update(lease_number=7)
    server.behaviour = redirect(f"/new/{loop.verification_file}")
    seen(loop)
    look = VerificationLook.objects.order_by("pk")[0]
    change(client, look)
    changed = FeedbackLoop.objects.get()
    assert (changed.is_verified, changed.verified_place, changed.lane.lease_number) == (False, loop.place, 7)
