"""What those who edit profiles should know of the loops that get them."""

from typing import Any

from django.contrib import messages
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext

from feedbackloops.protocol import payload
from profiles.models import Profile, Subprofile
from profiles.signals import profile_saved_by_staff


@receiver(profile_saved_by_staff)
def warn_of_names(request: HttpRequest, profile: Profile | Subprofile, **kwargs: Any) -> None:
    """Say which fields a form body leaves out."""
    if names := payload.unholdable(profile.fields):
        listed = ", ".join(f"“{name}”" for name in names)
        words = gettext(
            "Scripts that get their events as a form can’t receive these fields, because of the name: %(names)s. Loops "
            "that send JSON carry every field."
        )
        messages.warning(request, words % {"names": listed})
