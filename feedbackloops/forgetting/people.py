"""Who is meant, what there is of that person, and the note that it is to go."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from feedbackloops import signals
from feedbackloops.models import Delivery, Forgetting
from feedbackloops.tracing import attempts_of, deliveries_of
from profiles.addresses import normal_address
from profiles.models import Profile, Subprofile
from tracking import partitions
from tracking.models import Event, Message

# Further than that nobody counts before it is confirmed.
MOST_COUNTED = 10_000
_CHANGES: Final = """
SELECT id FROM {table} WHERE account_id = %s AND message_id IS NULL AND type IN ('create', 'update', 'delete')
    AND data -> 'profile' IN (SELECT to_jsonb(unnest(%s::bigint[])))
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient of one account: profiles by number (they may be gone) and addresses in lower case."""

    account: int
    profiles: Sequence[int] = ()
    addresses: Sequence[str] = ()


def person_of(profile: Profile, *, everywhere: bool = False) -> Person:
    """The person of a profile: its number, and its address; `everywhere`: all profiles of the account that have it."""
    if everywhere and profile.address:
        return person_at(profile.address, profile.account_id)
    return Person(profile.account_id, [profile.pk], [profile.address] if profile.address else [])


def person_at(address: str, account: int, database: int | None = None) -> Person:
    """The person with this address: all profiles that have it, in the account or in one database of it."""
    normal = normal_address(address)
    rows = Profile.objects.filter(account_id=account, address=normal)
    if database is not None:
        rows = rows.filter(database_id=database)
    return Person(account, list(rows.order_by("pk").values_list("pk", flat=True)), [normal])


def messages_of(person: Person | Forgetting) -> QuerySet[Message]:
    """The messages to these profiles and addresses, but for those to another profile that has the address, too."""
    profiles, addresses = list(person.profiles), list(person.addresses)
    account = person.account if isinstance(person, Person) else person.account_id
    others = Profile.objects.filter(account_id=account, address__in=addresses).exclude(pk__in=profiles)
    to_address = Q(lowered__in=addresses) & ~Q(profile_id__in=list(others.values_list("pk", flat=True)))
    # NOT IN is unknown of NULL.
    to_nobody = Q(lowered__in=addresses, profile_id=None)
    rows = Message.objects.alias(lowered=Lower("recipient")).filter(account_id=account)
    return rows.filter(Q(profile_id__in=profiles) | to_address | to_nobody).order_by()


def note_addresses(order: Forgetting, mails: Iterable[tuple[str, int | None]]) -> None:
    """Mails (recipient, profile) went to addresses that the profiles had before: those are the person's as well, unless
    somebody else has them. The caller saves."""
    new = {each.lower() for each, profile in mails if profile in order.profiles} - set(order.addresses)
    others = Profile.objects.filter(account=order.account_id, address__in=new).exclude(pk__in=order.profiles)
    order.addresses = [*order.addresses, *sorted(new - set(others.values_list("address", flat=True)))]


def changes_of(order: Forgetting) -> Iterator[list[UUID]]:
    """The events of changes to the profiles, day by day: no index leads to them."""
    tables = [*partitions.existing("tracking_event").values(), "tracking_event_default"]
    for table in tables if order.profiles else ():
        with connection.cursor() as cursor:
            cursor.execute(_CHANGES.format(table=table), [order.account_id, order.profiles])
            yield [id for (id,) in cursor.fetchall()]


def twins_of(person: Person) -> QuerySet[Profile]:
    """Other profiles of the account that have the person's address: they stay."""
    rows = Profile.objects.filter(account_id=person.account, address__in=list(person.addresses))
    return rows.exclude(pk__in=list(person.profiles)).order_by("pk")


def counts_of(person: Person) -> dict[str, int]:
    """How many rows there are to be removed, by what they are; of messages and events no more than MOST_COUNTED."""
    messages = list(messages_of(person).values_list("pk", flat=True)[:MOST_COUNTED])
    events = list(Event.objects.filter(message_id__in=messages).order_by().values_list("pk", flat=True)[:MOST_COUNTED])
    deliveries = deliveries_of(events)
    return {
        "profiles": Profile.objects.filter(pk__in=list(person.profiles), account_id=person.account).count(),
        "subprofiles": Subprofile.objects.filter(profile_id__in=list(person.profiles)).count(),
        "messages": len(messages),
        "events": len(events),
        "deliveries": len(deliveries),
        "pending": Delivery.objects.filter(pk__in=deliveries, state="pending").count(),
        "attempts": len(attempts_of(deliveries)),
    }


def begin(person: Person, by: Any = None) -> Forgetting:
    """Note that the person is to be forgotten; the note that is there already, where it covers all of this person.

    The caller goes on with it, as `ask_for_forgetting` has tasks do. Notes may share an address, so each step can be
    done twice.
    """
    with transaction.atomic():
        known = Forgetting.objects.select_for_update().filter(finished=None, account_id=person.account)
        covering = known.filter(profiles__contains=list(person.profiles), addresses__contains=list(person.addresses))
        if found := covering.first():
            return found
        return Forgetting.objects.create(
            account_id=person.account, profiles=list(person.profiles), addresses=list(person.addresses), asked_by=by
        )


def ask_for_forgetting(person: Person, by: Any = None) -> Forgetting:
    """Have the person forgotten, by tasks, from the moment on that this is committed."""
    order = begin(person, by)
    signals.forgettings_due.send(None, orders=[order.pk])
    return order
