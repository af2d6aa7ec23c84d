from feedbackloops.models.counts import EventCount, LoopHour, OwedCount
from feedbackloops.models.forgetting import Forgetting
from feedbackloops.models.history import Attempt, Delivery, DeliveryState, ParkedEvent, ScriptVersion, Snapshot
from feedbackloops.models.ledger import LedgerDay, LedgerLine
from feedbackloops.models.loops import BodyFormat, FeedbackLoop, LoopStatus
from feedbackloops.models.notices import Notice
from feedbackloops.models.programs import ProgramAct
from feedbackloops.models.resends import Resend
from feedbackloops.models.state import LaneState, StopReason, Told, VerificationLook
from feedbackloops.models.testcalls import Stage, TestCall

__all__ = [
    "Attempt",
    "BodyFormat",
    "Delivery",
    "DeliveryState",
    "EventCount",
    "FeedbackLoop",
    "Forgetting",
    "LaneState",
    "LedgerDay",
    "LedgerLine",
    "LoopHour",
    "LoopStatus",
    "Notice",
    "OwedCount",
    "ParkedEvent",
    "ProgramAct",
    "Resend",
    "ScriptVersion",
    "Snapshot",
    "Stage",
    "StopReason",
    "TestCall",
    "Told",
    "VerificationLook",
]
