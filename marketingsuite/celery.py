"""The Celery app, the doorbell of the house: PostgreSQL is the truth, the broker keeps no result and no state."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun, worker_ready
from django.db import close_old_connections

from marketingsuite import memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketingsuite.settings")

app = Celery("marketingsuite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def use_a_sound_connection(**kwargs: Any) -> None:
    """Keep the thread's connection from task to task, unless PostgreSQL has gone away meanwhile."""
    close_old_connections()


@worker_ready.connect
def settle(**kwargs: Any) -> None:
    """Everything is loaded now."""
    memory.settle()
