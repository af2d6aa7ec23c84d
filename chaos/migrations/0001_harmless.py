"""What a deploy under load may do: a new column in the busiest tables, and the way back."""

from django.db import migrations

TABLES = ("tracking_event", "feedbackloops_delivery")
# Whoever waits for the lock holds up all that come after, so it is not waited for at length.
PATIENCE = "SET lock_timeout = '5s'"


class Migration(migrations.Migration):
    """Needs the exclusive lock of each table for a moment, and rewrites none.

    One table in a transaction: two locks at once, against statements that take both, would be a deadlock.
    """

    atomic = False
    operations = [
        migrations.RunSQL(
            [PATIENCE, f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS chaos text NOT NULL DEFAULT ''"],
            [PATIENCE, f"ALTER TABLE {table} DROP COLUMN IF EXISTS chaos"],
        )
        for table in TABLES
    ]
