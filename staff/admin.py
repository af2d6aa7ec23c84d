"""The pages of staff and their groups. Nobody gives away more than they have, or touches who has more than they do."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, StackedInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from access.models import Reach
from access.pages import LimitedChoices
from access.reach import sees_all
from profiles.pages import Listing
from profiles.showing import when
from staff.powers import groups_within, may_change_group, may_change_user, permissions_within
from staff.secondfactor import factor_of

admin.site.unregister(User)
admin.site.unregister(Group)

ONE_ACCOUNT = _("Choose at least one account: you see some accounts only, and may add staff for those.")


class ReachFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # not generic at run time
    """The accounts of a member of staff; at least one where the editor sees some only."""

    editor_sees_all = True

    def clean(self) -> None:
        super().clean()
        if not self.editor_sees_all and not any(form.cleaned_data.get("accounts") for form in self.forms):
            raise ValidationError(ONE_ACCOUNT)


class ReachInline(LimitedChoices, StackedInline):  # type: ignore[misc]  # unfold carries no types
    """Part of the page of a member of staff: who may change the one may change the other."""

    model = Reach
    formset = ReachFormSet
    fields = ["all_accounts", "accounts"]
    autocomplete_fields = ["accounts"]
    can_delete = False
    min_num = max_num = 1
    verbose_name = _("accounts")
    verbose_name_plural = _("accounts")

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if sees_all(request.user) else ["all_accounts"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["all_accounts", "accounts"] if sees_all(request.user) else ["accounts"]

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        return type("FormSet", (formset,), {"editor_sees_all": sees_all(request.user)})

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("auth.change_user")) and (obj is None or may_change_user(request.user, obj))


@admin.register(User)
class UserAdmin(Listing, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]  # unfold carries no types
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    inlines = [ReachInline]
    list_filter = ["is_staff", "is_superuser", "is_active"]
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "is_staff", "usable_password", "password1", "password2")}),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Whoever is added here should be able to log in here."""
        return {"is_staff": True, **super().get_changeform_initial_data(request)}

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        shown = super().get_fieldsets(request, obj)
        return shown if obj is None else [*shown, (_("Second factor"), {"fields": ["second_factor"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Superusers are made by superusers."""
        return ["second_factor", "last_login", "date_joined", *([] if request.user.is_superuser else ["is_superuser"])]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_change_user(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Whoever has done anything here stays, made inactive: the log names them."""
        if not super().has_delete_permission(request, obj):
            return False
        return obj is None or (may_change_user(request.user, obj) and not LogEntry.objects.filter(user=obj).exists())

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["queryset"] = groups_within(request.user)
        if db_field.name == "user_permissions":
            kwargs["queryset"] = permissions_within(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description=_("Second factor"))
    def second_factor(self, user: User) -> str:
        factor = factor_of(user)
        return gettext("On since %(when)s") % {"when": when(factor.confirmed)} if factor else gettext("Off")


@admin.register(Group)
class GroupAdmin(Listing, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]  # unfold carries no types
    """Groups serve all accounts, so those who see some only look at them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and sees_all(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            sees_all(request.user) if obj is None else may_change_group(request.user, obj)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (
            sees_all(request.user) if obj is None else may_change_group(request.user, obj)
        )

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name == "permissions":
            kwargs["queryset"] = permissions_within(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)
