"""How long the disk takes that the spool is on: the machine's part of an answer, where that is a real one."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.load import Probe

EVERY_SECONDS = 0.02
# About a hit.
LINE = b"x" * 400


@contextmanager
def probing(folder: Path) -> Iterator[list[Probe]]:
    """Append and fsync a line beside the spool again and again, as a hit does there; the list grows meanwhile."""
    probes: list[Probe] = []
    over = threading.Event()

    def probe_for_ever(file: int) -> None:
        while not over.wait(EVERY_SECONDS):
            started = time.monotonic()
            os.write(file, LINE)
            os.fsync(file)
            probes.append(Probe(started, time.monotonic() - started))

    file = os.open(folder / "disk-probes", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    thread = threading.Thread(target=probe_for_ever, args=(file,), name="disk-probes", daemon=True)
    thread.start()
    try:
        yield probes
    finally:
        over.set()
        thread.join()
        os.close(file)
