"""Webhooks in the dashboard: made, their address handed over, and what came of them."""

from datetime import timedelta
from time import time
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminPasswordWidget

from esp.keys import normal_key
from esp.models import Webhook
from esp.providers import CHOICES, PROVIDERS
from esp.showing import choices_words, events_words, last_call_words, state_of
from profiles.pages import CarefulForm, LookupFilter, Page
from profiles.showing import NOTHING, when

TOLD = (
    "at_provider",
    "state",
    "called",
    "taken",
    "events_shown",
    "unknown_shown",
    "unusable_shown",
    "problem_shown",
    "since",
)
ADDRESS = "admin/esp/webhook/address.html"
# For how long the page of the address can be loaded again, and what says so in the session.
OPEN_FOR: Final = timedelta(minutes=10)
OPENED: Final = "esp_webhook_address"
SEEN = gettext_lazy("Looked at the address.")
KEY_REPLACED = gettext_lazy("Entered the key that the provider signs with.")
_SIGNING: Final = ", ".join(each.label for each in PROVIDERS.values() if each.signs)
NAME_HELP = gettext_lazy("Which of several it is, such as the account or the domain at the provider.")
KEY_HELP = gettext_lazy(
    "Some show it only once they know the address: come back with it then. It is not shown here again; empty, it stays "
    "as it is."
)
NEW_KEY_HELP = gettext_lazy(
    "Of %(esps)s. Most of them show it only once they know the address: leave this empty then, and come back with it. "
    "The others log in, by a name and a password in the address."
)


class WebhookForm(CarefulForm):
    """A webhook: whose it is, who calls, and what that one signs with."""

    new_key = forms.CharField(
        label=gettext_lazy("Signing key"),
        required=False,
        max_length=2000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = Webhook
        fields = ["account", "esp", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "new_key" in self.fields:
            words = NEW_KEY_HELP % {"esps": _SIGNING} if self.instance._state.adding else self._help()
            self.fields["new_key"].help_text = words

    def clean(self) -> dict[str, Any]:
        """With the key as it is kept. Raises ValidationError."""
        cleaned = super().clean()
        esp = cleaned.get("esp") or self.instance.esp
        if esp and (pasted := cleaned.get("new_key")):
            try:
                self.instance.signing_key = normal_key(esp, pasted)
            except ValueError as error:
                raise ValidationError({"new_key": str(error)}) from error
        return cleaned

    def changed_fields(self) -> set[str]:
        """The columns to write; the key is one that no field is named after."""
        return super().changed_fields() | ({"signing_key"} if self.cleaned_data.get("new_key") else set())

    def _help(self) -> str:
        return f"{self.instance.provider.key} {KEY_HELP}"


@admin.register(Webhook)
class WebhookAdmin(Page):
    form = WebhookForm
    list_display = ["name_shown", "account", "state", "taken", "recorded", "unknown"]
    list_select_related = ["account"]
    list_filter = [("account", LookupFilter), ("esp", ChoicesDropdownFilter)]
    search_fields = ["name", "account__name"]
    search_help_text = gettext_lazy("Part of its or the account's name")
    autocomplete_fields = ["account"]
    change_form_template = "admin/esp/webhook/change_form.html"

    def get_fields(self, request: HttpRequest, obj: Webhook | None = None) -> Any:
        signs = obj is None or obj.provider.signs
        key = ["new_key"] if signs else []
        if obj is None:
            return ["account", "esp", "name", *key]
        return ["account", "esp", "name", "key_stored", *key, *TOLD]

    def get_readonly_fields(self, request: HttpRequest, obj: Webhook | None = None) -> list[str]:
        return ["account", "esp", "key_stored", *TOLD] if obj else []

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "name":
            kwargs["help_text"] = NAME_HELP
        if db_field.name == "esp":
            # None is chosen to begin with: a webhook keeps its ESP.
            kwargs["choices"] = [("", gettext("Select value")), *CHOICES]
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and form.cleaned_data.get("new_key"):
            self.log_acts(request, [obj], str(KEY_REPLACED))

    def response_add(self, request: HttpRequest, obj: Webhook, post_url_continue: Any = None) -> HttpResponse:
        """On to the page with the address, which is what comes next."""
        return self._opened(request, obj)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.address_view)
        return [path("<path:object_id>/address/", view, name="esp_webhook_address"), *super().get_urls()]

    def address_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The address with its login. A POST opens the page for a while, and stands in the webhook's history."""
        if request.method != "POST" and _is_open(request, object_id) and (made := self.get_object(request, object_id)):
            # Who made it may be one who may not change it.
            return self._address_page(request, made)
        webhook = self.found(request, object_id, "change")
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:esp_webhook_change", args=[webhook.pk]))
        self.log_acts(request, [webhook], str(SEEN))
        return self._opened(request, webhook)

    def _opened(self, request: HttpRequest, webhook: Webhook) -> HttpResponse:
        request.session[OPENED] = {"webhook": webhook.pk, "until": time() + OPEN_FOR.total_seconds()}
        return HttpResponseRedirect(reverse("admin:esp_webhook_address", args=[webhook.pk]))

    def _address_page(self, request: HttpRequest, webhook: Webhook) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "webhook": webhook,
            "minutes": OPEN_FOR // timedelta(minutes=1),
        }
        context |= {"title": gettext("Address for %(esp)s") % {"esp": webhook.provider.label}}
        response = TemplateResponse(request, ADDRESS, context)
        response.headers["Cache-Control"] = "no-store"
        return response

    @admin.display(description=gettext_lazy("Webhook"), ordering="name")
    def name_shown(self, webhook: Webhook) -> str:
        return str(webhook)

    @admin.display(description=gettext_lazy("State"))
    def state(self, webhook: Webhook) -> str:
        return state_of(webhook)

    @admin.display(description=gettext_lazy("Last call"))
    def called(self, webhook: Webhook) -> str:
        return last_call_words(webhook)

    @admin.display(description=gettext_lazy("Last good call"), ordering="last_call")
    def taken(self, webhook: Webhook) -> str:
        return when(webhook.last_call)

    @admin.display(description=gettext_lazy("Key"))
    def key_stored(self, webhook: Webhook) -> str:
        if not webhook.provider.signs:
            return gettext("None: the provider logs in, by a name and a password in the address.")
        return gettext("Stored; it is not shown.") if webhook.signing_key else gettext("Missing: enter it below.")

    @admin.display(description=gettext_lazy("At the provider"))
    def at_provider(self, webhook: Webhook) -> str:
        return choices_words(webhook)

    @admin.display(description=gettext_lazy("Events recorded"))
    def events_shown(self, webhook: Webhook) -> str:
        return events_words(webhook)

    @admin.display(description=gettext_lazy("Events of unknown mails"))
    def unknown_shown(self, webhook: Webhook) -> str:
        words = gettext("acknowledged, and not recorded: they are of mails that are not registered with us")
        return f"{webhook.unknown:,} ({words})" if webhook.unknown else "0"

    @admin.display(description=gettext_lazy("Events that could not be kept"))
    def unusable_shown(self, webhook: Webhook) -> str:
        return f"{webhook.unusable:,}"

    @admin.display(description=gettext_lazy("Last problem"))
    def problem_shown(self, webhook: Webhook) -> str:
        if not webhook.problem:
            return NOTHING
        return format_html("{} ({})", gettext(webhook.problem), when(webhook.problem_since))

    @admin.display(description=gettext_lazy("Made"))
    def since(self, webhook: Webhook) -> str:
        return when(webhook.created)


def _is_open(request: HttpRequest, object_id: str) -> bool:
    opened = request.session.get(OPENED, {})
    return bool(opened) and str(opened["webhook"]) == object_id and time() < opened["until"]
