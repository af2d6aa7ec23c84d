"""How fast a loop is called at most."""

from feedbackloops.admin.sections.visit import Visit
from feedbackloops.models import FeedbackLoop


def limits(visit: Visit) -> FeedbackLoop:
    """The loop has its limits."""
    return visit.loop
