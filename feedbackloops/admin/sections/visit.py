"""What every part of a loop's page is gathered for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest
from django.utils.timezone import localtime

from feedbackloops import resending
from feedbackloops.admin.sections.rounds import Round, round_of
from feedbackloops.counting import HOUR, Counts, counts_of, hour_of
from feedbackloops.models import Delivery, DeliveryState, FeedbackLoop, TestCall

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

DAYS_SHOWN: Final = 7


@dataclass(frozen=True)
class Visit:
    """Who looks at which loop, and when. `may_change`: whether the loop may be changed by whoever looks.

    What several parts of the page tell of is asked of PostgreSQL once.
    """

    request: HttpRequest
    loop: FeedbackLoop
    now: datetime
    may_change: bool

    def may_see(self, model: str) -> bool:
        """Whether rows of this model of ours, such as "delivery", are shown to whoever looks."""
        return any(self.request.user.has_perm(f"feedbackloops.{right}_{model}") for right in ("view", "change"))

    @cached_property
    def waiting(self) -> int | None:
        """How many deliveries wait; None where there are more than resending.MOST_COUNTED."""
        return resending.count(Delivery.objects.filter(loop=self.loop, state=DeliveryState.PENDING))

    @cached_property
    def round(self) -> Round:
        """The last round of looks for the verification file."""
        return round_of(self.loop, self.now)

    @cached_property
    def test_calls(self) -> list[TestCall]:
        """The loop's test calls, as many as are kept, the newest first, without what was sent and answered."""
        return list(TestCall.objects.of(self.loop))

    @cached_property
    def counts(self) -> Mapping[datetime, Counts]:
        """What was counted since the start of the sixth day before today, by hour (UTC)."""
        start = localtime(self.now).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS_SHOWN - 1)
        return counts_of([self.loop.pk], hour_of(start), hour_of(self.now) + HOUR)[self.loop.pk]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its anchor, which is also the name of its template, its heading, and what it shows.

    `gather` gives None where the part is of no use to whoever looks: it is then left out, with its heading.
    """

    name: str
    title: "str | StrPromise"
    gather: Callable[[Visit], Any]

    @property
    def template(self) -> str:
        return f"admin/feedbackloops/feedbackloop/sections/_{self.name}.html"


@dataclass(frozen=True, slots=True)
class Shown:
    """A section with what was gathered for it."""

    section: Section
    data: Any
