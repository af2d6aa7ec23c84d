"""Proving that a place is the customer's, before and after its script is called."""

import pytest

from feedbackloops.models import FeedbackLoop, VerificationLook
from tests.flow.customers import Customer, Script, check_now
from tests.flow.deployment import Deployment
from tests.flow.waiting import wait_until
from tests.http_server import Behaviour, after, ok, redirect, status

LOGIN_PAGE = b"<!DOCTYPE html><html><title>Log in</title></html>"


def looks_of(script: Script, number: int) -> list[VerificationLook]:
    wait_until(lambda: len(script.looks()) >= number, f"{number} looks for the file")
    return script.looks()


def move(script: Script, path: str) -> Script:
    """Change the loop's URL, as staff do; the script at the new place."""
    script.loop.url = script.server.url(path)
    script.loop.save(update_fields=["url"])
    return Script(script.server, script.loop)


def test_nothing_is_called_before_the_file_was_seen_and_it_is_looked_for_by_itself(
    deployment: Deployment, customer: Customer
) -> None:
    script = customer.unproven_script()
    script.loop.save()
    looks_of(script, 2)
    deployment.hit(customer.mail().pixel_url)
    customer.await_fan_out(events=1)
    assert script.books() == {"owed": 0}
    places = [f"/hooks/{script.loop.verification_file}", f"/{script.loop.verification_file}"]
    assert [(each.method, each.path) for each in script.server.requests] == [("GET", place) for place in places]
    script.place_file()
    wait_until(script.is_verified, "the file is found without being asked for")
    deployment.hit(customer.mail().pixel_url)
    script.await_books(owed=1, delivered=1)
    assert len(script.posts) == 1


def test_a_file_at_the_root_counts_as_well(customer: Customer) -> None:
    script = customer.unproven_script()
    script.place_file(directory="/")
    script.loop.save()
    wait_until(script.is_verified, "the loop is verified")
    assert [look.found for look in script.looks()] == [False, True]


@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        (ok(b"0123456789abcdef"), "wrong content"),
        (redirect("/elsewhere"), "redirect"),
        (ok(LOGIN_PAGE), "html page"),
        (status(500), "server error"),
        (status(403), "other status"),
    ],
)
def test_what_is_not_the_file_is_refused_with_the_reason(
    customer: Customer, behaviour: Behaviour, problem: str
) -> None:
    script = customer.unproven_script()
    script.server.behaviour = behaviour
    script.loop.save()
    for look in looks_of(script, 2):
        assert (look.found, look.problem) == (False, problem)
        assert look.message
    assert not script.is_verified()
    assert {each.method for each in script.server.requests} == {"GET"}


def test_events_are_held_while_a_new_place_is_not_proven(deployment: Deployment, customer: Customer) -> None:
    old = customer.script("/old/script.php")
    old.server.at.clear()
    new = move(old, "/new/script.php")
    looks_of(new, 1 + 2)
    lease = new.lane().lease_number
    deployment.hit(customer.mail().pixel_url)
    new.await_books(owed=1, pending=1)
    new.await_engine(lease)
    assert not new.posts
    new.place_file(directory="/new/")
    check_now(new)
    new.await_books(owed=1, delivered=1)
    assert (len(old.posts), len(new.posts)) == (0, 1)


def test_a_look_that_ends_after_the_url_was_changed_proves_nothing(customer: Customer) -> None:
    script = customer.unproven_script("/old/script.php")
    script.place_file(after(0.5, ok(script.loop.verification_content.encode())), "/old/")
    script.loop.save()
    wait_until(lambda: script.server.requests, "the look is under way")
    moved = move(script, "/new/script.php")
    wait_until(lambda: [look for look in moved.looks() if look.found], "the look has ended, and found the file")
    [found] = [look for look in moved.looks() if look.found]
    assert found.url == script.server.url(f"/old/{script.loop.verification_file}")
    assert not moved.is_verified()
    assert not FeedbackLoop.objects.get(pk=moved.loop.pk).verified_place
