"""How far a loop has come on its way to its first call."""

from dataclasses import dataclass

from feedbackloops.admin.sections.visit import Visit
from feedbackloops.models import Attempt


@dataclass(frozen=True, slots=True)
class Steps:
    """What has been tried before the first event."""

    test_call: Attempt | None


def steps(visit: Visit) -> Steps | None:
    """The last test call, once one can be made."""
    test_call = Attempt.objects.filter(loop=visit.loop, delivery=None).order_by("-id").first()
    return Steps(test_call) if visit.loop.is_verified or test_call else None
