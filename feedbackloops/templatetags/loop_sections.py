"""What the sections of a loop's page write in a way of their own."""

from datetime import datetime

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from feedbackloops.models import Delivery, DeliveryState
from feedbackloops.protocol.sentences import Sentence
from feedbackloops.words import Kind, Standing
from profiles.showing import badge, short_when

SHADES = {
    Kind.OK: "text-green-700 dark:text-green-400",
    Kind.WAITING: "text-blue-700 dark:text-blue-400",
    Kind.TROUBLE: "text-orange-700 dark:text-orange-400",
}

register = template.Library()
register.filter("short", short_when)


@register.filter
def said(sentence: Sentence) -> str:
    """A sentence of the pure parts, in the viewer's language, with days as the viewer writes them."""
    return _(sentence.text) % {name: _day(value) for name, value in sentence.values}


def _day(value: object) -> object:
    return date_format(localtime(value), "j M Y") if isinstance(value, datetime) else value


@register.filter
def typed(moment: datetime | None) -> str:
    """A moment in the viewer's zone, as the value of an input of type datetime-local."""
    return f"{localtime(moment):%Y-%m-%dT%H:%M:%S}" if moment else ""


@register.filter
def grouped(number: int) -> str:
    """A number with its thousands apart."""
    return f"{number:,}"


@register.filter
def stands(delivery: Delivery) -> str:
    """Where a delivery stands, and how its last attempt ended where that says more."""
    badges = {
        DeliveryState.DELIVERED: (_("Delivered"), "success"),
        DeliveryState.GIVEN_UP: (_("Given up"), "danger"),
        DeliveryState.CANCELLED: (_("Cancelled"), ""),
        DeliveryState.PENDING: (_("Retrying"), "warning") if delivery.outcome else (_("Waiting"), "info"),
    }
    label = badge(*badges[DeliveryState(delivery.state)])
    failed = delivery.outcome and delivery.state != DeliveryState.DELIVERED
    return format_html("{} <span>{}</span>", label, delivery.get_outcome_display()) if failed else label


@register.filter
def in_colour(standing: Standing) -> SafeString:
    """What becomes of a loop's events, in the colour of how well it goes."""
    return format_html('<span class="{}">{}</span>', SHADES[standing.kind], standing.words)
