"""Whether processes have ended."""

from collections.abc import Iterable
from contextlib import suppress

import psutil


def are_gone(processes: Iterable[psutil.Process]) -> bool:
    """Whether none of them runs any more; one that nobody has waited for yet has ended as well."""
    return not any(map(_runs, processes))


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
