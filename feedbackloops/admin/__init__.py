"""The pages for loops, deliveries, attempts and parked events."""

from feedbackloops.admin import profiles as _profiles  # noqa: F401
from feedbackloops.admin.history import AttemptAdmin, DeliveryAdmin, ParkedEventAdmin
from feedbackloops.admin.loops import FeedbackLoopAdmin

__all__ = ["AttemptAdmin", "DeliveryAdmin", "FeedbackLoopAdmin", "ParkedEventAdmin"]
