"""What the page of an account shows of its tokens, without the account's app knowing of any."""

from typing import Any

from django import template
from django.contrib.auth.models import AnonymousUser, User

from api.models import ApiToken
from api.showing import state_of
from profiles.models import Account
from profiles.showing import rows_of_account, when

register = template.Library()
register.filter("when", when)
register.filter("state", state_of)


@register.inclusion_tag("admin/api/apitoken/of_account.html")
def tokens_of_account(account: Account, user: User | AnonymousUser) -> dict[str, Any]:
    """The tokens of an account, the newest first, and the way to a new one."""
    return {"tokens": rows_of_account(ApiToken, account, user)}
