"""What the web process says of hits that are lost."""

import re

_ALARM = re.compile(r"is lost, number (\d+) since the start")


def reported(log: str) -> int:
    """How many hits its alarms speak of. Each alarm tells the number since its process started, and may skip some."""
    total = before = 0
    for number in map(int, _ALARM.findall(log)):
        # A process that was started anew begins anew.
        total += number - before if number > before else number
        before = number
    return total
