"""The subprofiles that the pages of profiles and of collections list."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from access.reach import limit
from profiles.models import Collection, Profile, Subprofile

MOST_SHOWN = 50


def subprofiles_of(request: HttpRequest, owner: Profile | Collection) -> dict[str, Any]:
    """The newest of a profile or a collection, for `admin/profiles/subprofiles.html`; empty where none may be seen."""
    if not request.user.has_perm("profiles.view_subprofile"):
        return {}
    name = str(owner._meta.model_name)
    rows = limit(Subprofile.objects.filter(**{name: owner.pk}), request.user).select_related("collection")
    return {
        "subprofiles": rows[: MOST_SHOWN + 1],
        "most_subprofiles": MOST_SHOWN,
        "all_subprofiles": f"{reverse('admin:profiles_subprofile_changelist')}?{name}__id__exact={owner.pk}",
        "owner": name,
        "may_add_subprofile": request.user.has_perm("profiles.add_subprofile"),
    }
