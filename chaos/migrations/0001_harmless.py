"""What a deploy under load may do: a new column in the busiest tables, and the way back."""

from django.db import migrations

TABLES = ("tracking_event", "feedbackloops_delivery")


class Migration(migrations.Migration):
    """Needs the exclusive lock of each table for a moment, and rewrites none."""

    operations = [
        migrations.RunSQL(
            f"SET LOCAL lock_timeout = '5s'; ALTER TABLE {table} ADD COLUMN chaos text NOT NULL DEFAULT ''",
            f"SET LOCAL lock_timeout = '5s'; ALTER TABLE {table} DROP COLUMN chaos",
        )
        for table in TABLES
    ]
