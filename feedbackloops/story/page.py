"""What a delivery's page shows, in a fixed number of questions however long the history is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from feedbackloops.calls import Contents
from feedbackloops.causes import Cause, cause_of
from feedbackloops.models import Attempt, Delivery, DeliveryState, FeedbackLoop, Snapshot
from feedbackloops.protocol import payload
from feedbackloops.protocol.narrowing import Narrowing
from feedbackloops.story.bodies import BodyShown, body_shown
from feedbackloops.story.makers import Maker, maker_of
from feedbackloops.story.reasons import Reason, reasons_for
from feedbackloops.story.requests import RequestShown, Today, command_for, request_of
from feedbackloops.story.seen import HitShown, cut, hit_of
from feedbackloops.story.trail import Stop, Trail, in_order, stop_of
from feedbackloops.tracing import attempts_of
from profiles.showing import related
from tracking.ids import moment_of
from tracking.models import Event

# A delivery that was sent again and again has more; each of them takes room, and an RSA signature its time.
STOPS_SHOWN: Final = 40
FIELDS_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class Story:
    """A delivery with all that belongs to it. `problem`: why no request can be shown."""

    event: Event | None
    loop: FeedbackLoop | None
    snapshot: dict[str, Any] | None
    hit: HitShown | None
    trail: Trail
    bodies: list[tuple[str, BodyShown]]
    reasons: list[Reason]
    problem: str
    command: str

    @property
    def recipient(self) -> str:
        """The address that the message went to."""
        message = related(self.event, "message") if self.event else None
        return str((self.snapshot or {}).get("recipient") or (message.recipient if message else ""))

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The profile's fields as they stood, as far as there is room."""
        known: dict[str, Any] = (self.snapshot or {}).get("fields") or {}
        return [(name, cut(value)) for name, value in islice(known.items(), FIELDS_SHOWN)]

    @property
    def maker(self) -> Maker | None:
        """Who made the open or the click."""
        return maker_of(self.snapshot)

    @property
    def database(self) -> int | None:
        """The number of the database that the event's profile is in."""
        return _database(self.event, self.snapshot)

    @property
    def last(self) -> Stop | None:
        """The attempt that was made last."""
        return self.trail.stops[0] if self.trail.stops else None

    @property
    def cause(self) -> Cause | None:
        """Why the last attempt failed."""
        return cause_of(self.last.attempt) if self.last else None


def story_of(delivery: Delivery, now: datetime, *, may_send: bool) -> Story:
    """All about a delivery. `may_send`: its reader may have its calls made, and so may have one to make."""
    event = Event.objects.select_related("message").filter(pk=delivery.event_id, account=delivery.account_id).first()
    loop = _loop_of(delivery)
    snapshot = Snapshot.objects.filter(pk=delivery.event_id).first()
    data = snapshot.data if snapshot else None
    attempts = in_order(Attempt.objects.select_related("version").filter(pk__in=attempts_of([delivery.pk])))
    contents = contents_of(event, data)
    today = Today.of(loop)
    requests, problem = _requests(attempts[:STOPS_SHOWN], today, contents)
    return Story(
        event,
        loop,
        data,
        hit_of(event) if event else None,
        _trail(attempts, requests),
        _bodies(requests, loop, contents, problem),
        reasons_for(loop, event, _database(event, data), maker_of(data)) if loop else [],
        problem,
        _command(attempts, today, contents, now) if may_send and not problem else "",
    )


def contents_of(event: Event | None, snapshot: dict[str, Any] | None) -> Contents | None:
    """What calls say of the event; None where it is gone."""
    if event is None:
        return None
    facts = payload.EventFacts(event.pk, event.type, moment_of(event.pk), event.data, event.message_id)
    return Contents(facts, snapshot or {})


def _loop_of(delivery: Delivery) -> FeedbackLoop | None:
    found = FeedbackLoop.objects.select_related("lane").prefetch_related("databases")
    return found.filter(pk=delivery.loop_id, account=delivery.account_id).first()


def _requests(
    attempts: Sequence[Attempt], today: Today | None, contents: Contents | None
) -> tuple[list[RequestShown | None], str]:
    if contents is None:
        return [None] * len(attempts), "gone"
    try:
        if today:
            contents.body(today.script.body_format, today.script.narrowing)
        return [request_of(attempt, today, contents) for attempt in attempts], ""
    except (TypeError, ValueError) as error:
        return [None] * len(attempts), str(error)


def _trail(attempts: Sequence[Attempt], requests: Sequence[RequestShown | None]) -> Trail:
    earlier = [*attempts[1:], None]
    made = zip(attempts, earlier, requests, strict=False)
    stops = [
        stop_of(attempt, before, request, is_open=number == 0) for number, (attempt, before, request) in enumerate(made)
    ]
    return Trail(stops, max(0, len(attempts) - STOPS_SHOWN))


def _bodies(
    requests: Sequence[RequestShown | None], loop: FeedbackLoop | None, contents: Contents | None, problem: str
) -> list[tuple[str, BodyShown]]:
    """The body in each format that was sent, the newest first; in the one that is to be sent, where none was."""
    if contents is None or problem:
        return []
    now = [(str(loop.body_format), Narrowing.of(loop.only_fields, loop.left_out))] if loop else []
    written = [(request.body_format, request.narrowing) for request in requests if request] or now
    return [(each[0], _body(contents, *each)) for each in dict.fromkeys(written)]


def _body(contents: Contents, body_format: str, narrowing: Narrowing | None) -> BodyShown:
    return body_shown(contents.body(body_format, narrowing)[1], contents.fields(), body_format, narrowing)


def _command(attempts: Sequence[Attempt], today: Today | None, contents: Contents | None, now: datetime) -> str:
    if today is None or contents is None:
        return ""
    return command_for(attempts[0] if attempts else None, today, contents, now)


def _database(event: Event | None, snapshot: dict[str, Any] | None) -> int | None:
    known = (snapshot or {}).get("database") or (event.data.get("database") if event else None)
    return int(known) if known else None


def is_waiting(delivery: Delivery) -> bool:
    """Whether attempts are to follow."""
    return delivery.state == DeliveryState.PENDING
