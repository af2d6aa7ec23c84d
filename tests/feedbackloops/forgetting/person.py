"""A person of whom every table knows something, and a stranger beside, of whom the same is known."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.utils.timezone import now

from api.models import KeptAnswer
from api.tokens import make_token
from feedbackloops.fanout import fan_out
from feedbackloops.forgetting.work import go_on
from feedbackloops.models import (
    Attempt,
    Delivery,
    FeedbackLoop,
    Forgetting,
    LaneState,
    Notice,
    ParkedEvent,
    TestCall,
    VerificationLook,
)
from profiles.models import Account, Database, Profile
from tests.factories import make_account, make_database, make_message, make_profile, make_subprofile, make_verified_loop
from tracking.ids import derived_id, new_id
from tracking.linksseen import Head, note_heads
from tracking.models import Message, Outbox, UnreadMail
from tracking.store import EventRow, store_events

ALL_TYPES = ["click", "open", "bounce", "unsubscribe", "create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody of whom much is known."""

    address: str
    profile: Profile
    messages: list[Message]

    @property
    def needles(self) -> list[str]:
        """What must not be found of a person who was forgotten."""
        return [
            self.address.partition("@")[0],
            *(str(message.pk) for message in self.messages),
            *(each.pk.hex for each in self.messages),
        ]


def account_with_loop() -> tuple[Account, Database, FeedbackLoop]:
    account = make_account()
    return account, make_database(account), make_verified_loop(account, event_types=ALL_TYPES)


def know(database: Database, loop: FeedbackLoop, address: str) -> Known:
    """Somebody with rows in every table that can name a person."""
    profile = make_profile(database, email=address)
    make_subprofile(profile, None, item=f"for {address}")
    profile.fields |= {"city": "Oss"}
    profile.save()
    old = make_message(profile, recipient=address.upper(), subject=f"Dear {address}")
    by_address = make_message(account=database.account, recipient=address)
    known = Known(address, profile, [old, by_address])
    for message in known.messages:
        _events(message, address)
    fan_out([each.event_id for each in Outbox.objects.all()])
    _late(old, address)
    for delivery in Delivery.objects.filter(event__message__in=known.messages):
        _attempt(delivery, address)
    _beside(known, loop)
    return known


def forget(order: Forgetting) -> Forgetting:
    """Go on with it to the end, which no call under way delays."""
    for _ in range(200):
        if not go_on(order.pk):
            break
    order.refresh_from_db()
    return order


def texts_of_everything() -> str:
    """All that all tables hold, but for bare ids that lead to nobody."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = current_schema()::regnamespace"
        )
        tables = [name for (name,) in cursor.fetchall()]
        rows = [_rows(cursor, table) for table in tables if table != "tracking_refusal"]
    return "\n".join(rows)


def _rows(cursor: Any, table: str) -> str:
    cursor.execute(f"SELECT * FROM {table}")
    shown = [[bytes(value) if isinstance(value, memoryview) else value for value in row] for row in cursor.fetchall()]
    return f"{table}: {shown}"


def _events(message: Message, address: str) -> None:
    bounce = {"mime": f"To: <{address}>\nhello", "envelope": "x@example.net"}
    rows: list[tuple[str, dict[str, Any]]] = [
        ("open", {"ip": "192.0.2.1"}),
        ("click", {"link": 1, "original": "https://example.com"}),
        ("bounce", bounce),
    ]
    store_events([EventRow(new_id(), type, message.account_id, message.pk, data) for type, data in rows])
    note_heads([Head(message.pk, 3, 1, "192.0.2.1")])


def _late(message: Message, address: str) -> UUID:
    """An event that waits for its fan-out, and one that is parked."""
    ids = [new_id(), new_id()]
    store_events([EventRow(id, "open", message.account_id, message.pk, {"ip": "192.0.2.9"}) for id in ids])
    Outbox.objects.filter(pk=ids[1]).delete()
    ParkedEvent.objects.create(event_id=ids[1], error=f"No fan-out for {address}")
    return ids[0]


def _attempt(delivery: Delivery, address: str) -> None:
    facts = {"account_id": delivery.account_id, "loop_id": delivery.loop_id, "number": 1, "outcome": "rejected"}
    said = f"no such customer: {address}".encode()
    Attempt.objects.create(id=derived_id(delivery.pk, 1), delivery=delivery, started=now(), answer=said, **facts)


def _beside(known: Known, loop: FeedbackLoop) -> None:
    address, message = known.address, known.messages[0]
    TestCall.objects.create(
        id=new_id(), loop=loop, event_type="open", fields={"recipient": address}, asked=now(), ended=now()
    )
    Notice.objects.create(loop=loop, recipients=["shop@example.com"], subject="", body=f"It said: no {address}!")
    LaneState.objects.filter(loop=loop).update(last_trouble=f"no {address}")
    VerificationLook.objects.create(loop=loop, url="https://example.com/", found=False, message=f"<{address}>")
    UnreadMail.objects.create(key=f"{message.pk.hex}", raw=f"Subject: x\nFrom: {address}".encode(), sender=address)
    token = make_token(loop.account, "CRM", ["profiles:write"]).token
    kept = [f'{{"id": "{message.pk}"}}', f'{{"items":[{{"id":{known.profile.pk},"action":"create"}}]}}']
    for number, body in enumerate(kept):
        KeptAnswer.objects.create(token=token, key=str(number), request=b"x", status=200, body=body.encode())
    user, _ = User.objects.get_or_create(username="eve")
    events = Delivery.objects.filter(event__message=message)
    LogEntry.objects.log_actions(user.pk, [known.profile, message, *events], CHANGE, "Looked.")
    LogEntry.objects.log_actions(user.pk, [loop], CHANGE, f"Asked {address} about it.")
