from feedbackloops.models.counts import LoopHour, OwedCount
from feedbackloops.models.history import Attempt, Delivery, DeliveryState, ParkedEvent, Snapshot
from feedbackloops.models.loops import BodyFormat, FeedbackLoop, LoopStatus
from feedbackloops.models.state import LaneState, StopReason, VerificationLook

__all__ = [
    "Attempt",
    "BodyFormat",
    "Delivery",
    "DeliveryState",
    "FeedbackLoop",
    "LaneState",
    "LoopHour",
    "LoopStatus",
    "OwedCount",
    "ParkedEvent",
    "Snapshot",
    "StopReason",
    "VerificationLook",
]
