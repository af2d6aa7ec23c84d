"""What operations may be asked: addresses and bodies. Pure."""

from collections.abc import Mapping
from typing import Any, Final

# A day on which requests are taken: those about moments long past are not.
DAY: Final = "{yesterday}"
NIGHT, THEN = f"{DAY}T00:00:00.000Z", f"{DAY}T09:30:05.482Z"
SOON, LATER = f"{DAY}T09:30:05.497Z", f"{DAY}T09:45:00.000Z"
DATABASE, PROFILE, COLLECTION, SUBPROFILE = 20481, 8801234, 20733, 9120055
LOOP, LOOK, RESEND, FORGETTING = 20417, 9204417, 20031, 20102
MESSAGE: Final = "019d38e3-2a10-7d44-9a31-7c2f10b4e5d6"
EVENT: Final = "019d38ed-d948-7c1e-8f0a-5b6f3e2d1c0b"
DELIVERY: Final = "019d38ed-d948-75b2-b3c4-0d9e8f7a6b51"
ATTEMPT: Final = "019d38ed-d948-7a90-8e21-4c3b2a19f0d7"
TEST: Final = "019d38f2-6c01-7b3d-a5e4-91f2c3d4b5a6"

# By the names in addresses.
PLACES: Final[Mapping[str, Any]] = {
    "database": DATABASE,
    "profile": PROFILE,
    "collection": COLLECTION,
    "subprofile": SUBPROFILE,
    "message": MESSAGE,
    "event": EVENT,
    "loop": LOOP,
    "delivery": DELIVERY,
    "attempt": ATTEMPT,
    "resend": RESEND,
    "test": TEST,
    "forgetting": FORGETTING,
}

URL, CONTACT = "https://shop.example.com/hooks/events.php", "it@shop.example.com"
KEY: Final = "events._domainkey.example.com"
ANN: Final = {"email": "ann@example.com", "firstname": "Ann", "city": "Utrecht"}
_HTML: Final = '<p>Hello Ann, <a href="https://www.example.com/offer">our offer</a></p>'
MAIL: Final = {"recipient": "ann@example.com", "profile": PROFILE, "subject": "Sailing in spring"}
_SMTP: Final = {"code": 250, "extended": "2.0.0", "description": "Ok: queued"}
_CALL: Final = {
    "id": MESSAGE,
    "recipient": "ann@example.com",
    "tags": ["spring"],
    "ip": "192.0.2.10",
    "original": "https://www.example.com/offer",
    "profile": PROFILE,
    "database": DATABASE,
    "fields": ANN,
    "interests": ["sailing"],
}

# By operation. Each is sent by a test as it stands.
BODIES: Final[Mapping[str, Any]] = {
    "create_database": {
        "name": "Readers of the newsletter",
        "on_unsubscribe": "set",
        "unsubscribe_fields": {"newsletter": "no"},
    },
    "change_database": {"consent": "opt-out", "consent_field": "tracking"},
    "upsert_profile": {
        "profiles": [
            {"fields": ANN, "interests": ["sailing"]},
            {"fields": {"email": "bob@example.com", "firstname": "Bob"}},
        ]
    },
    "change_profile": {"fields": {"city": "Delft"}, "interests": ["sailing", "hiking"]},
    "forget_profile": {"everywhere": True},
    "create_collection": {"name": "Bookings"},
    "change_collection": {"name": "Invoices"},
    "create_subprofile": {"collection": COLLECTION, "fields": {"order": "1042", "total": "89.95"}},
    "change_subprofile": {"fields": {"paid": "yes"}},
    "register_message": {**MAIL, "tags": ["spring"], "html": _HTML, "urls": ["https://www.example.com/offer"]},
    "register_messages": {
        "messages": [{"recipient": "ann@example.com"}, {"recipient": "bob@example.com", "tags": ["guest"]}],
        "html": _HTML,
        "tags": ["spring"],
    },
    "record_events": {
        "events": [{"message": MESSAGE, "type": "delivery", "occurred": THEN, "key": "mta-7-184467", "data": _SMTP}]
    },
    "create_loop": {
        "name": "Web shop",
        "url": URL,
        "event_types": ["open", "click", "unsubscribe"],
        "databases": [DATABASE],
        "contact": CONTACT,
    },
    "change_loop": {"only_fields": ["firstname", "city"], "left_out": ["ip"], "rate_limit": 50},
    "set_rsa_key": {"key_id": KEY},
    "send_many_again": {"since": NIGHT, "until": LATER, "states": ["given_up"]},
    "send_test_call": {"event_type": "click", "fields": _CALL},
}
