"""The steps of a new loop in a real browser: they follow what happens, and fold once all is done."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, expect

from feedbackloops import doorbell, testcalls, verification
from feedbackloops.models import FeedbackLoop
from tests.browser.visitor import Visitor, visiting
from tests.factories import make_account, make_loop
from tests.feedbackloops.conftest import server  # noqa: F401  (a fixture)
from tests.http_server import HttpServer, after, ok, status

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


class Looks:
    """What the process “looks” does with a ring, in a thread."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def ring(self, task: str, arguments: Any) -> None:
        for argument in arguments if task in ("look", "call_test") else ():
            self.threads.append(threading.Thread(target=self._do, args=(task, argument)))
            self.threads[-1].start()

    def _do(self, task: str, argument: Any) -> None:
        if task == "look":
            verification.look(FeedbackLoop.objects.get(pk=argument))
        else:
            testcalls.make(UUID(argument))
        connection.close()


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looks]:
    heard = Looks()
    monkeypatch.setattr(doorbell, "_doorbell", lambda: heard)
    yield heard
    for thread in heard.threads:
        thread.join()


@pytest.fixture
def loop(server: HttpServer) -> FeedbackLoop:  # noqa: F811
    server.behaviour = status(404)
    return make_loop(make_account(), url=server.url("/script.php"))


def address(loop: FeedbackLoop) -> str:
    return reverse("admin:feedbackloops_feedbackloop_change", args=[loop.pk])


def place_file(loop: FeedbackLoop, server: HttpServer) -> None:  # noqa: F811
    server.at[f"/{loop.verification_file}"] = ok(loop.verification_content.encode())
    server.behaviour = after(1.0, ok())


def now_to_do(visitor: Visitor) -> Any:
    return visitor.page.locator("#steps [aria-current=step]")


def press(visitor: Visitor, act: str) -> None:
    visitor.tab_to(f'form[action$="/do/{act}/"] button').enter()


def test_a_loop_goes_live_by_keyboard_and_the_page_follows_by_itself(
    browser: Browser,
    live_server: Any,
    admin_client: Client,
    loop: FeedbackLoop,
    server: HttpServer,  # noqa: F811
) -> None:
    with visiting(browser, live_server.url, admin_client) as visitor:
        visitor.go(address(loop))
        expect(now_to_do(visitor)).to_contain_text("File placed")
        place_file(loop, server)
        press(visitor, "check_now")
        expect(now_to_do(visitor)).to_contain_text("Test call answered")
        expect(visitor.page.locator("[data-told]")).to_contain_text("Verified")
        assert visitor.faults() + visitor.overhang() == []
        press(visitor, "call_test")
        expect(visitor.page.get_by_text("All steps are done")).to_be_visible()
        expect(visitor.page.locator("[data-told]")).to_contain_text("accepted")
        visitor.tab_to("#steps summary").press("Enter")
        expect(visitor.page.locator("#steps li").nth(3)).to_contain_text("accepted")
        visitor.be_dark()
        assert visitor.faults() + visitor.overhang() + visitor.complaints == []


def test_the_same_goes_without_javascript(
    browser: Browser,
    live_server: Any,
    admin_client: Client,
    loop: FeedbackLoop,
    looks: Looks,
    server: HttpServer,  # noqa: F811
) -> None:
    place_file(loop, server)
    with visiting(browser, live_server.url, admin_client, java_script_enabled=False) as visitor:
        visitor.go(address(loop))
        for act, told in (("check_now", "Test call answered"), ("call_test", "")):
            visitor.page.locator(f'form[action$="/do/{act}/"] button').first.click()
            for thread in looks.threads:
                thread.join()
            visitor.go(address(loop))
            assert not told or told in now_to_do(visitor).inner_text()
        expect(visitor.page.get_by_text("All steps are done")).to_be_visible()
