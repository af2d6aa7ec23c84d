"""Calls to a receiver, signed as ours are."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import requests

from feedbackloops.protocol import payload, signing
from feedbackloops.protocol.payload import EventFacts

SECRET = "whsec_" + "A" * 32
EVENT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OPEN = EventFacts(EVENT, "open", NOW, {"ip": "192.0.2.1"}, EVENT)
SNAPSHOT = {"recipient": "zoë@example.com", "tags": ["a", "b & c"], "profile": 1, "database": 2, "fields": {"ü": "1"}}
POST = {
    "type": "open",
    "timestamp": "2026-01-02 03:04:05",
    "time": "1767323045",
    "event": str(EVENT),
    "id": str(EVENT),
    "recipient": "zoë@example.com",
    "tags": ["a", "b & c"],
    "ip": "192.0.2.1",
    "profile": "1",
    "database": "2",
    "fields": {"ü": "1"},
}
# Loops' own servers never stand behind a proxy that this machine's environment names.
session = requests.Session()
session.trust_env = False


def call(url: str, *, secret: str = SECRET, as_json: bool = False, now: datetime | None = None) -> dict[str, Any]:
    """What a delivery of ours is, for requests.post()."""
    fields = payload.build(OPEN, SNAPSHOT)
    content_type = payload.JSON_TYPE if as_json else payload.FORM_TYPE
    body = payload.json_body(fields) if as_json else payload.form(fields)
    request = signing.SignedRequest(url, content_type, body, str(EVENT), 7, 2, (signing.decode_secret(secret),))
    headers = signing.headers(request, now=now or datetime.now(UTC), nonce="1", user_agent="Test/1")
    return {"url": url, "data": body, "headers": dict(headers)}
