"""Deletions reach us one by one from Django's collector, whatever caused them: a form, a query set, a cascade."""

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from profiles.models import Profile
from profiles.signals import profiles_changed
from profiles.snapshots import Action


@receiver(post_delete, sender=Profile)
def tell_of_deletion(instance: Profile, **kwargs: Any) -> None:
    """Tell what the profile was when it went; Django holds the transaction open until we return."""
    profiles_changed.send(Profile, changes=[instance.change(Action.DELETE)])
