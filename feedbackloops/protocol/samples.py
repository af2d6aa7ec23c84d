"""What a test call says: an event of each type about nobody (names of RFC 2606, addresses of RFC 5737)."""

from typing import Any, Final

_SEEN: Final = {
    "ip": "192.0.2.10",
    "useragent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
# Of opens and clicks only; the others have no such fields.
_MADE_BY: Final[dict[str, Any]] = {
    "first": 1,
    "verdict": "human",
    "reasons": ["browser"],
    "client": "Firefox 140",
    "os": "Linux",
}
_PERSON: Final[dict[str, Any]] = {
    # No profile and no database has this number.
    "profile": 0,
    "database": 0,
    "fields": {"firstname": "Ann", "city": "Málaga"},
    "interests": ["shoes"],
}
_TIMES: Final = {"created": "2026-01-02 03:04:05", "modified": "2026-01-02 03:04:05"}
_MAIL: Final = "From: mailer@example.net\r\nSubject: Returned mail\r\n\r\nThis is a sample.\r\n"

SNAPSHOT: Final[dict[str, Any]] = {"recipient": "ann@example.com", "tags": ["sample"], **_PERSON, **_MADE_BY}

# By type: what the event itself knows.
FACTS: Final[dict[str, dict[str, Any]]] = {
    "click": {**_SEEN, "original": "https://www.example.com/offer", "link": 2},
    "open": dict(_SEEN),
    "delivery": {"code": 250, "extended": "2.0.0", "description": "Ok: queued"},
    "failure": {"code": 550, "extended": "5.1.1", "description": "No such user", "action": "failed", "state": "rcpt"},
    "bounce": {"envelope": "bounce@example.net", "mime": _MAIL},
    "abuse": {"emailfrom": "ann@example.com", "mime": _MAIL},
    "unsubscribe": dict(_SEEN),
    "create": {**_PERSON, "parameters": {"firstname": "Ann"}, **_TIMES},
    "update": {**_PERSON, "parameters": {"city": "Málaga"}, **_TIMES},
    "delete": dict(_PERSON),
}
# The same three of a subprofile.
OF_SUBPROFILE: Final[dict[str, Any]] = {
    "profile": 0,
    "subprofile": 0,
    "collection": 0,
    "database": 0,
    "fields": {"order": "1042", "total": "89.95"},
}
ABOUT_PROFILES: Final = frozenset({"create", "update", "delete"})
