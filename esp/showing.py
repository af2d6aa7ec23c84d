"""How the dashboard shows webhooks. Template tags use it, so it stays clear of unfold."""

from django.utils.translation import gettext as _

from esp.models import Webhook
from profiles.showing import badge


def state_of(webhook: Webhook) -> str:
    """How the webhook stands, as a badge: what is to be done for it first, else whether it is called."""
    if not webhook.is_ready:
        return badge(_("its key is missing"), "warning")
    if webhook.confirm_url:
        return badge(_("to be confirmed"), "warning")
    if webhook.problem_since and (webhook.last_call is None or webhook.problem_since >= webhook.last_call):
        return badge(_("last call failed"), "danger")
    return badge(_("called"), "success") if webhook.last_call else badge(_("not called yet"), "info")
