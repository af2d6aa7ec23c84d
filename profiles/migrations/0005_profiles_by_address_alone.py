from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """An address is looked up within an account, and by staff without one: so it comes first in the index."""

    # Profiles are written while the index is made.
    atomic = False

    dependencies = [
        ("profiles", "0004_addresses_of_profiles"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="profile",
            index=models.Index(
                condition=models.Q(("address", ""), _negated=True),
                fields=["address", "account"],
                name="profile_by_address",
            ),
        ),
        RemoveIndexConcurrently(model_name="profile", name="profile_address"),
    ]
