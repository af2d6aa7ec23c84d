"""Events as bodies are made of them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from feedbackloops.protocol import payload

EVENT_ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
MESSAGE_ID = UUID("0189f7ea-ae2c-7809-8aeb-b819cf5e9e7f")
AT = datetime(2026, 3, 29, 1, 30, 5, 999_999, tzinfo=UTC)
SNAPSHOT = {
    "id": str(MESSAGE_ID),
    "recipient": "anna@example.com",
    "tags": ["spring", "sale"],
    "profile": 12,
    "database": 3,
    "fields": {"First name": "Anna", "City": ""},
    "interests": ["golf"],
}
SEEN = {"ip": "203.0.113.7", "useragent": "Mail/1.0", "referer": "https://mail.example.com/"}


def event(kind: str, **data: Any) -> payload.EventFacts:
    return payload.EventFacts(EVENT_ID, kind, AT, data, MESSAGE_ID)
