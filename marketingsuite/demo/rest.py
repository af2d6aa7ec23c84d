"""The other types of events: what mail servers and providers tell of mails, and what becomes of profiles."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils.timezone import now

from marketingsuite.demo.customer import Customer
from marketingsuite.demo.receiver import VALID, Received
from marketingsuite.demo.stage import DemoError, Stage
from marketingsuite.demo.story import TrackedMail
from profiles.models import Collection, Profile, Subprofile
from tracking.ids import moment_of, new_id
from tracking.messages import register
from tracking.models import Event, EventType
from tracking.outside import record_reports
from tracking.reports import Report

COLLECTION: Final = "Walks booked"
NOBODY: Final = "gone@example.org"
_RETURNED: Final = b"From: postmaster@example.org\r\nSubject: Undelivered mail\r\n\r\nNo such user here.\r\n"
_COMPLAINT: Final = b"From: feedback@example.net\r\nSubject: Complaint\r\n\r\nSomebody pressed Spam.\r\n"
_LABEL_WIDTH: Final = 22


@dataclass(frozen=True, slots=True)
class Told:
    """An event that the script is to be told of: its id and what it is called."""

    event: UUID
    label: str


def tell_the_rest(stage: Stage, customer: Customer, mail: TrackedMail) -> list[Received]:
    """Have one event of each type happen that no hit makes, and see each arrive, a line for each. Raises DemoError."""
    with stage.printer.step("the rest") as step:
        told = [*_of_mails(customer, mail), *_of_profiles(customer)]
        step.say(f"what servers tell of mails, and changes of profiles: {len(told)} events more")
    stage.printer.line()
    posts = _arriving(stage, {str(each.event): each for each in told})
    stage.printer.line()
    return posts


def _of_mails(customer: Customer, mail: TrackedMail) -> list[Told]:
    """What is told of the mail that was read, and of one to an address that is not there."""
    lost = register(customer.account, NOBODY).message.pk
    refused = {"code": 550, "extended": "5.1.1", "description": "No such user here"}
    facts: list[tuple[EventType, UUID, dict[str, Any]]] = [
        (EventType.DELIVERY, mail.message, {"code": 250, "extended": "2.0.0", "description": "Ok: queued"}),
        (EventType.ABUSE, mail.message, {"emailfrom": customer.address, "mime": _COMPLAINT}),
        (EventType.FAILURE, lost, refused | {"state": "rcpt"}),
        (EventType.BOUNCE, lost, {"mime": _RETURNED}),
    ]
    account, moment = customer.account.pk, now()
    reports = [Report(type.value, account, message, moment, "demo", data, "demo") for type, message, data in facts]
    record_reports(reports)
    return [Told(report.event, report.type) for report in reports]


def _of_profiles(customer: Customer) -> list[Told]:
    """A profile that comes, changes and goes, and a subprofile of it."""
    since = new_id()
    collection, _ = Collection.objects.get_or_create(database=customer.database, name=COLLECTION)
    profile = Profile.objects.create(
        database=customer.database, fields={"email": "new@example.com", "first name": "Noor"}
    )
    number = profile.pk
    profile.fields = profile.fields | {"phone": "+31 20 765 43 21"}
    profile.save()
    subprofile = Subprofile.objects.create(profile=profile, collection=collection, fields={"walk": "Dunes"})
    subprofile.fields = {"walk": "Dunes", "paid": "yes"}
    subprofile.save()
    subprofile.delete()
    profile.delete()
    rows = Event.objects.filter(pk__gt=since, account=customer.account, data__profile=number).order_by("pk")
    return [Told(row.pk, f"{row.type} of a {'subprofile' if 'subprofile' in row.data else 'profile'}") for row in rows]


def _arriving(stage: Stage, waited_for: dict[str, Told]) -> list[Received]:
    came: list[Received] = []

    def is_all_there() -> bool:
        for post in stage.inbox.new():
            if told := waited_for.pop(post.event, None):
                stage.printer.line(_line(told, post), "good" if _ok(post) else "bad")
                came.append(post)
        return not waited_for

    stage.wait_for(is_all_there)
    if problems := _problems(came, list(waited_for.values())):
        raise DemoError("; ".join(problems) + "." + stage.log_ends("events", "worker"))
    return came


def _problems(came: Sequence[Received], missing: Sequence[Told]) -> list[str]:
    unsigned = [
        f"the POST of the {post.type} has a signature that is {post.signature}" for post in came if not _ok(post)
    ]
    return [f"no POST came for the {told.label}" for told in missing] + unsigned


def _ok(post: Received) -> bool:
    return post.signature == VALID


def _line(told: Told, post: Received) -> str:
    milliseconds = round((post.received_at - moment_of(told.event).timestamp()) * 1000)
    when = time.strftime("%H:%M:%S", time.localtime(post.received_at))
    checks = f"attempt {post.attempt} · signature {post.signature} · digest {post.digest}"
    return f"  {told.label:<{_LABEL_WIDTH}} {when} · {milliseconds} ms later · {checks}"
