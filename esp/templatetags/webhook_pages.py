"""What the pages of accounts and events show of webhooks, without their apps knowing of any."""

from typing import Any, Final

from django import template
from django.contrib.auth.models import AnonymousUser, User
from django.utils.html import format_html_join

from esp.models import SOURCE, Webhook
from esp.showing import state_of
from profiles.models import Account
from profiles.showing import link, rows_of_account, when
from tracking.models import Event

# An old event says no more than which ESP told of it: an account has few webhooks of one.
SHOWN: Final = 5

register = template.Library()
register.filter("when", when)
register.filter("webhook_state", state_of)


@register.inclusion_tag("admin/esp/webhook/of_account.html")
def webhooks_of_account(account: Account, user: User | AnonymousUser) -> dict[str, Any]:
    """The webhooks of an account, the newest first, and the way to a new one."""
    return {"webhooks": rows_of_account(Webhook, account, user)}


@register.simple_tag
def webhooks_of_event(event: Event, user: User | AnonymousUser) -> str:
    """A link to the webhook that told of the event; where the event names none, to all of the account that may have.

    "" for other events, and who may see none.
    """
    source = event.data.get("source")
    if not isinstance(source, str) or not source.startswith(SOURCE):
        return ""
    if not any(user.has_perm(f"esp.{right}_webhook") for right in ("view", "change")):
        return ""
    found = Webhook.objects.filter(account=event.account_id, esp=source.removeprefix(SOURCE))
    found = found.filter(pk=number) if (number := event.data.get("webhook")) else found
    return format_html_join(", ", "{}", ((link(Webhook, each.pk, each),) for each in found[:SHOWN]))
