"""What tracking tells the rest of the house."""

from django.dispatch import Signal

# Sent once events are stored and committed, with `ids`: a list of the events' UUIDs. With `heard=True`, whoever watches
# the outbox was told.
events_recorded = Signal()
