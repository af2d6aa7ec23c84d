import django.db.models.deletion
from django.db import migrations, models

from profiles.indexing import AddIndexInUse, DropIndexInUse


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("profiles", "0009_profile_position"),
    ]

    operations = [
        AddIndexInUse(
            model_name="profile",
            index=models.Index(fields=["database", "position", "id"], name="profile_recording"),
        ),
        # The index above begins with the database as well.
        DropIndexInUse(
            "profiles_profile_database_id_f8d752c2",
            "profiles_profile",
            "database_id",
            migrations.AlterField(
                model_name="profile",
                name="database",
                field=models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="profiles",
                    to="profiles.database",
                    verbose_name="database",
                ),
            ),
        ),
    ]
