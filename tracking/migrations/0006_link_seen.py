from django.db import migrations, models

# What was seen before there was this table: a second open is then not taken for the first.
_FILL = """
INSERT INTO tracking_linkseen (message_id, link, first)
SELECT DISTINCT ON (1, 2) message_id, CASE type WHEN 'open' THEN 0 ELSE (data -> 'link')::int END, id
FROM tracking_event
WHERE message_id IS NOT NULL
    AND (type = 'open' OR (type = 'click' AND jsonb_typeof(data -> 'link') = 'number'))
ORDER BY 1, 2, 3
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tracking", "0005_message_comes_from"),
    ]

    operations = [
        migrations.CreateModel(
            name="LinkSeen",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "message_id", "link", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("message_id", models.UUIDField()),
                ("link", models.IntegerField()),
                ("first", models.UUIDField(null=True)),
                ("last", models.BigIntegerField(db_default=0, default=0)),
                ("headed", models.BigIntegerField(db_default=0, default=0)),
                ("head_ip", models.CharField(db_default="", default="", max_length=45)),
            ],
        ),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
    ]
