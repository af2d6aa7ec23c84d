"""What a process loads: workers no page of the dashboard, and whoever checks the pages all of them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORKER = """
from marketingsuite.celery import app
app.loader.import_default_modules()
import sys
print([name for name in sys.modules if name in ("marketingsuite.urls", "feedbackloops.admin", "api.main")])
"""
CHECKS = """
import django
django.setup()
from django.contrib import admin
from django.core import checks
from feedbackloops.models import FeedbackLoop
from unfold.admin import ModelAdmin
assert not admin.site.is_registered(FeedbackLoop)
ModelAdmin.save_as = "no boolean"
print(len(checks.run_checks(tags=["admin"])))
"""


def said_by(code: str, **environ: str) -> str:
    own = {**os.environ, "DJANGO_SETTINGS_MODULE": "marketingsuite.settings"} | environ
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_any_page_can_be_the_first() -> None:
    assert said_by("import django; django.setup(); from tracking import admin; print(admin.EventAdmin.__name__)")


def test_a_worker_loads_no_page_of_the_dashboard() -> None:
    lines = [line for line in (ROOT / "Procfile").read_text().splitlines() if " celery " in line]
    assert lines
    assert all(" --skip-checks " in line for line in lines)
    # As that flag has it.
    assert said_by(WORKER, CELERY_SKIP_CHECKS="true") == "[]"


def test_the_checks_look_at_the_pages_of_the_dashboard_though_they_are_registered_late() -> None:
    assert int(said_by(CHECKS)) > 5
