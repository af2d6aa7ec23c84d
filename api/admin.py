"""Tokens in the dashboard: made and shown once, listed, revoked."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import format_lazy
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from api.models import ApiToken
from api.scopes import Scope
from api.showing import state_of
from api.tokens import give_text, revoke
from profiles.pages import CarefulForm, LookupFilter, Page
from profiles.showing import when

MADE = "admin/api/apitoken/made.html"
REVOKED = gettext_lazy("Revoked.")
NAME_HELP = gettext_lazy("What uses it, such as “Web shop”: by this name you find it again when it is to be revoked.")
EXPIRES_HELP = gettext_lazy("Empty: it is good until it is revoked.")


class TokenForm(CarefulForm):
    """A token: what it is for, what it opens, and until when."""

    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=[
            (scope.value, format_lazy("{label} ({code})", label=scope.label, code=scope.value)) for scope in Scope
        ],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=gettext_lazy(
            "Give a program no more than it needs. With profiles:write it can also forget a person: profiles, "
            "messages, events and deliveries are then gone for good."
        ),
    )

    class Meta:
        model = ApiToken
        fields = ["account", "name", "scopes", "expires"]

    def clean_expires(self) -> Any:
        """A moment that is to come. Raises ValidationError."""
        expires = self.cleaned_data["expires"]
        if expires and "expires" in self.changed_data and expires <= now():
            raise ValidationError(_("This moment has passed: choose a later one, or none. To end a token, revoke it."))
        return expires


@admin.register(ApiToken)
class ApiTokenAdmin(Page):
    form = TokenForm
    list_display = ["name_shown", "account", "scopes_shown", "state", "used", "ends"]
    list_select_related = ["account"]
    list_filter = [("account", LookupFilter)]
    search_fields = ["name", "account__name"]
    search_help_text = gettext_lazy("Part of its or the account's name")
    autocomplete_fields = ["account"]
    actions = ["revoke"]
    change_form_template = "admin/api/apitoken/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        return super().get_queryset(request).select_related("account", "created_by")

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        chosen = ["account", "name", "scopes", "expires"]
        return [*chosen, "state", "used", "made"] if obj else chosen

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> list[str]:
        return ["account", "state", "used", "made"] if obj else []

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        helps = {"name": NAME_HELP, "expires": EXPIRES_HELP}
        if db_field.name in helps:
            kwargs["help_text"] = helps[db_field.name]
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """A token that may be in use is revoked first."""
        return obj is not None and obj.revoked is not None and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]  # whoever is here is logged in
            obj.text = give_text(obj)  # type: ignore[attr-defined]  # for the page that shows it once
        super().save_model(request, obj, form, change)

    def log_addition(self, request: HttpRequest, obj: ApiToken, message: Any) -> Any:
        self.log_acts(request, [obj.account], _("Made the API token “%(token)s”.") % {"token": obj})
        return super().log_addition(request, obj, message)

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: Any = None) -> HttpResponse:
        """The page with the token, which is never shown again."""
        context = self.admin_site.each_context(request) | {"opts": self.opts, "title": _("The new token"), "token": obj}
        response = TemplateResponse(request, MADE, context | {"text": obj.text})  # type: ignore[attr-defined]
        response.headers["Cache-Control"] = "no-store"
        return response

    def get_urls(self) -> list[URLPattern]:
        view: Callable[..., Any] = self.admin_site.admin_view(self.revoke_view)
        return [path("<path:object_id>/revoke/", view, name="api_apitoken_revoke"), *super().get_urls()]

    def revoke_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Revoke a token, from its page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        token = self.found(request, object_id, "change")
        self._revoke(request, [token])
        return HttpResponseRedirect(reverse("admin:api_apitoken_change", args=[token.pk]))

    @admin.action(description=gettext_lazy("Revoke"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        self._revoke(request, list(queryset))

    def _revoke(self, request: HttpRequest, tokens: list[ApiToken]) -> None:
        revoked = [token for token in tokens if revoke(token, now())]
        self.log_acts(request, revoked, str(REVOKED))
        for token in revoked:
            self.log_acts(request, [token.account], _("Revoked the API token “%(token)s”.") % {"token": token})
        if not revoked:
            self.message_user(request, _("Nothing was revoked: that was done before."), messages.WARNING)
            return
        words = ngettext(
            "%(count)d token is revoked: it opens nothing any more.",
            "%(count)d tokens are revoked: they open nothing any more.",
            len(revoked),
        )
        self.message_user(request, words % {"count": len(revoked)}, messages.SUCCESS)

    @admin.display(description=gettext_lazy("Name"), ordering="name")
    def name_shown(self, token: ApiToken) -> str:
        return str(token)

    @admin.display(description=gettext_lazy("Scopes"))
    def scopes_shown(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @admin.display(description=gettext_lazy("State"))
    def state(self, token: ApiToken) -> str:
        return state_of(token)

    @admin.display(description=gettext_lazy("Last used"), ordering="last_used")
    def used(self, token: ApiToken) -> str:
        return when(token.last_used)

    @admin.display(description=gettext_lazy("Expires"), ordering="expires")
    def ends(self, token: ApiToken) -> str:
        return when(token.expires)

    @admin.display(description=gettext_lazy("Made"))
    def made(self, token: ApiToken) -> str:
        by = token.created_by
        return _("%(when)s by %(who)s") % {"when": when(token.created), "who": by} if by else when(token.created)
