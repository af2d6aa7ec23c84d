"""What became of an event: which loops got it, and why the others did not."""

from dataclasses import dataclass
from typing import Any, Final

from feedbackloops.models import Delivery, FeedbackLoop, ParkedEvent, Snapshot
from feedbackloops.story.makers import Maker, maker_of
from feedbackloops.story.reasons import About, Fate, fates_of
from feedbackloops.tracing import deliveries_of
from feedbackloops.words import LOOPS_WITH_HOLDS
from profiles.models import Profile
from tracking.models import Event, Message, Outbox

LOOPS_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Fates:
    """The fates, those of loops that got it first; `strays` are deliveries of loops that are no longer there."""

    got: list[Fate]
    missed: list[Fate]
    strays: list[Delivery]
    waits: bool
    more: bool


def fates_for(event: Event, user: Any) -> Fates:
    """What became of an event for each loop of its account, by a fixed number of questions."""
    deliveries = list(Delivery.objects.filter(pk__in=deliveries_of([event.pk])).prefetch_related(LOOPS_WITH_HOLDS))
    found = FeedbackLoop.objects.filter(account=event.account_id).select_related("lane").prefetch_related("databases")
    loops = list(found.order_by("name")[: LOOPS_SHOWN + 1])
    about = _about(event)
    shown = loops[:LOOPS_SHOWN]
    known = {loop.pk for loop in shown}
    fates = fates_of(event, shown, deliveries, about)
    return Fates(
        [fate for fate in fates if fate.delivery],
        [fate for fate in fates if not fate.delivery],
        [delivery for delivery in deliveries if delivery.loop_id not in known],
        about.waits,
        len(loops) > LOOPS_SHOWN,
    )


def maker_for(event: Event) -> Maker | None:
    """Who made the event, as far as that was kept."""
    return maker_of(Snapshot.objects.filter(pk=event.pk).values_list("data", flat=True).first())


def _about(event: Event) -> About:
    snapshot = Snapshot.objects.filter(pk=event.pk).values_list("data", flat=True).first()
    waits = Outbox.objects.filter(pk=event.pk).exists()
    is_parked = ParkedEvent.objects.filter(pk=event.pk).exists()
    return About(_database(event, snapshot), waits, is_parked, maker_of(snapshot))


def _database(event: Event, snapshot: dict[str, Any] | None) -> int | None:
    """Where nobody wanted the event nothing of its profile was kept: then the profile as it is now has to do."""
    known = (snapshot or {}).get("database") or event.data.get("database")
    if known or "recipient" in (snapshot or {}) or event.message_id is None:
        return int(known) if known else None
    profile = Message.objects.filter(pk=event.message_id, account=event.account_id).values("profile_id")
    return Profile.objects.filter(pk__in=profile).values_list("database_id", flat=True).first()
