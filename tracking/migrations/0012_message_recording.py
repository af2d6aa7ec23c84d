import django.db.models.deletion
from django.db import migrations, models

from profiles.indexing import AddIndexInUse, DropIndexInUse


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("tracking", "0011_message_position"),
    ]

    operations = [
        AddIndexInUse(
            model_name="message",
            index=models.Index(fields=["account", "position", "id"], name="message_recording"),
        ),
        # The index above begins with the account as well.
        DropIndexInUse(
            "tracking_message_account_id_7c2ee708",
            "tracking_message",
            "account_id",
            migrations.AlterField(
                model_name="message",
                name="account",
                field=models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="profiles.account",
                    verbose_name="account",
                ),
            ),
        ),
    ]
