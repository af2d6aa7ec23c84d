"""Deletions reach us one by one from Django's collector, whatever caused them: a form, a query set, a cascade."""

from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from profiles.models import Profile, Subprofile
from profiles.signals import profiles_changed
from profiles.snapshots import Action


@receiver(pre_delete, sender=Profile)
def tell_of_deletion(instance: Profile, **kwargs: Any) -> None:
    """Tell what the profile is as it goes; Django holds one transaction open for this and the deletion."""
    # Not the instance: it may be out of date, or somebody else may have deleted the profile and told of it.
    if stored := Profile.locked(instance.pk):
        profiles_changed.send(Profile, changes=[stored.change(Action.DELETE)])


@receiver(pre_delete, sender=Subprofile)
def tell_of_lost_subprofile(instance: Subprofile, **kwargs: Any) -> None:
    """The same for a subprofile, which goes alone or with its profile."""
    if stored := Subprofile.locked(instance.pk):
        profiles_changed.send(Subprofile, changes=[stored.change(Action.DELETE)])
