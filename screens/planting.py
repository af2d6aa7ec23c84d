"""Rows of what the demo's day has none of, so that their screens are not empty. Import it when Django is set up."""

from typing import Final

from api.models import ApiToken
from api.tokens import make_token
from profiles.models import Account, Collection, Profile, Subprofile
from tracking.models import UnreadMail

TOKEN: Final = "Web shop"
RETURNED: Final = (
    b"From: MAILER-DAEMON@mx.example.net\r\nTo: bounces@t.example.com\r\nSubject: Undeliverable\r\n"
    b"Date: Fri, 27 Nov 2026 04:10:00 +0000\r\n\r\nThe mail could not be delivered to someone. Ask the postmaster.\r\n"
)
UNREAD: Final = (
    {
        "key": "returned",
        "raw": RETURNED,
        "sender": "MAILER-DAEMON@mx.example.net",
        "subject": "Undeliverable",
        "envelope_to": "bounces@t.example.com",
        "reason": "It names no message that we know.",
    },
    {"key": "broken", "raw": b"\xff\xfe", "reason": "It has no part that we can read."},
)
ORDERS: Final = (
    {"destination": "Terschelling", "nights": "7", "price": "€ 812.50"},
    {"destination": "Zoutelande", "nights": "3", "price": "€ 268.00"},
)


def plant(account: Account) -> None:
    """A token, mails that nobody could read, and the orders of a profile; once, however often it is asked for."""
    if not ApiToken.objects.filter(account=account, name=TOKEN).exists():
        make_token(account, TOKEN, ["events:read", "profiles:write"])
    for facts in UNREAD:
        UnreadMail.objects.get_or_create(key=facts["key"], defaults=facts)
    profile = Profile.objects.filter(database__account=account).order_by("pk")[0]
    orders, made = Collection.objects.get_or_create(database=profile.database, name="Orders")
    for fields in ORDERS if made else ():
        Subprofile.objects.create(profile=profile, collection=orders, fields=fields)
