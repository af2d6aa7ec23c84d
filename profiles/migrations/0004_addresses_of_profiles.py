"""Profiles that were there before get the address that their field `email` holds."""

from django.db import migrations

ADDRESSES = r"""
UPDATE profiles_profile SET address = lower(btrim(fields ->> 'email'))
WHERE btrim(fields ->> 'email') ~ '^[^\s@<>]+@[^\s@<>]+$' AND length(btrim(fields ->> 'email')) <= 320
"""


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0003_addresses_and_unsubscribes"),
    ]

    operations = [migrations.RunSQL(ADDRESSES, migrations.RunSQL.noop)]
