"""Profile changes become events in the very transaction that made them; and what migrations are done with."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from django.apps import AppConfig
from django.db import connection, connections, transaction
from django.db.models.signals import post_migrate, pre_migrate
from django.dispatch import receiver

from profiles.signals import profiles_changed, tracking_changed
from profiles.snapshots import ProfileChange
from tracking.ids import new_id
from tracking.models import RecordingEra
from tracking.positions import begin_era_if_needed
from tracking.refusing import follow_database, follow_profiles
from tracking.signals import events_recorded
from tracking.store import EventRow, store_events

# Whoever waits for the lock of a table holds up all that come after.
LOCK_PATIENCE: Final = "5s"


@receiver(profiles_changed)
def record_profile_changes(changes: Sequence[ProfileChange], **kwargs: Any) -> None:
    """Store an event for each change, and tell of them once the transaction is committed."""
    rows = [EventRow(new_id(), change.action, change.account, None, change.facts) for change in changes]
    store_events(rows)
    tell = partial(events_recorded.send_robust, sender=record_profile_changes, ids=[row.id for row in rows])
    transaction.on_commit(tell, robust=True)


@receiver(tracking_changed)
def follow_consent(profiles: Sequence[int] = (), database: int | None = None, **kwargs: Any) -> None:
    """Refuse the messages of profiles that are no longer to be tracked, within their transaction and once after it.

    The second time finds what was being registered meanwhile.
    """
    follow = partial(follow_profiles, list(profiles)) if database is None else partial(follow_database, database)
    follow()
    transaction.on_commit(follow, robust=True)


@receiver(post_migrate)
def begin_first_era(app_config: AppConfig, **kwargs: Any) -> None:
    """Have an era of this server from the first day on, and after a restore."""
    if app_config.name == "tracking" and RecordingEra._meta.db_table in connection.introspection.table_names():
        begin_era_if_needed()


@receiver(pre_migrate)
def lose_patience(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Have a migration fail rather than wait for the lock of a table, and all who use the table behind it."""
    if app_config.name == "tracking":
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_PATIENCE])


@receiver(post_migrate)
def regain_patience(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Wait for locks as long as this connection did before, whoever has set that."""
    if app_config.name == "tracking":
        with connections[using].cursor() as cursor:
            cursor.execute("RESET lock_timeout")
