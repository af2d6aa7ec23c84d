"""What is told of profiles: the events, and having none."""

from typing import Any

from django.db import connection

from tracking.models import Event


def told() -> list[tuple[str, dict[str, Any]]]:
    """The events so far, in the order in which they were recorded."""
    return list(Event.objects.order_by("id").values_list("type", "data"))


def forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tracking_event; DELETE FROM tracking_outbox")
