"""One account with a row of every kind, each text of which can be told from those of any other account."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import models
from django.utils.timezone import now

from access.models import Reach
from api.models import ApiToken
from api.tokens import make_token
from esp.models import Webhook
from feedbackloops import resending, testcalls
from feedbackloops.models import (
    Attempt,
    Delivery,
    FeedbackLoop,
    Forgetting,
    LaneState,
    LedgerLine,
    Notice,
    ParkedEvent,
    Resend,
    Snapshot,
    TestCall,
    VerificationLook,
)
from profiles.models import Account, Collection, Database, Profile, Subprofile
from tests.factories import (
    make_account,
    make_database,
    make_loop,
    make_message,
    make_profile,
    make_subprofile,
    make_verified_loop,
    owe,
)
from tracking.ids import derived_id
from tracking.models import Block, Event, Message, UnreadMail


@dataclass(frozen=True, slots=True)
class Planted:
    """The account, the text that stands in all of its rows, and the ids of its rows by model."""

    account: Account
    marker: str
    rows: dict[type[models.Model], list[Any]]

    @property
    def part(self) -> str:
        """A part of the marker: pages write again what was searched for."""
        return self.marker[: len(self.marker) // 2]

    @property
    def uuids(self) -> list[str]:
        """The ids that can't be mistaken for a number of something else."""
        return [str(id) for ids in self.rows.values() for id in ids if len(str(id)) == 36]

    def state(self) -> dict[str, list[dict[str, Any]]]:
        """All that the database holds of the rows."""
        return {
            model._meta.label: list(model._base_manager.filter(pk__in=ids).order_by("pk").values())
            for model, ids in self.rows.items()
        }


def plant(marker: str) -> Planted:
    """An account with a row of every model that has a page, each marked."""
    account = make_account(marker)
    database = make_database(account)
    profile = make_profile(database, **{marker: marker})
    subprofile = make_subprofile(profile, None, **{marker: marker})
    verified, fresh = make_verified_loop(account, name=f"{marker} 1"), make_loop(account, name=f"{marker} 2")
    message = make_message(profile, recipient=f"{marker}@example.com", tags=[marker])
    events = owe(message, 2, useragent=marker)
    deliveries = Delivery.objects.filter(event_id__in=events)
    attempts = [_attempt(delivery) for delivery in deliveries]
    rows: dict[type[models.Model], list[Any]] = {
        Account: [account.pk],
        Database: [database.pk],
        Profile: [profile.pk],
        Collection: [subprofile.collection_id],
        Subprofile: [subprofile.pk],
        Message: [message.pk],
        Event: list(events),
        FeedbackLoop: [verified.pk, fresh.pk],
        LaneState: [verified.pk, fresh.pk],
        VerificationLook: [VerificationLook.objects.create(loop=each, found=False).pk for each in (verified, fresh)],
        Snapshot: list(events),
        Delivery: [delivery.pk for delivery in deliveries],
        Attempt: [attempt.pk for attempt in attempts],
        ParkedEvent: [ParkedEvent.objects.create(event_id=events[0], error=marker).pk],
        LedgerLine: [_ledger_line(verified).pk],
        Notice: [Notice.objects.create(loop=verified, recipients=[f"{marker}@example.com"], subject="", body="").pk],
        TestCall: [_test_call(verified).pk],
        Resend: [resending.begin(verified, now(), now(), ["given_up"]).pk],
        Forgetting: [Forgetting.objects.create(account=account, left={marker: 1}, removed={marker: 1}).pk],
        ApiToken: [make_token(account, marker, ["events:read"]).token.pk],
        Webhook: [Webhook.objects.create(account=account, esp="postmark").pk],
        Block: [Block.objects.create(kind="account", value=str(account.pk), reason=marker).pk],
        UnreadMail: [UnreadMail.objects.create(key=marker, raw=marker.encode()).pk],
        User: [_colleague(account, marker).pk],
    }
    for model, ids in rows.items():
        _mark(model, ids, marker)
    return Planted(account, marker, rows)


def remember_acts(user: User, planted: Planted) -> None:
    """Entries in the log of what this user did to the rows, in the days when they were shown."""
    for model, ids in planted.rows.items():
        chosen = list(model._base_manager.filter(pk__in=ids))
        LogEntry.objects.log_actions(user.pk, chosen, CHANGE, planted.marker)
    LogEntry.objects.filter(user=user).update(object_repr=planted.marker)


def _colleague(account: Account, marker: str) -> User:
    user = User.objects.create_user(marker, f"{marker}@example.com", first_name=marker, is_staff=True)
    Reach.objects.create(user=user).accounts.add(account)
    return user


def _attempt(delivery: Delivery) -> Attempt:
    facts = {"account_id": delivery.account_id, "loop_id": delivery.loop_id, "number": 1, "outcome": "rejected"}
    return Attempt.objects.create(id=derived_id(delivery.pk, 1), delivery=delivery, started=now(), **facts)


def _test_call(loop: FeedbackLoop) -> TestCall:
    call = testcalls.begin(loop)
    call.end(now(), outcome="rejected", headers=[["webhook-test", "1"]])
    return call


def _ledger_line(loop: FeedbackLoop) -> LedgerLine:
    numbers = {"owed": 2, "delivered": 1, "pending": 0, "given_up": 0, "cancelled": 0}
    return LedgerLine.objects.create(day=now().date(), loop=loop, account=loop.account, counted=now(), **numbers)


def _mark(model: type[models.Model], ids: list[Any], marker: str) -> None:
    """Put the marker into every text of the rows; their id goes with it where texts have to differ."""
    texts = [field for field in model._meta.concrete_fields if _is_text(field)]
    for row in model._base_manager.filter(pk__in=ids):
        values = {field.name: f"{marker}-{row.pk}"[: field.max_length] for field in texts}
        if values:
            models.QuerySet.update(model._base_manager.filter(pk=row.pk), **values)


def _is_text(field: Any) -> bool:
    # What has a form keeps it, so that the rows can be saved again.
    if isinstance(field, models.EmailField) or field.name in ("url", "tracking_url", "value"):
        return False
    return isinstance(field, models.CharField | models.TextField) and not field.choices and not field.primary_key
