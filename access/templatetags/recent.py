"""What the first page of the dashboard tells its reader of what they did last."""

from typing import Any

from django import template
from django.contrib.admin.models import LogEntry

from access.log import recent_actions

register = template.Library()


@register.simple_tag
def own_recent_actions(user: Any, most: int) -> list[LogEntry]:
    """What the user did last, as far as it may still be seen."""
    return recent_actions(user, most)
