"""Customers that put the site to the test: people with 20 fields and a mail each, loops whose place counts as proven.

Import it when Django is set up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

from django.db import transaction

from feedbackloops.fanout import fan_out
from feedbackloops.models import Delivery, DeliveryState, FeedbackLoop, LaneState, LoopStatus
from feedbackloops.protocol.place import place_of
from profiles.models import Account, Database, Profile
from tracking.ids import new_id
from tracking.messages import TrackedMessage, register
from tracking.models import Event, EventType, Outbox
from tracking.store import EventRow, store_events

AT_ONCE = 500
TARGETS = ("https://shop.example.com/spring/shoes?size=42", "https://shop.example.com/account/preferences")
BROWSER = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)
FIELDS = {
    "salutation": "Ms",
    "firstname": "Anna Katharina",
    "lastname": "van der Meulen-Jansen",
    "email": "anna.vandermeulen@example.com",
    "street": "Prinsengracht 263, third floor",
    "postcode": "1016 GV",
    "city": "Amsterdam",
    "country": "Netherlands",
    "language": "nl-NL",
    "birthday": "1984-05-17",
    "telephone": "+31 20 555 0123",
    "company": "Meulen & Zonen Schoenen B.V.",
    "customer_number": "NL-2019-0048213",
    "customer_since": "2019-03-02 10:14:55",
    "segment": "loyal, buys in the sales",
    "last_order": "2025-11-03 19:42:10",
    "orders": "27",
    "total_spent": "1894.35",
    "preferred_store": "Amsterdam, Kalverstraat 12",
    "newsletter": "weekly and before sales",
}


@dataclass(frozen=True, slots=True)
class Customer:
    """An account with what was made for it. `urls`: the pixel and two links of each mail, on the site's web process."""

    account: Account
    loops: list[FeedbackLoop]
    mails: list[TrackedMessage] = field(repr=False)

    @property
    def urls(self) -> list[str]:
        """What its people ask for when each opens the mail and clicks twice."""
        return [url for mail in self.mails for url in (mail.pixel_url, *mail.link_urls)]

    @property
    def loop(self) -> FeedbackLoop:
        """Its only loop."""
        (loop,) = self.loops
        return loop

    def event_rows(self, number: int) -> list[EventRow]:
        """New opens and clicks, as the web process would store them (with the data that a browser's hit has)."""
        return [self._event_row(mail) for mail in islice(cycle(self.mails), number)]

    def owe(self, number: int) -> None:
        """Have so many events stored and fanned out by this process, in sets: each loop owes each of them.

        Nobody is rung; `ring_for_lanes` does that.
        """
        for start in range(0, number, AT_ONCE):
            rows = self.event_rows(min(AT_ONCE, number - start))
            store_events(rows)
            fan_out([row.id for row in rows])

    def set_status(self, status: LoopStatus) -> None:
        """Set the status of all its loops, in one statement."""
        FeedbackLoop.objects.filter(account=self.account).update(status=status)

    def events(self) -> int:
        """How many opens and clicks are recorded. Counts rows, as all below: keep it out of what is measured."""
        return Event.objects.filter(account=self.account, type__in=[EventType.OPEN, EventType.CLICK]).count()

    def deliveries(self, state: DeliveryState) -> int:
        """How many deliveries of its loops are in this state."""
        return Delivery.objects.filter(loop__in=self.loops, state=state).count()

    def has_pending(self) -> bool:
        """Whether any delivery waits; cheap enough to be asked time and again."""
        return Delivery.objects.filter(loop__in=self.loops, state=DeliveryState.PENDING).order_by().exists()

    def _event_row(self, mail: TrackedMessage) -> EventRow:
        data = {"ip": "203.0.113.7", "useragent": BROWSER, "original": TARGETS[0], "link": 1}
        return EventRow(new_id(), EventType.CLICK, self.account.pk, mail.message.pk, data)


def customer(name: str, scripts: Sequence[str], *, people: int = 20, in_flight_limit: int = 20) -> Customer:
    """A customer with one loop for opens and clicks for each script (URL), and a mail to each of its people."""
    with transaction.atomic():
        account = Account.objects.create(name=name)
        mails = _mails(account, people)
        loops = _loops([(account, script) for script in scripts], in_flight_limit)
        _forget_events([account])
    return Customer(account, loops, mails)


def customers(name: str, scripts: Sequence[str], *, in_flight_limit: int = 20) -> list[Customer]:
    """A customer of its own for each script, with one loop and one person: for rows with many quiet loops."""
    with transaction.atomic():
        accounts = Account.objects.bulk_create(Account(name=f"{name} {number}") for number in range(len(scripts)))
        loops = _loops(list(zip(accounts, scripts, strict=True)), in_flight_limit)
        made = [Customer(account, [loop], _mails(account, 1)) for account, loop in zip(accounts, loops, strict=True)]
        _forget_events(accounts)
    return made


def _mails(account: Account, people: int) -> list[TrackedMessage]:
    database = Database.objects.create(account=account, name="Customers")
    return [_mail(database, number) for number in range(people)]


def _mail(database: Database, number: int) -> TrackedMessage:
    fields = FIELDS | {"customer_number": f"NL-2019-{number:07}"}
    person = Profile.objects.create(database=database, fields=fields, interests=["shoes", "sales"])
    return register(
        database.account, f"anna{number}@example.com", profile=person, tags=["spring", "newsletter"], urls=TARGETS
    )


def _loops(owners: Sequence[tuple[Account, str]], in_flight_limit: int) -> list[FeedbackLoop]:
    """Loops made in a set, past the signals of saving: nobody is rung, and no file is looked for."""
    loops = FeedbackLoop.objects.bulk_create(
        FeedbackLoop(
            account=account,
            name=f"{number} {script}",
            url=script,
            event_types=[EventType.OPEN, EventType.CLICK],
            in_flight_limit=in_flight_limit,
            place=place_of(script),
            verified_place=place_of(script),
        )
        for number, (account, script) in enumerate(owners)
    )
    LaneState.objects.bulk_create(LaneState(loop=loop) for loop in loops)
    return loops


def _forget_events(accounts: Iterable[Account]) -> None:
    """The events of making the profiles are not what is measured."""
    made = Event.objects.filter(account__in=accounts)
    Outbox.objects.filter(event_id__in=list(made.values_list("pk", flat=True))).delete()
    made.delete()
