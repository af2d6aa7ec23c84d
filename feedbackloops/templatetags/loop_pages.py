"""What the pages of events and profiles show of feedback loops, without their apps knowing of any."""

from collections.abc import Iterable

from django import template
from django.contrib.auth.models import AnonymousUser, User
from django.utils.timezone import now

from feedbackloops.models import Delivery, ParkedEvent
from feedbackloops.protocol import payload
from feedbackloops.tracing import deliveries_of
from feedbackloops.words import (
    LOOPS_WITH_HOLDS,
    attempt_words,
    due_words,
    notice_words,
    readable,
    resend_words,
    seconds,
)
from profiles.showing import related, related_link, when
from tracking.models import Event

register = template.Library()
register.filter("when", when)
register.filter("related", related_link)
register.filter("seconds", seconds)
register.filter("readable", readable)
register.filter("attempt_words", attempt_words)
register.filter("progress", resend_words)
register.filter("fate", notice_words)


@register.filter
def due(delivery: Delivery) -> str:
    """When the next attempt is due, or what holds it back."""
    return due_words(delivery, related(delivery, "loop"), now())


@register.filter
def columns(titles: str) -> list[str]:
    """The titles of a table's columns, written with bars between them."""
    return titles.split("|")


@register.filter
def unholdable(names: Iterable[str]) -> list[str]:
    """The field names that a form body leaves out, as people can see them."""
    return [name or "(the empty name)" for name in payload.unholdable(names)]


@register.simple_tag
def owed_for(event: Event, user: User | AnonymousUser) -> list[Delivery] | None:
    """The deliveries of an event; None for those who may not see deliveries."""
    if not _may_see(user, "delivery"):
        return None
    return list(Delivery.objects.filter(pk__in=deliveries_of([event.pk])).prefetch_related(LOOPS_WITH_HOLDS))


@register.simple_tag
def parked(event: Event, user: User | AnonymousUser) -> ParkedEvent | None:
    """Why the event could not be fanned out, if so."""
    return ParkedEvent.objects.filter(pk=event.pk).first() if _may_see(user, "parkedevent") else None


def _may_see(user: User | AnonymousUser, model: str) -> bool:
    return any(user.has_perm(f"feedbackloops.{right}_{model}") for right in ("view", "change"))
