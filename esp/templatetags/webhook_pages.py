"""What the page of an account shows of its webhooks, without the account's app knowing of any."""

from typing import Any

from django import template
from django.contrib.auth.models import AnonymousUser, User

from esp.models import Webhook
from esp.showing import state_of
from profiles.models import Account
from profiles.showing import rows_of_account, when

register = template.Library()
register.filter("when", when)
register.filter("webhook_state", state_of)


@register.inclusion_tag("admin/esp/webhook/of_account.html")
def webhooks_of_account(account: Account, user: User | AnonymousUser) -> dict[str, Any]:
    """The webhooks of an account, the newest first, and the way to a new one."""
    return {"webhooks": rows_of_account(Webhook, account, user)}
