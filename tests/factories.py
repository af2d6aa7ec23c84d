"""Rows for tests, made the way the project makes them."""

from collections.abc import Sequence
from itertools import count
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from feedbackloops import testcalls
from feedbackloops.fanout import fan_out
from feedbackloops.models import FeedbackLoop, TestCall
from profiles.models import Account, Collection, Database, Profile, Subprofile
from tracking.ids import new_id
from tracking.models import Message
from tracking.store import EventRow, store_events

_numbers = count(1)


def make_account(name: str = "Acme") -> Account:
    return Account.objects.create(name=f"{name} {next(_numbers)}")


def make_database(account: Account | None = None, name: str = "Customers") -> Database:
    return Database.objects.create(account=account or make_account(), name=f"{name} {next(_numbers)}")


def make_profile(database: Database | None = None, **fields: str) -> Profile:
    return Profile.objects.create(database=database or make_database(), fields=fields, interests=["shoes"])


def make_collection(database: Database | None = None, name: str = "Orders") -> Collection:
    return Collection.objects.create(database=database or make_database(), name=f"{name} {next(_numbers)}")


def make_subprofile(profile: Profile, collection: Collection | None = None, **fields: str) -> Subprofile:
    collection = collection or make_collection(profile.database)
    return Subprofile.objects.create(profile=profile, collection=collection, fields=fields)


def make_message(profile: Profile | None = None, account: Account | None = None, **values: Any) -> Message:
    owner = profile.account if profile else account or make_account()
    return Message.objects.create(**{"account": owner, "profile": profile, "recipient": "ann@example.com"} | values)


def make_loop(account: Account, **values: Any) -> FeedbackLoop:
    """A loop whose place is not verified yet."""
    defaults = {
        "name": f"Loop {next(_numbers)}",
        "url": "https://example.com/hooks/script.php",
        "event_types": ["open", "click"],
    }
    return FeedbackLoop.objects.create(account=account, **defaults | values)


def make_verified_loop(account: Account, **values: Any) -> FeedbackLoop:
    """A loop whose place counts as proven."""
    loop = make_loop(account, **values)
    loop.verified_place = loop.place
    loop.save(update_fields=["verified_place"])
    return loop


def make_test_call(loop: FeedbackLoop, sender: User | None = None, **wanted: Any) -> TestCall:
    """A test call that was made."""
    call = testcalls.begin(loop, sender, **wanted)
    testcalls.make(call.pk)
    call.refresh_from_db()
    return call


def make_events(message: Message, number: int = 1, type: str = "open", **data: Any) -> list[UUID]:
    """Events that wait for their fan-out."""
    rows = [EventRow(new_id(), type, message.account_id, message.pk, {"ip": "192.0.2.1"} | data) for _ in range(number)]
    store_events(rows)
    return [row.id for row in rows]


def owe(message: Message, number: int = 1, **data: Any) -> Sequence[UUID]:
    """Events that were fanned out."""
    ids = make_events(message, number, **data)
    fan_out(ids)
    return ids
