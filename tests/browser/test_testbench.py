"""The test bench and the picker of events in a real browser, with JavaScript and without."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, expect

from feedbackloops import doorbell, testcalls
from feedbackloops.counting import hour_of
from feedbackloops.models import EventCount, FeedbackLoop, TestCall
from tests.browser.visitor import Visitor, visiting
from tests.factories import make_account, make_database, make_profile, make_verified_loop
from tests.feedbackloops.conftest import server  # noqa: F401  (a fixture)
from tests.http_server import HttpServer, after, status

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


class Looks:
    """What the process “looks” does with a ring for a test call, in a thread."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def ring(self, task: str, arguments: Any) -> None:
        for id in arguments if task == "call_test" else ():
            self.threads.append(threading.Thread(target=self._make, args=(id,)))
            self.threads[-1].start()

    def _make(self, id: str) -> None:
        from uuid import UUID

        from django.db import connection

        testcalls.make(UUID(id))
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
    server.behaviour = after(1.0, status(403, b"bad signature", [("X-Script", "7.4")]))
    return make_verified_loop(make_account(), url=server.url("/script.php"), event_types=["click"])


def bench(loop: FeedbackLoop) -> str:
    return reverse("admin:feedbackloops_feedbackloop_bench", args=[loop.pk])


def send(visitor: Visitor, loop: FeedbackLoop) -> None:
    visitor.go(bench(loop))
    visitor.tab_to("#f-original").write("https://example.com/by-hand")
    visitor.tab_to("#bench_form button[value=send]").enter()


def test_a_call_is_written_and_sent_by_keyboard_and_its_answer_comes_by_itself(
    browser: Browser, live_server: Any, admin_client: Client, loop: FeedbackLoop
) -> None:
    with visiting(browser, live_server.url, admin_client) as visitor:
        send(visitor, loop)
        expect(visitor.page.locator("#result progress")).to_be_visible()
        assert visitor.faults() == []
        expect(visitor.page.get_by_text("The script did not accept it")).to_have_count(2)
        expect(visitor.page.get_by_text("bad signature")).to_be_visible()
        assert visitor.page.input_value("#f-original") == "https://example.com/by-hand"
        assert visitor.faults() + visitor.overhang() + visitor.complaints == []
    assert TestCall.objects.get().fields["original"] == "https://example.com/by-hand"


def test_the_same_goes_without_javascript(
    browser: Browser, live_server: Any, admin_client: Client, loop: FeedbackLoop
) -> None:
    with visiting(browser, live_server.url, admin_client, java_script_enabled=False) as visitor:
        visitor.go(bench(loop))
        visitor.page.locator("#f-original").fill("https://example.com/by-hand")
        visitor.page.locator("button[value=json]").click()
        assert '"https://example.com/by-hand"' in visitor.page.input_value("#text")
        visitor.page.locator("button[value=form]").click()
        visitor.page.locator("button[value=send]").click()
        expect(visitor.page.get_by_text("bad signature")).to_be_visible(timeout=10_000)
    assert TestCall.objects.get().fields["original"] == "https://example.com/by-hand"


def test_problems_are_told_accessibly_in_either_way_of_writing(
    browser: Browser, live_server: Any, admin_client: Client, loop: FeedbackLoop
) -> None:
    with visiting(browser, live_server.url, admin_client) as visitor:
        visitor.go(bench(loop))
        visitor.page.locator("#f-ip").fill("x" * 300)
        visitor.page.locator("#f-original").fill("")
        visitor.page.locator("button[value=send]").click()
        expect(visitor.page.locator(".bench-problems li")).to_have_count(2)
        found = visitor.faults() + visitor.overhang()
        visitor.page.locator("button[value=json]").click()
        visitor.page.locator("#text").fill("{")
        visitor.page.locator("button[value=send]").click()
        expect(visitor.page.locator(".bench-problems")).to_contain_text("This is not JSON")
        found += visitor.faults() + visitor.overhang()
        visitor.be_dark()
        assert found + visitor.faults("color-contrast") + visitor.complaints == []
    assert not TestCall.objects.exists()


def test_the_total_of_calls_to_expect_follows_what_is_ticked(
    browser: Browser, live_server: Any, admin_client: Client, loop: FeedbackLoop
) -> None:
    from django.utils.timezone import now

    for type, number in (("click", 168 * 30), ("open", 168 * 1200)):
        EventCount.objects.create(account_id=loop.account_id, type=type, hour=hour_of(now()), count=number)
    make_profile(make_database(loop.account), city="Oss")
    with visiting(browser, live_server.url, admin_client) as visitor:
        visitor.go(reverse("admin:feedbackloops_feedbackloop_change", args=[loop.pk]))
        total = visitor.page.locator("[data-total]")
        expect(total).to_have_text("About 30 calls an hour to expect.")
        visitor.tab_to("#id_event_types_open").press("Space")
        expect(total).to_have_text("About 1,230 calls an hour to expect.")
        visitor.page.locator(".picker summary").first.click()
        assert visitor.faults() + visitor.overhang() == []
        visitor.go(f"{reverse('admin:feedbackloops_feedbackloop_add')}?event_types=open")
        expect(total).to_contain_text("once the account is chosen")
        _choose_account(visitor, loop)
        expect(visitor.page.locator("#id_only_fields input[value=city]")).to_have_count(1)
        visitor.page.locator("#id_event_types_open").check()
        expect(total).to_have_text("About 1,200 calls an hour to expect.")
        assert visitor.complaints == []


def _choose_account(visitor: Visitor, loop: FeedbackLoop) -> None:
    visitor.page.locator("#id_account + .select2 .select2-selection").click()
    visitor.page.locator(".select2-results__option", has_text=loop.account.name).click()
