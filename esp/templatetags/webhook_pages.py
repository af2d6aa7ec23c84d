"""What the page of an account shows of its webhooks, without the account's app knowing of any."""

from typing import Any

from django import template
from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse

from esp.models import Webhook
from esp.showing import state_of
from profiles.models import Account
from profiles.showing import when

SHOWN = 20

register = template.Library()
register.filter("when", when)
register.filter("webhook_state", state_of)


@register.inclusion_tag("admin/esp/webhook/of_account.html")
def webhooks_of_account(account: Account, user: User | AnonymousUser) -> dict[str, Any]:
    """The webhooks of an account, the newest first, and the way to a new one."""
    if not any(user.has_perm(f"esp.{right}_webhook") for right in ("view", "change")):
        return {"hidden": True}
    found = list(Webhook.objects.filter(account=account)[: SHOWN + 1])
    query = f"account__id__exact={account.pk}"
    return {
        "webhooks": found[:SHOWN],
        "all": f"{reverse('admin:esp_webhook_changelist')}?{query}" if len(found) > SHOWN else "",
        "add": f"{reverse('admin:esp_webhook_add')}?account={account.pk}" if user.has_perm("esp.add_webhook") else "",
    }
