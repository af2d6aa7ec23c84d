"""The story of somebody who sets up a loop and looks after it, told with a keyboard in a real browser."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now
from playwright.sync_api import Browser, expect

from feedbackloops.models import Delivery, FeedbackLoop
from tests.browser.conftest import browser  # noqa: F401
from tests.browser.visitor import Visitor, visiting
from tests.flow.customers import Customer, Script
from tests.flow.deployment import Deployment
from tests.flow.waiting import wait_until
from tests.http_server import ok, status

pytestmark = pytest.mark.timeout(180)

PASSWORD = "a long one, typed by hand"
LOOPS = "/admin/feedbackloops/feedbackloop/"


@pytest.fixture
def visitor(browser: Browser, deployment: Deployment, joined: None) -> Iterator[Visitor]:  # noqa: F811
    """Somebody who may do everything, before the login."""
    user, _ = User.objects.get_or_create(username="robin", is_staff=True, is_superuser=True)
    user.set_password(PASSWORD)
    user.save()
    with visiting(browser, deployment.tracking_url, accept_downloads=True) as visitor:
        yield visitor


def log_in(visitor: Visitor) -> None:
    visitor.go("/admin/")
    visitor.tab_to("input[name=username]").write("robin")
    visitor.tab_to("input[name=password]").write(PASSWORD)
    visitor.enter()


def make_loop(visitor: Visitor, customer: Customer, url: str) -> Script:
    """Fill in the form for a new loop, and save it."""
    visitor.go(LOOPS)
    visitor.tab_to('a[href$="/feedbackloop/add/"]').enter()
    visitor.tab_to(".select2-selection").press("Enter")
    visitor.write(customer.account.name)
    expect(visitor.page.locator(".select2-results__option--highlighted")).to_have_text(customer.account.name)
    visitor.press("Enter")
    visitor.tab_to("#id_name").write("Sale of the century")
    visitor.tab_to("#id_url").write(url)
    visitor.tab_to('input[name="event_types"][value="open"]').press("Space")
    visitor.tab_to('[name="_continue"]').enter()
    return Script(customer.server, FeedbackLoop.objects.get(account=customer.account))


def place_file(visitor: Visitor, script: Script, folder: Path) -> None:
    """Download the verification file, and put it where the page says."""
    with visitor.page.expect_download() as download:
        visitor.tab_to('a[href$="/file/"]').press("Enter")
    saved = folder / download.value.suggested_filename
    download.value.save_as(saved)
    script.server.at[f"/hooks/{saved.name}"] = ok(saved.read_bytes())


def button(act: str) -> str:
    return f'form[action$="/do/{act}/"] button'


def test_from_the_login_to_a_live_loop_a_failing_script_and_back_by_keyboard_alone(
    visitor: Visitor, deployment: Deployment, customer: Customer, tmp_path: Path
) -> None:
    log_in(visitor)
    script = make_loop(visitor, customer, customer.server.url("/hooks/script.php"))
    place_file(visitor, script, tmp_path)
    visitor.tab_to(button("check_now")).enter()
    wait_until(script.is_verified, "the loop is verified")
    visitor.page.reload()
    visitor.tab_to(button("call_test")).enter()
    assert script.await_posts(1)[0].header("webhook-test") == "1"

    # It is live: what comes in shows on the page by itself.
    expect(visitor.page.locator("#deliveries")).to_be_attached()
    deployment.hit(customer.mail().pixel_url)
    assert script.await_posts(2)[1].fields["type"] == "open"
    expect(visitor.page.get_by_text("ann@example.com").first).to_be_visible()

    # The script is taken away by mistake, and the loop stops by itself.
    script.answers(status(410))
    deployment.hit(customer.mail().pixel_url)
    script.await_books(owed=2, delivered=1, given_up=1)
    wait_until(lambda: bool(script.lane().stopped), "the lane is stopped")
    visitor.page.reload()
    expect(visitor.page.get_by_text("410").first).to_be_visible()

    # It is put back; what was given up meanwhile is sent again.
    script.answers(ok())
    visitor.tab_to(button("resume")).enter()
    wait_until(lambda: script.lane().stopped is None, "the loop is resumed")
    visitor.tab_to('a[href*="/again/"]').enter()
    visitor.tab_to("#id_since_0").write(f"{now() - timedelta(days=1):%Y-%m-%d}")
    visitor.tab_to("#id_since_1").write("00:00")
    visitor.tab_to("#again_form button[type=submit]").enter()
    visitor.tab_to("#confirm_form button").enter()
    script.await_books(owed=2, delivered=2)
    assert Delivery.objects.filter(loop=script.loop, state="delivered").count() == 2
    assert visitor.complaints == []
