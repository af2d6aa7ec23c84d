"""The Celery app, the doorbell of the house: PostgreSQL is the truth, the broker keeps no result and no state."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketingsuite.settings")

app = Celery("marketingsuite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
