import re

import pytest
from django.test import Client

from marketingsuite.headers import DASHBOARD, STRICT
from tests.dashboard import staff, url

pytestmark = pytest.mark.django_db


def policy(client: Client, address: str) -> str:
    return str(client.get(address)["Content-Security-Policy"])


def test_outside_of_the_dashboard_nothing_may_be_loaded() -> None:
    for address in ("/", "/static/marketingsuite/dashboard.css"):
        assert policy(Client(), address) == STRICT
    # An error page has a style in itself.
    for address in ("/nothing", "/administrators"):
        assert re.fullmatch(re.escape(STRICT) + r"; style-src 'sha256-[\w+/]{43}='", policy(Client(), address))


def test_the_dashboard_runs_no_script_that_stands_in_a_page() -> None:
    for address in ("/admin/login/", "/admin/nothing/", url("profiles_account", "changelist")):
        assert policy(Client(), address) == DASHBOARD
    scripts = next(part for part in DASHBOARD.split("; ") if part.startswith("script-src"))
    assert "unsafe-inline" not in scripts
    assert "http" not in DASHBOARD


def test_no_page_of_the_dashboard_has_a_script_in_it(admin_client: Client) -> None:
    pages = [
        url(model, page)
        for model in ("profiles_account", "feedbackloops_feedbackloop")
        for page in ("changelist", "add")
    ]
    for address in ("/admin/login/", "/admin/second-factor/", *pages):
        client = Client() if "login" in address else admin_client
        page = client.get(address).content.decode()
        assert page.count("<script") == page.count("<script src=") + page.count("<script id=") + page.count(
            'type="application/json"'
        )


def test_every_answer_limits_what_browsers_may_do_and_tell() -> None:
    for client, address in ((Client(), "/"), (staff(), url("auth_user", "changelist")), (Client(), "/nothing")):
        headers = client.get(address).headers
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
