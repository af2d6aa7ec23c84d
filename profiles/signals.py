"""What profiles tells the rest of the house."""

from django.dispatch import Signal

# Sent inside the transaction that changed them, with `changes`: a list of profiles.snapshots.ProfileChange.
profiles_changed = Signal()

# Sent inside the transaction in which profiles began or ceased to be tracked, with `profiles`: their numbers, or
# `database`: that of all of them.
tracking_changed = Signal()

# Sent when staff have saved a profile in the dashboard, with `request` and `profile` (or the subprofile).
profile_saved_by_staff = Signal()
