"""A loop's deliveries, and those that were sent again."""

from dataclasses import dataclass

from feedbackloops.admin.again import RIGHT
from feedbackloops.admin.sections.visit import Visit
from feedbackloops.models import Resend

RESENDS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What was sent again last, and whether whoever looks may do that."""

    resends: list[Resend]
    may_resend: bool


def deliveries(visit: Visit) -> Deliveries:
    """The last resends, the newest first."""
    return Deliveries(list(visit.loop.resends.all()[:RESENDS_SHOWN]), visit.request.user.has_perm(RIGHT))
