"""Whether a loop's place is proven; if not, what was seen at each address where the file may stand, and what to do."""

from dataclasses import dataclass
from datetime import datetime
from shlex import quote
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from feedbackloops.admin.sections.visit import Visit
from feedbackloops.door import address_problem
from feedbackloops.models import FeedbackLoop, VerificationLook
from feedbackloops.protocol import challenge
from feedbackloops.protocol.diagnosis import Diagnosis, diagnose
from feedbackloops.protocol.diagnosis.bytes import Received, compare
from feedbackloops.protocol.diagnosis.way import Stop, way_of
from feedbackloops.protocol.place import parse
from feedbackloops.protocol.redirects import script_url
from feedbackloops.protocol.sights import Sight, Station
from feedbackloops.words import verified_words

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

STATIONS: "Final[dict[Station, StrPromise]]" = {
    Station.NAME: _("Name"),
    Station.ADDRESS: _("Address"),
    Station.CONNECTION: _("Connection"),
    Station.CERTIFICATE: _("Certificate"),
    Station.ANSWER: _("Answer"),
    Station.CONTENT: _("Content"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last look at a place came to. `received` is None where there was no content to compare.

    `moved`: the URL that the script would have where a redirect leads, if it can be offered.
    """

    look: VerificationLook
    diagnosis: Diagnosis
    way: "list[tuple[StrPromise, Stop]]"
    received: Received | None
    moved: str


@dataclass(frozen=True, slots=True)
class Place:
    """An address where the file may stand, and what was seen there in the last round; None where it was not tried."""

    url: str
    command: str
    seen: Seen | None


@dataclass(frozen=True, slots=True)
class Verification:
    """Where the file belongs, and what the last round of looks saw there; `is_pending` and `is_overdue` as in Round."""

    words: str
    places: list[Place]
    looked: datetime | None
    is_pending: bool
    is_overdue: bool
    may_change: bool
    expected: str


def verification(visit: Visit) -> Verification:
    """How the verification of the loop's place stands."""
    loop, last = visit.loop, visit.round
    return Verification(
        words=verified_words(loop),
        places=_places(loop, last.looks),
        looked=last.looked,
        is_pending=last.is_pending,
        is_overdue=last.is_overdue,
        may_change=visit.may_change,
        expected=loop.verification_content,
    )


def moved_url(loop: FeedbackLoop, look: VerificationLook) -> str:
    """The URL that the loop could have in place of its own, as a redirect tells; empty where it tells of none."""
    if not 300 <= look.status <= 399:
        return ""
    moved = script_url(loop.url, look.url, look.redirect)
    return moved if moved and not address_problem(moved) else ""


def _places(loop: FeedbackLoop, last: list[VerificationLook]) -> list[Place]:
    at = {look.url: look for look in last}
    places: list[Place] = []
    for url in challenge.locations(loop.url, loop.verification_file):
        offered = {place.seen.moved for place in places if place.seen}
        seen = _seen(loop, at[url], offered) if url in at else None
        places.append(Place(url, f"curl -i {quote(_called(url))}", seen))
    return places


def _called(url: str) -> str:
    """The URL as it is called; as it stands where a program has saved one that can't be."""
    try:
        return parse(url).url
    except ValueError:
        return url


def _seen(loop: FeedbackLoop, look: VerificationLook, offered: set[str]) -> Seen:
    sight = look.sight(loop.verification_content)
    moved = moved_url(loop, look)
    way = [(STATIONS[stop.station], stop) for stop in way_of(sight)]
    return Seen(look, diagnose(sight), way, _received(sight), "" if moved in offered else moved)


def _received(sight: Sight) -> Received | None:
    if sight.status != 200 or sight.failed_at is not Station.CONTENT:
        return None
    return compare(sight.body, sight.expected, truncated=sight.truncated)
