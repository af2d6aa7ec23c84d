"""The pages for loops, deliveries, attempts and parked events."""

from feedbackloops.admin.history import AttemptAdmin, DeliveryAdmin, ParkedEventAdmin
from feedbackloops.admin.loops import FeedbackLoopAdmin

__all__ = ["AttemptAdmin", "DeliveryAdmin", "FeedbackLoopAdmin", "ParkedEventAdmin"]
