"""The pages of collections and of subprofiles."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from profiles.belonging import subprofiles_of
from profiles.formfields import FIELDS_HELP, FieldsField, number_or_fields, textarea
from profiles.models import Collection, Profile, Subprofile
from profiles.pages import KeptWhileNeeded, LookupFilter, Page
from profiles.showing import fields_shown, link, when
from profiles.signals import profile_saved_by_staff


@admin.register(Collection)
class CollectionAdmin(KeptWhileNeeded):
    """A collection stays in its database, and can be deleted once it has no subprofiles."""

    list_display = ["name", "database", "account", "id", "since"]
    list_filter = [("account", LookupFilter), ("database", LookupFilter)]
    search_fields = ["name", "database__name"]
    search_help_text = _("Part of its or the database's name")
    autocomplete_fields = ["database"]
    fields = ["name", "database", "since"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Collection]:
        return super().get_queryset(request).select_related("database__account", "account")

    def get_readonly_fields(self, request: HttpRequest, obj: Collection | None = None) -> list[str]:
        return ["since", "database"] if obj else ["since"]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if context["original"]:
            context |= subprofiles_of(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("Created"), ordering="created")
    def since(self, collection: Collection) -> str:
        return when(collection.created)


@admin.register(Subprofile)
class SubprofileAdmin(Page):
    """What belongs to a profile."""

    list_display = ["id", "profile_link", "collection_link", "account", "summary", "changed"]
    list_filter = [("account", LookupFilter), ("collection", LookupFilter)]
    search_fields = ["id"]
    search_help_text = _("Number, or part of a field")
    autocomplete_fields = ["profile", "collection"]
    fields = ["profile", "collection", "fields", "since", "changed"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subprofile]:
        return super().get_queryset(request).select_related("collection__database__account", "account")

    def get_readonly_fields(self, request: HttpRequest, obj: Subprofile | None = None) -> list[str]:
        """It stays with its profile and in its collection."""
        return ["since", "changed", *(["profile", "collection"] if obj else [])]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "fields":
            return FieldsField(required=False, label=_("Fields"), widget=textarea(12), help_text=FIELDS_HELP)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def matches(self, queryset: Any, term: str) -> Any:
        """By number, else by what the fields hold."""
        return number_or_fields(queryset, term)

    def save_model(self, request: HttpRequest, obj: Subprofile, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        profile_saved_by_staff.send(Subprofile, request=request, profile=obj)

    @admin.display(description=_("Profile"))
    def profile_link(self, subprofile: Subprofile) -> str:
        return link(Profile, subprofile.profile_id, subprofile.profile_id)

    @admin.display(description=_("Collection"))
    def collection_link(self, subprofile: Subprofile) -> str:
        return link(Collection, subprofile.collection_id, subprofile.collection)

    @admin.display(description=_("Fields"))
    def summary(self, subprofile: Subprofile) -> str:
        return fields_shown(subprofile.fields)

    @admin.display(description=_("Created"))
    def since(self, subprofile: Subprofile) -> str:
        return when(subprofile.created)

    @admin.display(description=_("Last change"), ordering="modified")
    def changed(self, subprofile: Subprofile) -> str:
        return when(subprofile.modified)
