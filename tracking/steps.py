"""Log lines that follow an event on its way, one for each step: at LOG_LEVEL=DEBUG only, they cost more than the step.

At any other level a step asks once for its whole set.
"""

import logging
from collections.abc import Iterable
from uuid import UUID


def log_events(logger: logging.Logger, words: str, events: Iterable[UUID]) -> None:
    """Say of each event that it has come as far as this."""
    if logger.isEnabledFor(logging.DEBUG):
        for event in events:
            logger.debug("Event %s %s", event, words, extra={"event": event})
