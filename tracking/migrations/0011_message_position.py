from django.db import migrations, models

import profiles.positions


class Migration(migrations.Migration):
    dependencies = [
        ("tracking", "0010_texts"),
    ]

    operations = [
        # What is there comes first, by its id; the table is not written anew for it.
        migrations.AddField(
            model_name="message",
            name="position",
            field=models.BigIntegerField(db_default=0, editable=False),
        ),
        migrations.AlterField(
            model_name="message",
            name="position",
            field=models.BigIntegerField(db_default=profiles.positions.Position(), editable=False),
        ),
    ]
