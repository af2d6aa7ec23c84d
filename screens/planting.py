"""Rows of what the demo's day has none of, so that their screens are not empty. Import it when Django is set up."""

from base64 import b64encode
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.test import Client
from django.utils.timezone import now

from api.models import ApiToken
from api.tokens import make_token
from esp.models import Webhook
from feedbackloops.models import Forgetting
from profiles.models import Account, Collection, Database, Profile, Subprofile
from tracking.mailin import take_mail
from tracking.models import Block, Message

TOKEN: Final = "Web shop"
ORDERS: Final = (
    {"destination": "Terschelling", "nights": "7", "price": "€ 812.50"},
    {"destination": "Zoutelande", "nights": "3", "price": "€ 268.00"},
)
BLOCKED: Final = (
    ("target", "voucher-winner.example.net", "Phishing: reported by two recipients"),
    ("target", "https://shop.example.com/offers/2025/", "These offers have ended"),
)
FORGOTTEN: Final = {"profiles": 1, "messages": 14, "events": 31, "deliveries": 52, "attempts": 58, "subprofiles": 2}
ANSWER: Final = """Hello,

is the night train to Aarhus still running in March?

Kind regards,
Klaas Jansen
"""
REPORT: Final = """This is the mail server of mx.example.net.

Your mail could not be delivered:

<jobs@example.org>: mx.example.org answered: 550 5.1.1 User unknown
"""
ENVELOPE: Final = "bounces@t.example.com"


def plant(account: Account) -> None:
    """What no day of the demo's has; once, however often it is asked for."""
    if ApiToken.objects.filter(account=account, name=TOKEN).exists():
        return
    make_token(account, TOKEN, ["events:read", "profiles:write"])
    for kind, value, reason in BLOCKED:
        Block.objects.get_or_create(kind=kind, value=value, defaults={"reason": reason})
    for mail in _unread():
        take_mail(bytes(mail), [ENVELOPE])
    profile = Profile.objects.filter(database__account=account).order_by("pk")[0]
    newsletter = Database.objects.create(account=account, name="Newsletter")
    Profile.objects.create(database=newsletter, fields={"email": profile.address})
    orders = Collection.objects.create(database=profile.database, name="Orders")
    for fields in ORDERS:
        Subprofile.objects.create(profile=profile, collection=orders, fields=fields)
    Forgetting.objects.create(account=account, stage="done", removed=FORGOTTEN, finished=now())
    _connect(account)


def _unread() -> list[EmailMessage]:
    """An answer of a person to a mail, and a report about somebody else's."""
    answer = _mail("k.jansen@example.nl", "Re: Where to go when it rains", "answer-1")
    answer.set_content(ANSWER)
    report = _mail("mailer-daemon@mx.example.net", "Undelivered Mail Returned to Sender", "report-1")
    report.set_content(REPORT)
    return [answer, report]


def _mail(sender: str, subject: str, name: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, ENVELOPE, subject
    mail["Date"], mail["Message-ID"] = format_datetime(now()), f"<{name}@mx.example.net>"
    return mail


def _connect(account: Account) -> None:
    """Two ESPs: one that tells of mails of the day, and one whose key is missing yet."""
    postmark = Webhook.objects.create(account=account, esp="postmark", name="Newsletters")
    login = b64encode(postmark.login.encode()).decode()
    for told in _told(account):
        _post(postmark, told, Authorization=f"Basic {login}")
    _post(Webhook.objects.create(account=account, esp="sendgrid", name="Bookings"), [])


def _told(account: Account) -> Iterator[dict[str, Any]]:
    """Deliveries, and a complaint, as Postmark tells of them."""
    moment = now().strftime("%Y-%m-%dT%H:%M:%SZ")
    for message in Message.objects.filter(account=account).order_by("-id")[:5]:
        about = {"MessageID": str(message.pk), "Metadata": {"suite_message": str(message.pk)}}
        taken = {"RecordType": "Delivery", "Recipient": message.recipient, "DeliveredAt": moment}
        yield about | taken | {"Details": "smtp;250 2.0.0 OK"}
    yield about | {
        "RecordType": "SpamComplaint",
        "Type": "SpamComplaint",
        "Email": message.recipient,
        "BouncedAt": moment,
    }


def _post(webhook: Webhook, told: Any, **headers: str) -> None:
    path = urlsplit(webhook.url).path
    Client(SERVER_NAME="localhost").post(path, told, content_type="application/json", headers=headers)
