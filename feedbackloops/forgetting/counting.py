"""What forgetting a person would remove, counted to the end: as much is read, and nothing changed."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from feedbackloops.forgetting.needles import patterns
from feedbackloops.forgetting.owning import is_own_line
from feedbackloops.forgetting.people import Person, changes_of, messages_of, note_addresses
from feedbackloops.forgetting.removing import acts_on
from feedbackloops.forgetting.traces import acts_on_person, count_traces
from feedbackloops.models import Forgetting, ParkedEvent, Snapshot
from feedbackloops.tracing import attempts_of, deliveries_of
from profiles.models import Profile, Subprofile
from tracking.models import Event, LinkSeen
from tracking.spoolclearing import count_in_spool

AT_ONCE: Final = 1000
T = TypeVar("T")


def foresee(person: Person, spool: Path) -> dict[str, int]:
    """How many rows would be removed or cleared by now, by kind (forgetting.words); kinds of which there are none are
    left out.

    Takes as long as the tables are large, in statements of their own. Raises OSError where the spool can't be read.
    """
    order = _as_order(person)
    wanted = list(patterns(order.addresses, order.messages))
    events = [*_in_sets(_events_of, order.messages), *chain.from_iterable(changes_of(order))]
    deliveries = list(_in_sets(deliveries_of, events))
    attempts = list(_in_sets(attempts_of, deliveries))
    acts = {*_in_sets(_acts_on, [*events, *deliveries, *attempts]), *acts_on_person(order).values_list("pk", flat=True)}
    counted = Counter(
        profiles=Profile.objects.filter(pk__in=order.profiles, account=order.account_id).count(),
        subprofiles=Subprofile.objects.filter(profile_id__in=order.profiles, account=order.account_id).count(),
        messages=len(order.messages),
        events=len(events),
        deliveries=len(deliveries),
        attempts=len(attempts),
        snapshots=_number(Snapshot.objects.all(), "id", events),
        parked=_number(ParkedEvent.objects.all(), "event_id", events),
        links=_number(LinkSeen.objects.all(), "message_id", order.messages),
        acts=len(acts),
        spooled=count_in_spool(spool, lambda line: is_own_line(line, order, wanted)),
    )
    counted += count_traces(order, wanted, [*events, *attempts], acts)
    return dict(counted)


def _as_order(person: Person) -> Forgetting:
    """As the order stands once all messages are found; it is not stored."""
    order = Forgetting(account_id=person.account, profiles=list(person.profiles), addresses=list(person.addresses))
    known = -1
    while known < len(order.addresses):
        known = len(order.addresses)
        found = list(messages_of(order).values_list("pk", "recipient", "profile_id"))
        note_addresses(order, ((recipient, profile) for _, recipient, profile in found))
    order.messages = [id for id, _, _ in found]
    return order


def _in_sets(step: Callable[[Sequence[UUID]], Collection[T]], ids: Sequence[UUID]) -> Iterator[T]:
    for start in range(0, len(ids), AT_ONCE):
        yield from step(ids[start : start + AT_ONCE])


def _events_of(messages: Sequence[UUID]) -> list[UUID]:
    return list(Event.objects.filter(message_id__in=messages).order_by().values_list("pk", flat=True))


def _acts_on(ids: Sequence[UUID]) -> list[int]:
    return list(acts_on(ids).values_list("pk", flat=True))


def _number(rows: QuerySet[Any], column: str, ids: Sequence[UUID]) -> int:
    return sum(_in_sets(lambda some: [rows.filter(**{f"{column}__in": some}).order_by().count()], ids))
