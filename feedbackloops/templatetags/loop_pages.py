"""What the pages of events and profiles show of feedback loops, without their apps knowing of any."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext

from feedbackloops.durations import seconds, short_time
from feedbackloops.looplines import lines_of
from feedbackloops.models import Delivery, FeedbackLoop, ParkedEvent
from feedbackloops.protocol import payload
from feedbackloops.story.answers import answer_shown
from feedbackloops.story.event import Fates, fates_for, maker_for
from feedbackloops.story.makers import Maker, label_shown
from feedbackloops.story.seen import HitShown, hit_of
from feedbackloops.words import attempt_words, due_words, notice_words, resend_words
from profiles.models import Account, Database, Profile
from profiles.showing import fields_shown, link, related, related_link, when
from tracking.models import Event
from tracking.persons import persons_of

LINES_SHOWN = 20

register = template.Library()
register.filter("when", when)
register.filter("related", related_link)
register.filter("fields_shown", fields_shown)
register.filter("seconds", seconds)
register.filter("short_time", short_time)
register.filter("answer_shown", answer_shown)
register.filter("attempt_words", attempt_words)
register.filter("progress", resend_words)
register.filter("fate", notice_words)


@register.filter
def due(delivery: Delivery) -> str:
    """When the next attempt is due, or what holds it back."""
    return due_words(delivery, related(delivery, "loop"), now())


@register.filter
def unholdable(names: Iterable[str]) -> list[str]:
    """The field names that a form body leaves out, as people can see them."""
    return [name or gettext("(the empty name)") for name in payload.unholdable(names)]


@register.simple_tag
def profile_link(number: int) -> str:
    """A link to the profile of this number."""
    return link(Profile, number, number)


@register.simple_tag
def database_link(number: int) -> str:
    """A link to the database of this number."""
    return link(Database, number, number)


@register.simple_tag
def recipient_of(event: Event) -> str:
    """Whom an event is about: the address that its message went to, or its profile."""
    return persons_of([event])[event.pk]


@register.simple_tag
def seen_of(event: Event) -> HitShown:
    """What was seen when the event happened."""
    return hit_of(event)


@register.simple_tag
def made_by(event: Event) -> Maker | None:
    """Who made an open or a click."""
    return maker_for(event)


@register.filter
def maker(verdict: str) -> str:
    """A verdict as a badge."""
    return label_shown(verdict)


@register.simple_tag
def fates(event: Event, user: User | AnonymousUser) -> Fates | None:
    """What became of an event for each loop of its account; None for those who may not see deliveries."""
    return fates_for(event, user) if _may_see(user, "delivery") else None


@register.simple_tag
def parked(event: Event, user: User | AnonymousUser) -> ParkedEvent | None:
    """Why the event could not be fanned out, if so."""
    return ParkedEvent.objects.filter(pk=event.pk).first() if _may_see(user, "parkedevent") else None


def _may_see(user: User | AnonymousUser, model: str) -> bool:
    return any(user.has_perm(f"feedbackloops.{right}_{model}") for right in ("view", "change"))


@register.inclusion_tag("admin/feedbackloops/feedbackloop/lines.html")
def loops_of_account(account: Account, user: User | AnonymousUser) -> dict[str, Any]:
    """The loops of an account, and how they go."""
    return _lines(FeedbackLoop.objects.filter(account=account), f"account__id__exact={account.pk}", user)


@register.inclusion_tag("admin/feedbackloops/feedbackloop/lines.html")
def loops_of_database(database: Database, user: User | AnonymousUser) -> dict[str, Any]:
    """The loops that get events of a database: those that name it, and those of its account that name none."""
    wanted = Q(databases=database) | Q(databases=None)
    loops = FeedbackLoop.objects.filter(wanted, account_id=database.account_id)
    return _lines(loops, f"account__id__exact={database.account_id}", user)


def _lines(loops: QuerySet[FeedbackLoop], query: str, user: User | AnonymousUser) -> dict[str, Any]:
    if not _may_see(user, "feedbackloop"):
        return {"hidden": True}
    found = list(loops.select_related("account", "lane").order_by("name")[: LINES_SHOWN + 1])
    all_of_them = f"{reverse('admin:feedbackloops_feedbackloop_changelist')}?{query}"
    return {"lines": lines_of(found[:LINES_SHOWN], now()), "more": len(found) > LINES_SHOWN, "all": all_of_them}
