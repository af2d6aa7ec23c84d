"""Messages, events and what follows from them, blocks and refusals, and mails that nobody could read."""

from tracking.models.events import Event, EventType, HitCount, LinkSeen, Outbox, RecordingEra
from tracking.models.mails import UnreadMail
from tracking.models.messages import SUBJECT_SHOWN, Message, Source
from tracking.models.unseen import Block, Refusal

__all__ = [
    "SUBJECT_SHOWN",
    "Block",
    "Event",
    "EventType",
    "HitCount",
    "LinkSeen",
    "Message",
    "Outbox",
    "RecordingEra",
    "Refusal",
    "Source",
    "UnreadMail",
]
