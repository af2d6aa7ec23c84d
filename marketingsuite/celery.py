"""The Celery app, the doorbell of the house: PostgreSQL is the truth, the broker keeps no result and no state."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, task_prerun, worker_init, worker_ready
from django.db import close_old_connections

from marketingsuite import memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketingsuite.settings")

app = Celery("marketingsuite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def leave_logging_alone(**kwargs: Any) -> None:
    """Django has set it up, in one form for all processes; with nobody here Celery would set it up once more."""


@worker_init.connect
def watch_worker(sender: Any, **kwargs: Any) -> None:
    """Have the process give signs of life, under the name that stands before the @ of its node."""
    # Needs the apps, which Celery has loaded by now.
    from marketingsuite.vitals import parts

    app.steps["consumer"].add(parts.ConsumerStep)
    parts.begin(sender.hostname.partition("@")[0], parts.of_worker())


@beat_init.connect
def watch_beat(sender: Any, **kwargs: Any) -> None:
    """The same for beat, which has no node."""
    from marketingsuite.vitals import parts

    parts.end_when_told(sender)
    parts.begin("beat", parts.of_beat())


@task_prerun.connect
def use_a_sound_connection(**kwargs: Any) -> None:
    """Keep the thread's connection from task to task, unless PostgreSQL has gone away meanwhile."""
    close_old_connections()


@worker_ready.connect
def settle(**kwargs: Any) -> None:
    """Everything is loaded now."""
    memory.settle()
