"""The pages for loops, deliveries, attempts, parked events, the ledger, and people who are forgotten."""

from feedbackloops.admin import profiles as _profiles  # noqa: F401
from feedbackloops.admin.forgetting import ForgettableProfileAdmin, ForgettingAdmin
from feedbackloops.admin.history import AttemptAdmin, DeliveryAdmin, ParkedEventAdmin
from feedbackloops.admin.ledger import LedgerLineAdmin
from feedbackloops.admin.loops import FeedbackLoopAdmin

__all__ = [
    "AttemptAdmin",
    "DeliveryAdmin",
    "FeedbackLoopAdmin",
    "ForgettableProfileAdmin",
    "ForgettingAdmin",
    "LedgerLineAdmin",
    "ParkedEventAdmin",
]
