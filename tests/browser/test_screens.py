"""Every screen in a real browser: accessible, quiet, and narrow enough for a phone."""

from random import Random
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now
from playwright.sync_api import Browser

from esp.calls import NO_KEY
from esp.models import Webhook
from feedbackloops.models import FeedbackLoop, VerificationLook
from feedbackloops.protocol import challenge
from marketingsuite.demo.day.cast import UNVERIFIED, Cast, gather
from marketingsuite.demo.day.filling import fill
from screens.pages import screens
from screens.planting import plant
from tests.browser.visitor import Visitor, visiting
from tests.factories import make_test_call

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

CONTRAST = "color-contrast"


@pytest.fixture
def cast() -> Cast:
    """A day as the demo has it."""
    cast = gather("http://localhost:9")
    for name, loop in cast.loops.items():
        if name != UNVERIFIED:
            FeedbackLoop.objects.filter(pk=loop.pk).update(verified_place=loop.place, verified=now())
    fill(cast, now(), Random(7), mails=40)
    FeedbackLoop.objects.update(status="active")
    # Nobody answers at that place, so it fails.
    make_test_call(FeedbackLoop.objects.exclude(verified_place="")[0])
    # One that waits for its key, and has failed.
    Webhook.objects.create(account=cast.account, esp="mandrill", problem=NO_KEY, problem_since=now())
    send_away(cast.loops[UNVERIFIED])
    plant(cast.account)
    return cast


def send_away(loop: FeedbackLoop) -> None:
    """Have been sent from where the file should be to another folder."""
    url = challenge.locations(loop.url, loop.verification_file)[0]
    seen = {"problem": "redirect", "status": 301, "redirect": url.replace("/partner/", "/portal/")}
    VerificationLook.objects.create(loop=loop, url=url, found=False, message="It redirects.", **seen)


def complaints(visitor: Visitor, name: str, path: str) -> list[str]:
    """What is wrong with a screen."""
    visitor.complaints.clear()
    assert visitor.go(path) == 200, (name, path)
    found = visitor.faults() + visitor.overhang()
    visitor.be_dark()
    found += [f"dark: {fault}" for fault in visitor.faults(CONTRAST)]
    return [f"{name}: {each}" for each in (*found, *visitor.complaints)]


def test_no_screen_has_a_serious_fault_an_error_in_the_console_or_a_sideways_scroll(
    browser: Browser, live_server: Any, admin_client: Client, cast: Cast
) -> None:
    with visiting(browser, live_server.url, admin_client) as visitor:
        pages = screens(cast.account)
        assert len(pages) > 20
        named = {"test-call", "esp-webhook", "move", "subprofile", "token", "unread-mail", "unread-mails"}
        named |= {"forget-profile", "forget-person", "forgotten-person"}
        assert named <= pages.keys()
        found = [each for name, path in pages.items() for each in complaints(visitor, name, path)]
    with visiting(browser, live_server.url) as stranger:
        found += complaints(stranger, "login", "/admin/login/")
    assert not found, "\n".join(found)


def test_an_error_page_is_accessible_and_its_style_is_let_in(browser: Browser, live_server: Any) -> None:
    with visiting(browser, live_server.url) as visitor:
        assert visitor.go("/nothing") == 404
        link = visitor.page.get_by_role("link", name="Back to the dashboard")
        assert link.evaluate("(each) => getComputedStyle(each).backgroundColor") == "rgb(152, 16, 250)"
        assert visitor.faults() + visitor.overhang() == []
        visitor.page.emulate_media(color_scheme="dark")
        assert visitor.faults(CONTRAST) == []
        # That of the page itself is in the console as well.
        assert [each for each in visitor.complaints if "404" not in each] == []
