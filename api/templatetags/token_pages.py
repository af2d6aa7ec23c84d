"""What the page of an account shows of its tokens, without the account's app knowing of any."""

from typing import Any

from django import template
from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse

from api.models import ApiToken
from api.showing import state_of
from profiles.models import Account
from profiles.showing import when

SHOWN = 20

register = template.Library()
register.filter("when", when)
register.filter("state", state_of)


@register.inclusion_tag("admin/api/apitoken/of_account.html")
def tokens_of_account(account: Account, user: User | AnonymousUser) -> dict[str, Any]:
    """The tokens of an account, the newest first, and the way to a new one."""
    if not any(user.has_perm(f"api.{right}_apitoken") for right in ("view", "change")):
        return {"hidden": True}
    found = list(ApiToken.objects.filter(account=account)[: SHOWN + 1])
    query = f"account__id__exact={account.pk}"
    return {
        "tokens": found[:SHOWN],
        "all": f"{reverse('admin:api_apitoken_changelist')}?{query}" if len(found) > SHOWN else "",
        "add": f"{reverse('admin:api_apitoken_add')}?account={account.pk}" if user.has_perm("api.add_apitoken") else "",
    }
