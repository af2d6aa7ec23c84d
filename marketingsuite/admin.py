"""Staff and their groups, in the dashboard's own look; and where the dashboard begins."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]  # unfold carries no types
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "is_staff", "usable_password", "password1", "password2")}),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Whoever is added here should be able to log in here."""
        return {"is_staff": True, **super().get_changeform_initial_data(request)}


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]  # unfold carries no types
    pass


def home(request: HttpRequest) -> HttpResponse:
    """The list of loops, for those who may see it; for others all pages that they may see."""
    if any(request.user.has_perm(f"feedbackloops.{right}_feedbackloop") for right in ("view", "change")):
        return HttpResponseRedirect(reverse("admin:feedbackloops_feedbackloop_changelist"))
    return admin.site.index(request)
