"""Why a loop got an event, and why the account's other loops did not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from feedbackloops.models import Delivery, FeedbackLoop, LoopStatus
from feedbackloops.story.makers import Maker
from feedbackloops.words import lane_of
from profiles.models import Database
from profiles.showing import when
from tracking.models import Event
from tracking.verdicts.rules import Verdict


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence on one condition. `still`: whether it holds as the loop is set now; None where that says nothing."""

    words: str
    still: bool | None = True


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an event for one loop: its delivery, or why there is none."""

    loop: FeedbackLoop
    delivery: Delivery | None
    words: str


def reasons_for(
    loop: FeedbackLoop, event: Event | None, database: int | None, maker: Maker | None = None
) -> list[Reason]:
    """Why the loop got the event, whose profile was in this database; by how the loop is set now."""
    return [
        *([_of_type(loop, event)] if event else []),
        *([_of_maker(loop, maker)] if maker and loop.people_only else []),
        _of_database(loop, database),
        _of_place(loop),
    ]


def _of_type(loop: FeedbackLoop, event: Event) -> Reason:
    label = event.get_type_display().lower()
    if event.type in loop.event_types:
        return Reason(_("It asks for events of the type “%(type)s”.") % {"type": label})
    words = _("It asked for events of the type “%(type)s” when this one came; it no longer does.")
    return Reason(words % {"type": label}, still=False)


def _of_maker(loop: FeedbackLoop, maker: Maker) -> Reason:
    if maker.verdict is Verdict.MACHINE:
        return Reason(_("It took what machines do then; it is for people only now."), still=False)
    return Reason(_("It is for people only, and no machine made this event."))


def _of_database(loop: FeedbackLoop, database: int | None) -> Reason:
    chosen = list(loop.databases.all())
    if not chosen:
        return Reason(_("It takes events of every database, and those about no profile."))
    if name := next((each.name for each in chosen if each.pk == database), None):
        return Reason(_("It takes events of the database “%(name)s”, to which the profile belongs.") % {"name": name})
    return Reason(_("It took events of the profile's database then; it no longer does."), still=False)


def _of_place(loop: FeedbackLoop) -> Reason:
    if loop.is_verified:
        return Reason(_("Its place is verified, since %(when)s.") % {"when": when(loop.verified)})
    return Reason(_("Its place was verified then; its URL leads to another one now."), still=False)


def fates_of(
    event: Event, loops: Sequence[FeedbackLoop], deliveries: Collection[Delivery], about: "About"
) -> list[Fate]:
    """What became of the event for each loop of its account; those that got it first."""
    by_loop = {delivery.loop_id: delivery for delivery in deliveries}
    fates = [
        Fate(loop, by_loop.get(loop.pk), "" if loop.pk in by_loop else why_not(loop, event, about)) for loop in loops
    ]
    return sorted(fates, key=lambda fate: (fate.delivery is None, fate.loop.name.lower()))


@dataclass(frozen=True, slots=True)
class About:
    """What is known of an event besides its row. `waits`: no fan-out has had it yet; `is_parked`: one has failed."""

    database: int | None
    waits: bool = False
    is_parked: bool = False
    maker: Maker | None = None


def why_not(loop: FeedbackLoop, event: Event, about: About) -> str:
    """Why the loop did not get the event, as far as that can be told from how it is set now."""
    if loop.created > event.recorded:
        return _("It was made later, on %(when)s.") % {"when": when(loop.created)}
    if event.type not in loop.event_types:
        return _("It does not ask for events of the type “%(type)s”.") % {"type": event.get_type_display().lower()}
    if loop.people_only and about.maker and about.maker.verdict is Verdict.MACHINE:
        return _("It is for people only, and a machine made this event.")
    if words := _wrong_database(list(loop.databases.all()), about.database):
        return words
    if words := _not_open(loop, event.recorded):
        return words
    if about.is_parked:
        return _("It would get it, but the event is parked: see above.")
    if about.waits:
        return _("It gets it as soon as the event is handed out, which takes a moment.")
    if loop.modified > event.recorded:
        words = _("As it is set now, it would get it. It was changed on %(when)s, after this event: see its history.")
        return words % {"when": when(loop.modified)}
    return _("As it is set now, it would get it: it must have been stopped, or not verified, when the event came.")


def _wrong_database(chosen: Sequence[Database], database: int | None) -> str:
    if not chosen or any(each.pk == database for each in chosen):
        return ""
    names = ", ".join(f"“{each.name}”" for each in chosen[:3]) + (" …" if len(chosen) > 3 else "")
    if database is None:
        return _("It takes events of %(names)s only, and this one is about no profile.") % {"names": names}
    return _("It takes events of %(names)s only; the profile belongs to another database.") % {"names": names}


def _not_open(loop: FeedbackLoop, moment: datetime) -> str:
    if not loop.verified_place:
        return _("It was never verified: until its file was seen, nothing is kept for it.")
    if loop.verified and loop.verified > moment:
        return _("It was verified on %(when)s, after this event.") % {"when": when(loop.verified)}
    if loop.status == LoopStatus.DISABLED:
        return _("It is disabled: nothing new is kept for it.")
    lane = lane_of(loop)
    if lane.stopped and lane.stopped <= moment:
        return _("It had stopped by itself on %(when)s.") % {"when": when(lane.stopped)}
    return ""
