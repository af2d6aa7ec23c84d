from typing import Any

from django.conf import settings
from django.db import migrations


def keep_what_they_see(apps: Any, schema_editor: Any) -> None:
    """Until now whoever had the right to see loops saw those of all accounts."""
    user_model = apps.get_model(*settings.AUTH_USER_MODEL.split("."))
    reach = apps.get_model("access", "Reach")
    staff = user_model.objects.filter(is_staff=True, is_superuser=False)
    reach.objects.bulk_create([reach(user=user, all_accounts=True) for user in staff], ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]

    operations = [migrations.RunPython(keep_what_they_see, migrations.RunPython.noop)]
