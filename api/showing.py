"""How the dashboard shows tokens. Template tags use it, so it stays clear of unfold."""

from django.utils.timezone import now
from django.utils.translation import gettext as _

from api.models import ApiToken
from profiles.showing import NOTHING, badge, when


def state_of(token: ApiToken) -> str:
    """Whether the token is good, as a badge."""
    if token.revoked:
        return badge(_("revoked %(when)s") % {"when": when(token.revoked)}, "danger")
    if not token.is_valid(now()):
        return badge(_("expired"), "warning")
    return badge(_("good"), "success") if token.pk else NOTHING
