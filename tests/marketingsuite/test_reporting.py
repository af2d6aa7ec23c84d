"""Reports to Sentry, received by an HTTP server of the test's own."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from marketingsuite import reporting
from marketingsuite.reporting import scrubbed
from marketingsuite.scrubbing import scrubber

ROOT = Path(__file__).resolve().parents[2]
# A process of the project that meets an error, with secrets all around it.
FAIL = """
import django, logging, os
django.setup()
logger = logging.getLogger("tracking.views")
logger.info("an innocent line with marker-of-a-breadcrumb")
try:
    local = "marker-of-a-local"
    raise ValueError("postgresql://suite:marker-of-a-url@db/x, " + os.environ["SECRET_KEY"])
except ValueError:
    logger.exception("It failed with %s", "whsec_markerofasecret", extra={"event": "0192d3a0"})
"""


class Sentry(ThreadingHTTPServer):
    """Keeps what is reported."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[str] = []

    @property
    def dsn(self) -> str:
        return f"http://public-key@127.0.0.1:{self.server_port}/7"


class Handler(BaseHTTPRequestHandler):
    server: Sentry

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_zipped = self.headers.get("Content-Encoding") == "gzip"
        self.server.received.append((gzip.decompress(body) if is_zipped else body).decode())
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    with Sentry() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    known = os.environ | {"DJANGO_SETTINGS_MODULE": "marketingsuite.settings", "SECRET_KEY": "marker-of-the-key" * 4}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=known | env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def test_an_error_is_reported_without_what_nobody_may_read(sentry: Sentry) -> None:
    run(FAIL, SENTRY_DSN=sentry.dsn, SENTRY_ENVIRONMENT="staging")
    (report,) = sentry.received
    assert "marker" not in report
    event = json.loads(report.splitlines()[-1])
    assert event["exception"]["values"][0]["type"] == "ValueError"
    assert event["logentry"]["message"].startswith("It failed with")
    assert (event["environment"], event["extra"]["event"]) == ("staging", "0192d3a0")
    assert not {"request", "user", "breadcrumbs", "modules"} & event.keys()


def test_without_a_dsn_the_library_is_not_even_loaded() -> None:
    code = "import sys, django; django.setup(); print('sentry_sdk' in sys.modules)"
    assert run(code, SENTRY_DSN="").stdout.strip() == "False"


def test_a_server_that_is_away_costs_the_process_nothing_but_the_report() -> None:
    assert "ValueError" in run(FAIL, SENTRY_DSN="http://key@127.0.0.1:1/7").stderr


def test_a_dsn_that_is_none_is_named(settings: Settings) -> None:
    settings.SENTRY_DSN = "ftp://hush@nowhere"
    with pytest.raises(ImproperlyConfigured, match="SENTRY_DSN can't be used") as refused:
        reporting.start()
    assert "hush" not in str(refused.value)


def test_a_report_keeps_what_describes_the_error_only() -> None:
    event = {
        "level": "error",
        "request": {"data": "a payload"},
        "user": {"ip_address": "192.0.2.1"},
        "exception": {"values": [{"value": "password=hush", "stacktrace": {"frames": [{"vars": {"a": "b"}}]}}]},
    }
    assert scrubbed(scrubber())(event, {}) == {
        "level": "error",
        "exception": {"values": [{"value": "password=***", "stacktrace": {"frames": [{}]}}]},
    }
