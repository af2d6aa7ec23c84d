"""The pages for loops, deliveries, attempts, parked events and the ledger."""

from feedbackloops.admin import profiles as _profiles  # noqa: F401
from feedbackloops.admin.history import AttemptAdmin, DeliveryAdmin, ParkedEventAdmin
from feedbackloops.admin.ledger import LedgerLineAdmin
from feedbackloops.admin.loops import FeedbackLoopAdmin

__all__ = ["AttemptAdmin", "DeliveryAdmin", "FeedbackLoopAdmin", "LedgerLineAdmin", "ParkedEventAdmin"]
