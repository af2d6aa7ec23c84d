"""From a hit to a POST on this machine; `make demo` calls it with PostgreSQL and Valkey up."""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import requests
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import Error
from django.utils.timezone import now

from feedbackloops.models import FeedbackLoop
from marketingsuite.demo import stage as stages
from marketingsuite.demo import story
from marketingsuite.demo.customer import LOGIN, Customer, customer, new_loop, new_password
from marketingsuite.demo.day.showing import a_living_day
from marketingsuite.demo.printing import Printer
from marketingsuite.demo.receiver import Received
from marketingsuite.demo.report import Report
from marketingsuite.demo.rest import tell_the_rest
from marketingsuite.demo.stage import DemoError, Stage
from marketingsuite.devstack import DevstackError
from tracking.ids import moment_of

WATCH_SECONDS = 0.2


class Command(BaseCommand):
    help = "Start every process and show a hit on its way to a customer's script; with DEMO_ONCE=1 end after it."

    def handle(self, *args: Any, **options: Any) -> None:
        printer = Printer(sys.stdout)
        try:
            report = _show(printer, settings.VAR_DIR, once=os.environ.get("DEMO_ONCE", "0") not in ("", "0", "false"))
        except KeyboardInterrupt:
            sys.exit(130)
        except (DemoError, DevstackError, Error, requests.RequestException) as error:
            printer.line()
            printer.line(f"demo: failed - {str(error).strip()}", "bad")
            sys.exit(1)
        if report:
            printer.line(report.last_line(), "good")


def _show(printer: Printer, folder: Path, *, once: bool) -> Report | None:
    """Tell the whole story; what it came to, where nothing else was told after it."""
    printer.line("Marketing Suite: from a hit to a POST", "bold")
    printer.line()
    _migrate(printer)
    someone, loop, stage = _prepare(printer, folder)
    with stages.running(stage):
        stages.wait_for_web(stage)
        story.verify(stage, loop)
        mail = story.track(stage, someone, folder)
        report = story.wait_for_posts(stage, someone, mail, story.hit(stage, mail))
        report = replace(report, others=tell_the_rest(stage, someone, mail))
        if not once:
            printer.line(report.last_line(), "good")
            printer.line()
            _stay(stage, mail)
    return report if once else None


def _migrate(printer: Printer) -> None:
    with printer.step("database") as step:
        call_command("migrate", verbosity=0)
        step.say("the tables are up to date")


def _prepare(printer: Printer, folder: Path) -> tuple[Customer, FeedbackLoop, Stage]:
    with printer.step("customer") as step:
        someone = customer()
        step.say(f"{someone.account}, with {someone.database.profiles.count()} profiles in {someone.database.name}")
    with printer.step("loop") as step:
        ports = stages.free_ports()
        loop = new_loop(someone.account, ports.script_url, now())
        step.say(f"all {len(loop.event_types)} types of events → {loop.url}, not verified yet")
    return someone, loop, stages.build(printer, ports, folder, loop.secret)


def _stay(stage: Stage, mail: story.TrackedMail) -> None:
    """Fill the dashboard with a day, show where to look, and what else comes in, until Ctrl-C."""
    printer = stage.printer
    try:
        with a_living_day(stage, Random()) as living:
            _show_around(stage, mail)
            while True:
                stage.processes.check()
                living.go_on(WATCH_SECONDS)
                for post in stage.inbox.new():
                    printer.post(post, _since_event(post))
                time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        printer.line()


def _show_around(stage: Stage, mail: story.TrackedMail) -> None:
    printer = stage.printer
    printer.line(f"  The dashboard:  {stage.ports.web_url}/admin/   login {LOGIN}   password {new_password()}", "bold")
    printer.line(f"  Click yourself: open {mail.path} in a browser; each POST is shown here.")
    printer.line("  Ctrl-C stops every process.")
    printer.line()


def _since_event(post: Received) -> int | None:
    """The milliseconds since the instant that the event's id carries."""
    try:
        return round((post.received_at - moment_of(UUID(post.event)).timestamp()) * 1000)
    except ValueError:
        return None
