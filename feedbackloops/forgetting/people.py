"""Who is meant, what there is of that person, and the note that it is to go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from feedbackloops import signals
from feedbackloops.models import Delivery, Forgetting
from feedbackloops.tracing import attempts_of, deliveries_of
from profiles.addresses import normal_address
from profiles.models import Profile, Subprofile
from tracking.models import Event, Message

# Further than that nobody counts before it is confirmed.
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient of one account: profiles by number (they may be gone) and addresses in lower case."""

    account: int
    profiles: Sequence[int] = ()
    addresses: Sequence[str] = ()


def person_of(profile: Profile) -> Person:
    """The person of a profile: its number, and its address."""
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


def twins_of(person: Person) -> list[int]:
    """Other profiles of the account that have the person's address: they stay."""
    rows = Profile.objects.filter(account_id=person.account, address__in=list(person.addresses))
    return list(rows.exclude(pk__in=list(person.profiles)).order_by("pk").values_list("pk", flat=True))


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

    The caller goes on with it, as `have_forgotten` has tasks do. Notes may share an address, so each step can be done
    twice.
    """
    with transaction.atomic():
        known = Forgetting.objects.select_for_update().filter(finished=None, account_id=person.account)
        covering = known.filter(profiles__contains=list(person.profiles), addresses__contains=list(person.addresses))
        if found := covering.first():
            return found
        return Forgetting.objects.create(
            account_id=person.account, profiles=list(person.profiles), addresses=list(person.addresses), asked_by=by
        )


def have_forgotten(person: Person, by: Any = None) -> Forgetting:
    """Have the person forgotten, by tasks, from the moment on that this is committed."""
    order = begin(person, by)
    signals.forgettings_due.send(None, orders=[order.pk])
    return order
