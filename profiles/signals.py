"""What profiles tells the rest of the house."""

from django.dispatch import Signal

# Sent inside the transaction that changed them, with `changes`: a list of profiles.snapshots.ProfileChange.
profiles_changed = Signal()
