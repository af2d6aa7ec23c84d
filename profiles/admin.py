from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.reach import sees_all
from profiles import subadmin  # noqa: F401  # more pages of this app
from profiles.addresses import whole_address
from profiles.belonging import subprofiles_of
from profiles.formfields import FIELDS_HELP, FieldsField, InterestsField, OriginField, number_or_fields, textarea
from profiles.models import Account, Consent, Database, Profile
from profiles.pages import KeptWhileNeeded, LookupFilter, Page
from profiles.showing import NOTHING, fields_shown, when
from profiles.signals import profile_saved_by_staff

TRACKING_URL_HELP = _(
    "Optional. What links and pixels of new mails begin with, such as https://click.customer.example; empty: the "
    "domain of this installation. First have the customer point the name at it (DNS: a CNAME), and give the proxy a "
    "certificate for it and have it pass /o/, /c/ and /u/ on: links that were sent can't be called back."
)
TRACKS_MAIL_HELP = _(
    "Off: mails that are registered from now on get no pixel and no tracked links. What else is known of them, such as "
    "deliveries and unsubscribes, is told all the same. Mails that were sent before stay as they are."
)
IP_ADDRESSES_HELP = _(
    "Of the requests that opens, clicks and unsubscribes are. It holds for what comes in from now on, within seconds; "
    "what is not kept can't be sent to a script either."
)
CONSENT_HELP = _(
    "A change holds within seconds, for mails that were sent before as well: their links go on leading on, and nothing "
    "is recorded. Unsubscribes, deliveries and bounces are told all the same."
)
CONSENT_FIELD_HELP = _(
    "The name of the field of its profiles that says so: yes, true, on, y or 1; or no, false, off, n or 0."
)
EMAIL_FIELD_HELP = _(
    "The name of the field of its profiles that holds their e-mail address: mail to that address is then known to be "
    "theirs. Empty: profiles of this database are not looked up by address."
)
ON_UNSUBSCRIBE_HELP = _(
    "What is done to the recipient's profile, besides telling the feedback loops of the unsubscribe. The change is "
    "told as well, as an update or a delete."
)
UNSUBSCRIBE_FIELDS_HELP = _('For "Set fields": names and values, such as {"newsletter": "no"}.')


@admin.register(Account)
class AccountAdmin(KeptWhileNeeded):
    list_display = ["name", "number", "since"]
    search_fields = ["name"]
    search_help_text = _("Part of the account's name")
    fields = ["name", "number", "tracking_url", "tracks_mail", "ip_addresses", "since"]
    readonly_fields = ["number", "since"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "tracking_url":
            kwargs |= {"form_class": OriginField, "help_text": TRACKING_URL_HELP}
        if db_field.name == "tracks_mail":
            kwargs["help_text"] = TRACKS_MAIL_HELP
        if db_field.name == "ip_addresses":
            kwargs["help_text"] = IP_ADDRESSES_HELP
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever sees some accounts only would not see the new one."""
        return super().has_add_permission(request) and sees_all(request.user)

    @admin.display(description=_("Number (X-Copernica-ID)"), ordering="pk")
    def number(self, account: Account) -> str:
        return f"account-{account.pk}" if account.pk else NOTHING

    @admin.display(description=_("Created"), ordering="created")
    def since(self, account: Account) -> str:
        return when(account.created)


@admin.register(Database)
class DatabaseAdmin(KeptWhileNeeded):
    list_display = ["name", "account", "id", "since"]
    list_select_related = ["account"]
    list_filter = [("account", LookupFilter)]
    search_fields = ["name", "account__name"]
    search_help_text = _("Part of its or the account's name")
    autocomplete_fields = ["account"]
    fieldsets = [
        (None, {"fields": ["name", "account", "email_field", "since"]}),
        (_("Consent to being tracked"), {"fields": ["consent", "consent_field"]}),
        (_("When a recipient unsubscribes"), {"fields": ["on_unsubscribe", "unsubscribe_fields"]}),
    ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "unsubscribe_fields":
            label = _("Fields that it sets")
            return FieldsField(required=False, label=label, widget=textarea(4), help_text=UNSUBSCRIBE_FIELDS_HELP)
        if db_field.name == "email_field":
            kwargs["help_text"] = EMAIL_FIELD_HELP
        if db_field.name == "on_unsubscribe":
            kwargs["help_text"] = ON_UNSUBSCRIBE_HELP
        if db_field.name == "consent":
            kwargs["help_text"] = CONSENT_HELP
        if db_field.name == "consent_field":
            kwargs["help_text"] = CONSENT_FIELD_HELP
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Database]:
        return super().get_queryset(request).select_related("account")

    def get_readonly_fields(self, request: HttpRequest, obj: Database | None = None) -> list[str]:
        """Its profiles belong to the account, too, so a database does not change hands."""
        return ["since", "account"] if obj else ["since"]

    @admin.display(description=_("Created"), ordering="created")
    def since(self, database: Database) -> str:
        return when(database.created)


@admin.register(Profile)
class ProfileAdmin(Page):
    list_display = ["id", "database_named", "account", "summary", "interests_shown", "changed"]
    list_filter = [("account", LookupFilter), ("database", LookupFilter)]
    search_fields = ["id"]
    search_help_text = _("Number, whole e-mail address, or part of a field")
    autocomplete_fields = ["database"]
    fieldsets = [(None, {"fields": ["database", "fields", "interests", "seen", "since", "changed"]})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Profile]:
        return super().get_queryset(request).select_related("database__account", "account")

    def get_readonly_fields(self, request: HttpRequest, obj: Profile | None = None) -> list[str]:
        """Messages refer to a profile of their account, so a profile stays in its database."""
        return ["seen", "since", "changed", *(["database"] if obj else [])]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "fields":
            return FieldsField(required=False, label=_("Fields"), widget=textarea(12), help_text=FIELDS_HELP)
        if db_field.name == "interests":
            options = {"label": _("Interests"), "help_text": _("One on each line.")}
            return InterestsField(required=False, widget=textarea(5), **options)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def matches(self, queryset: Any, term: str) -> Any:
        """Those whose address it is, through its index; where it is nobody's, by number and by what the fields hold."""
        address = whole_address(term)
        if address and (at := queryset.filter(address=address)).exists():
            return at
        return number_or_fields(queryset, term)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if context["original"]:
            context |= subprofiles_of(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Profile, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        profile_saved_by_staff.send(Profile, request=request, profile=obj)

    @admin.display(description=_("Fields"))
    def summary(self, profile: Profile) -> str:
        return fields_shown(profile.fields)

    @admin.display(description=_("Interests"))
    def interests_shown(self, profile: Profile) -> str:
        return Truncator(", ".join(profile.interests)).chars(60) or NOTHING

    @admin.display(description=_("Opens and clicks"))
    def seen(self, profile: Profile) -> str:
        if not profile.pk or profile.database.consent == Consent.NOT_ASKED:
            return gettext("Are seen: consent is not asked for in this database.") if profile.pk else NOTHING
        held = profile.fields.get(profile.database.consent_field, "")
        told = {"field": profile.database.consent_field, "value": Truncator(held).chars(40)}
        if profile.tracked:
            return gettext("Are seen: the field “%(field)s” says “%(value)s”.") % told
        return gettext("Are not recorded: the field “%(field)s” says “%(value)s”.") % told

    @admin.display(description=_("Database"))
    def database_named(self, profile: Profile) -> str:
        """Without the account, which stands beside it."""
        return profile.database.name

    @admin.display(description=_("Created"))
    def since(self, profile: Profile) -> str:
        return when(profile.created)

    @admin.display(description=_("Last change"), ordering="modified")
    def changed(self, profile: Profile) -> str:
        return when(profile.modified)
