"""Customers as the stories have them: an account, a server of their own, and the scripts on it."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Count, Sum
from django.utils.timezone import now
from standardwebhooks import Webhook

from feedbackloops.doorbell import ring_for_looks
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, LaneState, LoopStatus, OwedCount, VerificationLook
from profiles.models import Account, Database, Profile
from tests.feedbackloops.protocol import php
from tests.flow.waiting import wait_until
from tests.http_server import Behaviour, HttpServer, Request, ok
from tracking import messages
from tracking.messages import TrackedMessage
from tracking.models import Event, Outbox

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Post:
    """One call as a script got it."""

    request: Request

    def header(self, name: str) -> str:
        """The value of a header that has to be there once."""
        (value,) = self.request.values(name)
        return value

    @property
    def event(self) -> str:
        """The id that the receiver tells duplicates by."""
        return self.header("webhook-id")

    @property
    def attempt(self) -> int:
        """Which try of the delivery it is, from 1."""
        return int(self.header("webhook-attempt"))

    @property
    def fields(self) -> dict[Any, Any]:
        """The body: JSON as it is, a form as PHP has it in $_POST, where a list is a map from 0 on."""
        if self.header("content-type") == "application/json":
            fields: dict[Any, Any] = json.loads(self.request.body)
            return fields
        return php.parse(self.request.body)

    def check_signature(self, secret: str) -> None:
        """Check it as the library for receivers does. Raises WebhookVerificationError."""
        headers = {name.lower(): value for name, value in self.request.headers}
        # Once the signature is found right, the library reads the body as JSON, which a form is not.
        with suppress(json.JSONDecodeError):
            Webhook(secret).verify(self.request.body, headers)


class Script:
    """A script behind a loop. Until it is told otherwise it accepts everything."""

    def __init__(self, server: HttpServer, loop: FeedbackLoop) -> None:
        self.server, self.loop = server, loop
        self.path = urlsplit(loop.url).path
        self.answers(ok())

    def answers(self, behaviour: Behaviour) -> None:
        """Have it behave like this from now on."""
        self.server.at[self.path] = behaviour

    def place_file(self, behaviour: Behaviour | None = None, directory: str = "/hooks/") -> None:
        """Upload the verification file, or something that is not quite it."""
        path = directory + self.loop.verification_file
        self.server.at[path] = behaviour or ok(self.loop.verification_content.encode())

    @property
    def posts(self) -> list[Post]:
        """The calls so far, in the order in which they came."""
        return [Post(each) for each in list(self.server.requests) if each.path == self.path and each.method == "POST"]

    def await_posts(self, number: int, seconds: float = 60.0) -> list[Post]:
        """Wait for so many calls."""
        wait_until(lambda: len(self.posts) >= number, f"{number} calls of {self.path}", seconds)
        return self.posts

    def await_books(self, seconds: float = 60.0, **expected: int) -> None:
        """Wait until the books say: `owed` in all, and so many deliveries in each state. The two are counted apart."""
        wait_until(lambda: self.books() == expected, lambda: f"books of {expected}, not {self.books()}", seconds)

    def books(self) -> dict[str, int]:
        """What the loop was owed, as fan-out counted it, and the deliveries by state."""
        owed = OwedCount.objects.filter(loop_id=self.loop.pk).aggregate(total=Sum("count"))["total"] or 0
        states = Delivery.objects.filter(loop=self.loop).order_by().values_list("state").annotate(Count("id"))
        return {"owed": owed, **dict(states)}

    def attempts(self) -> list[Attempt]:
        """What the engine noted of the calls, in the order of time."""
        return list(Attempt.objects.filter(loop=self.loop).order_by("started"))

    def lane(self) -> LaneState:
        """What the engine knows of the lane."""
        return LaneState.objects.get(loop=self.loop)

    def await_engine(self, lease: int) -> None:
        """Wait until an engine has held the lane after this lease, and given it back."""

        def has_been_there() -> bool:
            lane = self.lane()
            return lane.lease_number > lease and lane.engine is None

        wait_until(has_been_there, "an engine has looked into the lane")

    def looks(self) -> list[VerificationLook]:
        """The looks for its verification file, the earliest first."""
        return list(VerificationLook.objects.filter(loop=self.loop).order_by("pk"))

    def is_verified(self) -> bool:
        """Whether its present place is proven."""
        return FeedbackLoop.objects.get(pk=self.loop.pk).is_verified

    def duplicates(self) -> dict[str, int]:
        """The events that came more than once, with the number of calls too many."""
        calls = Counter(post.event for post in self.posts)
        return {event: number - 1 for event, number in calls.items() if number > 1}


class Customer:
    """An account whose scripts all stand on one server."""

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.account = Account.objects.create(name=f"Customer {next(_numbers)}")

    def unproven_script(self, path: str = "/hooks/script.php", **settings: Any) -> Script:
        """A script with its loop, not saved yet: nobody looks for its file before `save()`."""
        settings = {"event_types": ["open", "click"], "name": path, "url": self.server.url(path)} | settings
        return Script(self.server, FeedbackLoop(account=self.account, **settings))

    def script(self, path: str = "/hooks/script.php", **settings: Any) -> Script:
        """A script whose place was proven with its file."""
        script = self.unproven_script(path, **settings)
        script.place_file(directory=path[: path.rindex("/") + 1])
        script.loop.save()
        wait_until(script.is_verified, "the loop is verified")
        return script

    def mail(self, urls: Sequence[str] = (), profile: Profile | None = None) -> TrackedMessage:
        """Register a mail to Ann."""
        return messages.register(self.account, "ann@example.com", profile=profile, tags=["spring", "sale"], urls=urls)

    def profile(self, **fields: str) -> Profile:
        """A profile in the account's database."""
        database, _ = Database.objects.get_or_create(account=self.account, name="Customers")
        return Profile.objects.create(database=database, fields=fields, interests=["shoes"])

    def await_fan_out(self, events: int, seconds: float = 60.0) -> None:
        """Wait until so many events were recorded and none of them waits to be fanned out."""
        ids = Event.objects.filter(account=self.account).values("id")

        def all_done() -> bool:
            return ids.count() == events and not Outbox.objects.filter(event_id__in=ids).exists()

        wait_until(all_done, f"{events} events are fanned out", seconds)

    def leave(self) -> None:
        """Have nothing more sent."""
        FeedbackLoop.objects.filter(account=self.account).update(status=LoopStatus.DISABLED)


def set_status(script: Script, status: LoopStatus) -> None:
    """Pause, resume or disable a loop, as staff do."""
    script.loop.status = status
    script.loop.save(update_fields=["status"])


def check_now(script: Script) -> None:
    """Have the verification file looked for, as staff do."""
    script.loop.ask_for_looks(now())
    ring_for_looks([script.loop.pk])
