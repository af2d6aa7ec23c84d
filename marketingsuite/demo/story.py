"""What the demo shows, step by step: from a loop that proves its place to the POSTs that its script gets."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.utils.timezone import now

from feedbackloops import signals
from feedbackloops.models import FeedbackLoop, VerificationLook
from marketingsuite.demo.customer import Customer
from marketingsuite.demo.receiver import Received
from marketingsuite.demo.report import Hit, Report, expected_of
from marketingsuite.demo.stage import DemoError, Stage
from marketingsuite.devstack import BASE_DIR
from profiles.snapshots import enrichment
from tracking.messages import unsubscribe_url
from tracking.models import Event, EventType, Message
from tracking.rewriting import find_links

MAIL: Final = Path(__file__).with_name("mail.html")
TAGS: Final = ("newsletter", "november & après-ski")
# What mail programs send (RFC 8058).
ONE_CLICK: Final = {"List-Unsubscribe": "One-Click"}
BROWSER: Final = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept-Language": "en-GB,en;q=0.8",
    "Referer": "https://webmail.example/",
}


@dataclass(frozen=True, slots=True)
class TrackedMail:
    """A mail as its recipient gets it. `links`: tracked URL and original, in their order; `counts` for people."""

    message: UUID
    path: Path
    pixel: str
    links: list[tuple[str, str]]
    counts: str


def verify(stage: Stage, loop: FeedbackLoop) -> None:
    """Have the loop looked at without its file, place the file, and see the loop verified. Raises DemoError."""
    with stage.printer.step("first look") as step:
        # Saving the loop rang for one too, but maybe before the script was up.
        asked = now()
        signals.looks_due.send(None, loops=[loop.pk])
        looks = stage.wait_for(lambda: list(VerificationLook.objects.filter(loop=loop, looked__gte=asked)))
        if not looks:
            raise DemoError(f"Nobody looked for the verification file.{stage.log_ends('looks', 'beat')}")
        step.say(looks[0].message)
    with stage.printer.step("second look") as step:
        (stage.files / loop.verification_file).write_text(loop.verification_content)
        signals.looks_due.send(None, loops=[loop.pk])
        if not stage.wait_for(lambda: _is_verified(loop)):
            seen = "; ".join(look.message for look in VerificationLook.objects.filter(loop=loop))
            raise DemoError(f"The loop was not verified. What the looks saw: {seen}{stage.log_ends('looks')}")
        step.say(f"{loop.verification_file} is in place: the loop is verified")


def _is_verified(loop: FeedbackLoop) -> bool:
    loop.refresh_from_db()
    return loop.is_verified


def track(stage: Stage, customer: Customer, folder: Path) -> TrackedMail:
    """Send the sample mail through `manage.py track_mail`, as a customer would. Raises DemoError."""
    with stage.printer.step("mail") as step:
        output = folder / "mail.html"
        done = subprocess.run(
            [sys.executable, "manage.py", *_track_mail(customer, output)],
            cwd=BASE_DIR,
            env={**os.environ, "TRACKING_URL": stage.ports.web_url},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DemoError(f"track_mail failed: {done.stderr.strip()}")
        mail = _tracked_mail(output, dict(line.split(maxsplit=1) for line in done.stderr.splitlines()))
        step.say(f"to {customer.address}; links: {mail.counts}")
        return mail


def _track_mail(customer: Customer, output: Path) -> list[str]:
    options = {
        "--account": str(customer.account.pk),
        "--recipient": customer.address,
        "--profile": str(customer.profile.pk),
        "--output": str(output),
    }
    pairs = [*options.items(), *(("--tag", tag) for tag in TAGS)]
    return ["track_mail", str(MAIL), *(word for pair in pairs for word in pair)]


def _tracked_mail(path: Path, summary: dict[str, str]) -> TrackedMail:
    original, tracked = (find_links(each.read_text(encoding="utf-8")) for each in (MAIL, path))
    links = [(new.url, old.url) for new, old in zip(tracked, original, strict=True)]
    return TrackedMail(UUID(summary["message"]), path, summary["pixel"], links, summary["links"])


def hit(stage: Stage, mail: TrackedMail) -> list[Hit]:
    """Open the mail, click its first and its last link, and unsubscribe, as its reader would. Raises DemoError."""
    read = [_open(stage, mail), *(_click(stage, *mail.links[number]) for number in (0, -1))]
    return [*read, _unsubscribe(stage, mail)]


def _open(stage: Stage, mail: TrackedMail) -> Hit:
    with stage.printer.step("open") as step:
        if mail.pixel not in mail.path.read_text(encoding="utf-8"):
            raise DemoError(f"The pixel {mail.pixel} is not in {mail.path}.")
        at = time.time()
        answer = stage.session.get(mail.pixel, headers=BROWSER, timeout=10)
        milliseconds = round((time.time() - at) * 1000)
        if answer.status_code != 200 or answer.headers["Content-Type"] != "image/gif":
            raise DemoError(f"The pixel answered {answer.status_code}, not 200 with a picture.{stage.log_ends('web')}")
        step.say(f"the pixel answers {answer.status_code} {answer.headers['Content-Type']} in {milliseconds} ms")
    return Hit(EventType.OPEN, "", at)


def _click(stage: Stage, url: str, original: str) -> Hit:
    with stage.printer.step("click") as step:
        at = time.time()
        answer = stage.session.get(url, headers=BROWSER, timeout=10, allow_redirects=False)
        milliseconds = round((time.time() - at) * 1000)
        target = answer.headers.get("Location")
        if answer.status_code != 302 or target != original:
            raise DemoError(f"The link to {original} answered {answer.status_code} to {target}.{stage.log_ends('web')}")
        step.say(f"{answer.status_code} in {milliseconds} ms to {target}")
    return Hit(EventType.CLICK, original, at)


def _unsubscribe(stage: Stage, mail: TrackedMail) -> Hit:
    with stage.printer.step("unsubscribe") as step:
        path = urlsplit(unsubscribe_url(Message.objects.get(pk=mail.message))).path
        at = time.time()
        answer = stage.session.post(stage.ports.web_url + path, ONE_CLICK, headers=BROWSER, timeout=10)
        milliseconds = round((time.time() - at) * 1000)
        if answer.status_code != 200:
            raise DemoError(f"The link to unsubscribe answered {answer.status_code}.{stage.log_ends('web')}")
        step.say(f"by one click: {answer.status_code} in {milliseconds} ms")
    return Hit(EventType.UNSUBSCRIBE, "", at)


def wait_for_posts(stage: Stage, customer: Customer, mail: TrackedMail, hits: Sequence[Hit]) -> Report:
    """Wait until each hit has reached the script, and print what it got. Raises DemoError when anything is missing."""
    profile = customer.profile
    facts = enrichment(profile.pk, profile.database_id, profile.fields, profile.interests)
    expected = expected_of(customer.address, TAGS, facts)
    posts: list[Received] = []

    def report() -> Report:
        posts.extend(post for post in stage.inbox.new() if post.post.get("id") == str(mail.message))
        return Report(hits, Event.objects.filter(message=mail.message).count(), posts, expected)

    with stage.printer.step("script") as step:
        stage.wait_for(lambda: report().is_complete())
        final = report()
        step.say(f"got {len(posts)} POSTs:")
    stage.printer.line()
    for post in posts:
        stage.printer.post(post, final.milliseconds(post))
    if problems := final.problems():
        raise DemoError("; ".join(problems) + "." + stage.log_ends("web", "events", "worker"))
    return final
