"""Whose day it is: an account with profiles and four loops, and the scripts that those call."""

import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, Final

from django.db.models import QuerySet

from feedbackloops.models import FeedbackLoop, LoopStatus
from marketingsuite.demo.day import people
from marketingsuite.demo.day.fates import FATAL
from profiles.models import Account, Database, Profile
from tracking.models import EventType

ACCOUNT: Final = "Noorderlicht Reizen (demo)"
DATABASE: Final = "Travellers"
HEALTHY, SLOW, FAILING, UNVERIFIED = "shop", "warehouse", "crm", "partner"
# Where requests for the folder of the unverified one are sent to.
MOVED: Final = "portal"
NAMES: Final = {
    HEALTHY: "Web shop",
    SLOW: "Data warehouse",
    FAILING: "Old CRM",
    UNVERIFIED: "Partner portal",
}
TYPES: Final[dict[str, list[str]]] = {
    HEALTHY: [EventType.OPEN, EventType.CLICK, EventType.UNSUBSCRIBE],
    SLOW: [EventType.DELIVERY, EventType.OPEN, EventType.CLICK, EventType.BOUNCE, EventType.UNSUBSCRIBE],
    FAILING: [EventType.CLICK, EventType.BOUNCE, EventType.UNSUBSCRIBE],
    UNVERIFIED: [EventType.OPEN, EventType.CLICK],
}


@dataclass(frozen=True, slots=True)
class Cast:
    """The account of the day, its profiles, and its loops by what they are called here."""

    account: Account
    profiles: list[Profile]
    loops: dict[str, FeedbackLoop]

    @property
    def files(self) -> dict[str, bytes]:
        """What the scripts' server answers for verification files; the owner of the last place has moved it."""
        folders = {name: MOVED if name == UNVERIFIED else name for name in self.loops}
        return {
            f"/{folders[name]}/{loop.verification_file}": loop.verification_content.encode()
            for name, loop in self.loops.items()
        }


def gather(scripts_url: str) -> Cast:
    """The cast, made if need be; its loops call scripts at `scripts_url`. They are paused: nothing is sent yet."""
    account, _ = Account.objects.get_or_create(name=ACCOUNT)
    database, _ = Database.objects.get_or_create(account=account, name=DATABASE)
    profiles = list(database.profiles.order_by("pk")) or _travellers(database)
    return Cast(account, profiles, {name: _loop(account, name, scripts_url) for name in NAMES})


def _travellers(database: Database) -> list[Profile]:
    """Known for longer than the day: no event tells that they were created."""
    rows = people.made_up(people.NUMBER, Random(ACCOUNT))
    profiles = [Profile(account_id=database.account_id, database=database, **row) for row in rows]
    for profile in profiles:
        profile.follow_fields(profile.fields)
    return QuerySet.bulk_create(Profile.objects.all(), profiles)


def _loop(account: Account, name: str, scripts_url: str) -> FeedbackLoop:
    url = f"{scripts_url}/{name}/hook.php"
    facts = {"event_types": TYPES[name], "url": url, "status": LoopStatus.PAUSED}
    loop, made = FeedbackLoop.objects.get_or_create(account=account, name=NAMES[name], defaults=facts)
    if not made:
        loop.url, loop.status = url, LoopStatus.PAUSED
        loop.save(update_fields=["url", "status"])
    return loop


class Scripts(ThreadingHTTPServer):
    """The scripts of the day on one port of this machine: quick, slow or broken, by the first part of the path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Scripts
    protocol_version = "HTTP/1.1"
    timeout = 60
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        content = self.server.files.get(self.path)
        before = f"/{UNVERIFIED}/"
        if self.path.startswith(before):
            self._answer(301, b"Moved\n", location=f"/{MOVED}/{self.path.removeprefix(before)}")
        else:
            self._answer(200 if content else 404, content or b"Not found\n")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self.path.split("/")[1]
        if name == SLOW:
            time.sleep(Random().lognormvariate(0.9, 0.5))
        if name == FAILING:
            self._answer(500, FATAL)
        else:
            self._answer(200, b"ok\n")

    def log_message(self, format: str, *args: Any) -> None:
        """The dashboard shows them."""

    def _answer(self, status: int, body: bytes, *, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
