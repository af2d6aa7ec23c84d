"""How the dashboard shows webhooks. Template tags use it, so it stays clear of unfold."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from esp.models import Webhook
from profiles.showing import NOTHING, badge, when

# No index knows what told of an event: of a week, they are found soon.
LATELY: Final = timedelta(days=7)


def events_words(webhook: Webhook) -> str:
    """How many events it has told of, and the ways to those of the last week: its own, and all of its provider's.

    Events that were recorded before webhooks were noted name the provider only.
    """
    if not webhook.recorded:
        return "0"
    words = _("Show all that %(esp)s told") % {"esp": webhook.provider.label}
    own = _events_link(webhook, {"data__webhook": webhook.pk}, _("Show those of the last 7 days"))
    every = _events_link(webhook, {"data__source": webhook.source}, words)
    return format_html("{} {} · {}", f"{webhook.recorded:,}", own, every)


def _events_link(webhook: Webhook, told: dict[str, Any], words: str) -> str:
    since = f"{localtime() - LATELY:%Y-%m-%d}"
    wanted = {"account__id__exact": webhook.account_id, **told, "occurred_from_0": since}
    url = f"{reverse('admin:tracking_event_changelist')}?{urlencode(wanted)}"
    return format_html('<a class="text-link" href="{}">{}</a>', url, words)


def state_of(webhook: Webhook) -> str:
    """How the webhook stands, as a badge: what is to be done for it first, else whether it is called."""
    if not webhook.is_ready:
        return badge(_("its key is missing"), "warning")
    if webhook.confirm_url:
        return badge(_("to be confirmed"), "warning")
    if webhook.is_refusing:
        return badge(_("last call failed"), "danger")
    if webhook.problem_since and webhook.problem_since == webhook.last_call:
        return badge(_("not all of the last call was kept"), "warning")
    return badge(_("called"), "success") if webhook.last_call else badge(_("not called yet"), "info")


def last_call_words(webhook: Webhook) -> str:
    """When it was called last, and what came of that."""
    if webhook.last_tried is None:
        return NOTHING
    if webhook.is_refusing:
        return format_html("{}: {} {}", when(webhook.last_tried), _("refused."), _(webhook.problem))
    return f"{when(webhook.last_tried)}: {_('taken')}"


def choices_words(webhook: Webhook) -> str:
    """Where the address goes in the provider's console, and the events to choose there."""
    return render_to_string("admin/esp/webhook/choices.html", {"provider": webhook.provider})
