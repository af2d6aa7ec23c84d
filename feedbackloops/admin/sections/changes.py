"""What was done to a loop, and who was told of it."""

from dataclasses import dataclass

from feedbackloops.admin.sections.visit import Visit
from feedbackloops.models import Notice

NOTICES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Changes:
    """The last mails about a loop, the newest first."""

    notices: list[Notice]


def changes(visit: Visit) -> Changes:
    """What was last done to the loop."""
    return Changes(list(visit.loop.notices.all()[:NOTICES_SHOWN]))
