"""What an unsubscribe does to the profile of its recipient, as its database has it set."""

from collections.abc import Collection

from profiles.models import OnUnsubscribe, Profile


def unsubscribe(profiles: Collection[int]) -> None:
    """Set fields of these profiles, remove them, or leave them alone, in the caller's transaction.

    Doing it again changes nothing: a profile that is as it should be is not written, and makes no event.
    """
    rows = Profile.objects.filter(pk__in=profiles).exclude(database__on_unsubscribe=OnUnsubscribe.NOTHING)
    for profile in rows.select_related("database").order_by("pk").select_for_update(no_key=True, of=["self"]):
        _act(profile)


def _act(profile: Profile) -> None:
    if profile.database.on_unsubscribe == OnUnsubscribe.REMOVE:
        profile.delete()
    else:
        profile.fields = profile.fields | profile.database.unsubscribe_fields
        profile.save(update_fields=["fields"])
