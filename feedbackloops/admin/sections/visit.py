"""What every part of a loop's page is gathered for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

from feedbackloops.models import FeedbackLoop

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True, slots=True)
class Visit:
    """Who looks at which loop, and when. `may_change`: whether the loop may be changed by whoever looks."""

    request: HttpRequest
    loop: FeedbackLoop
    now: datetime
    may_change: bool

    def may_see(self, model: str) -> bool:
        """Whether rows of this model of ours, such as "delivery", are shown to whoever looks."""
        return any(self.request.user.has_perm(f"feedbackloops.{right}_{model}") for right in ("view", "change"))


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
