"""The demo's processes and its day, with a browser that takes pictures of them. Import it when Django is set up."""

import sys
from pathlib import Path
from random import Random
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import BrowserContext, Page

from feedbackloops import testcalls
from feedbackloops.models import FeedbackLoop
from marketingsuite.demo import stage as stages
from marketingsuite.demo.day.cast import ACCOUNT
from marketingsuite.demo.day.showing import a_living_day
from marketingsuite.demo.printing import Printer
from profiles.models import Account
from screens.chromium import browsing
from screens.pages import screens
from screens.pictures import HEIGHT, PHONE, THEMES, WIDTH, set_theme, take
from screens.planting import plant

ZONE: Final = "Europe/Amsterdam"
# For the looks and the first calls.
SETTLE_MS: Final = 4_000
# Where the width changes more than the breaks of lines.
ON_A_PHONE: Final = {"home", "loops", "loop-web-shop", "delivery-given-up"}


def take_all(path: str, folder: Path, chance: Random) -> int:
    """Write a picture of every screen in every theme into the folder, whose pictures go before; their size in bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    stage = stages.build(Printer(sys.stdout), stages.free_ports(), settings.VAR_DIR, "")
    with stages.running(stage), a_living_day(stage, chance), browsing(path) as browser:
        stages.wait_for_web(stage)
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, timezone_id=ZONE, locale="en-GB")
        page = context.new_page()
        size = _take(page, "login", f"{stage.ports.web_url}/admin/login/", folder)
        plant(Account.objects.get(name=ACCOUNT))
        _try_out(Account.objects.get(name=ACCOUNT), _log_in(context, stage.ports.web_url))
        page.wait_for_timeout(SETTLE_MS)
        call_command("ledger", stdout=sys.stderr)
        for name, address in screens(Account.objects.get(name=ACCOUNT)).items():
            size += _take(page, name, stage.ports.web_url + address, folder)
        return size


def _take(page: Page, name: str, url: str, folder: Path) -> int:
    size = 0
    for theme in THEMES:
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
        page.goto(url)
        set_theme(page, theme)
        size += take(page, folder / f"{name}-{theme}.png")
        if theme == "light" and name in ON_A_PHONE:
            size += take(page, folder / f"{name}-phone.png", PHONE)
    return size


def _try_out(account: Account, user: Any) -> None:
    """Have test calls made to the loops that can be called."""
    for loop in FeedbackLoop.objects.filter(account=account).order_by("-pk"):
        if loop.is_verified:
            testcalls.ask_for_call(loop, user)


def _log_in(context: BrowserContext, url: str) -> Any:
    """By a session of its own: the login has its own picture. Whoever is logged in."""
    users: Any = get_user_model()._default_manager
    facts = {"is_staff": True, "is_superuser": True, "first_name": "Robin", "last_name": "Staff"}
    user, _ = users.get_or_create(username="robin", defaults=facts)
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])
    return user
