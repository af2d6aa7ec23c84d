"""What the dashboard looks like, and where its menu leads: the settings of the theme (django-unfold)."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _page(title: Any, icon: str, model: str) -> dict[str, Any]:
    app, name = model.split("_")

    def may_see(request: Any) -> bool:
        return any(request.user.has_perm(f"{app}.{right}_{name}") for right in ("view", "change"))

    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist"), "permission": may_see}


UNFOLD = {
    "SITE_TITLE": "Marketing Suite",
    "SITE_HEADER": "Marketing Suite",
    "SITE_SUBHEADER": _("Feedback loops"),
    "SITE_SYMBOL": "forward_to_inbox",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("marketingsuite/favicon.svg")}
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [
        lambda request: static("marketingsuite/dashboard.css"),
        lambda request: static("marketingsuite/charts.css"),
        lambda request: static("marketingsuite/search.css"),
    ],
    "SCRIPTS": [
        lambda request: static("marketingsuite/timezone.js"),
        lambda request: static("marketingsuite/search.js"),
        lambda request: static("marketingsuite/names.js"),
    ],
    "LOGIN": {"form": "staff.forms.LoginForm"},
    "ACCOUNT": {
        "navigation": [
            {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
            {"title": _("Second factor"), "link": reverse_lazy("admin:second_factor")},
        ],
    },
    "SIDEBAR": {
        "navigation": [
            {
                "title": _("Feedback loops"),
                "items": [
                    _page(_("Loops"), "sync_alt", "feedbackloops_feedbackloop"),
                    _page(_("Deliveries"), "outbox", "feedbackloops_delivery"),
                    _page(_("Attempts"), "call_made", "feedbackloops_attempt"),
                    _page(_("Parked events"), "report", "feedbackloops_parkedevent"),
                    _page(_("Ledger"), "balance", "feedbackloops_ledgerline"),
                ],
            },
            {
                "title": _("Tracking"),
                "items": [
                    _page(_("Messages"), "mail", "tracking_message"),
                    _page(_("Events"), "bolt", "tracking_event"),
                    _page(_("ESP webhooks"), "webhook", "esp_webhook"),
                    _page(_("Unread mails"), "mark_email_unread", "tracking_unreadmail"),
                    _page(_("Blocked links"), "link_off", "tracking_block"),
                ],
            },
            {
                "title": _("Customers"),
                "items": [
                    _page(_("Accounts"), "apartment", "profiles_account"),
                    _page(_("Databases"), "database", "profiles_database"),
                    _page(_("Profiles"), "person", "profiles_profile"),
                    _page(_("Collections"), "category", "profiles_collection"),
                    _page(_("Subprofiles"), "account_tree", "profiles_subprofile"),
                    _page(_("Forgotten people"), "person_remove", "feedbackloops_forgetting"),
                    _page(_("API tokens"), "key", "api_apitoken"),
                    _page(_("Staff"), "badge", "auth_user"),
                    _page(_("Staff groups"), "groups", "auth_group"),
                ],
            },
        ],
    },
}
