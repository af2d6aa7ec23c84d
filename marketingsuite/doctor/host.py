"""This machine: the settings, the spool folder, static files, limits, and the processes that run here."""

import os
import resource
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

from django.conf import settings
from django.core import checks

from marketingsuite import alive
from marketingsuite.doctor.findings import Finding, ok, space, trouble, warning
from marketingsuite.vitals import files

WAITING_SECONDS = 60.0
NEEDED_FILES = 65_536
PROCESSES = ("web", "events", "worker", "looks", "beat")
LEFT_OVER = {
    "refused": "PostgreSQL refused what they hold: see docs/operations.md, The spool.",
    "unreadable": "Their lines are damaged: see docs/operations.md, The spool.",
}


def look_at_settings() -> Iterator[Finding]:
    """What Django's checks say, those of a deployment included."""
    found = checks.run_checks(include_deployment_checks=not settings.DEVELOPMENT)
    for each in found:
        make = trouble if each.level >= checks.ERROR else warning
        yield make("settings", str(each.msg), each.hint or "See docs/operations.md.")
    if not found:
        yield ok("settings", "Nothing is wrong with them.")
    if settings.DEVELOPMENT:
        yield warning("settings", "DEVELOPMENT is on.", "Switch it off where customers' mails are tracked.")


def look_at_spool() -> Iterator[Finding]:
    """The folder that takes hits while PostgreSQL does not."""
    folder: Path = settings.SPOOL_DIR
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        advice = "Give the service's user the right to, or make room."
        yield trouble("spool", f"{folder} can't be written to: {error.strerror}.", advice)
        return
    yield ok("spool", f"{folder} can be written to.")
    if folder.stat().st_mode & 0o077:
        yield warning("spool", f"Others may read {folder}, where people's addresses are.", f"chmod 700 {folder}")
    usage = shutil.disk_usage(folder)
    yield space("spool disk", usage.free, usage.total)
    yield from _left_in(folder)


def _left_in(folder: Path) -> Iterator[Finding]:
    old = [path for path in folder.glob("*.hits") if time.time() - path.stat().st_mtime > WAITING_SECONDS]
    if old:
        advice = "See that PostgreSQL answers and `web` runs on this host: it replays them."
        yield trouble("spool", f"{len(old)} files with hits have waited for more than a minute.", advice)
    for kind, advice in LEFT_OVER.items():
        if number := len(list(folder.glob(f"*.{kind}"))):
            yield warning("spool", f"{number} files are .{kind}.", advice)


def look_at_files() -> Iterator[Finding]:
    """Static files, and how many files a process may open."""
    if not settings.DEVELOPMENT and not (settings.STATIC_ROOT / "staticfiles.json").exists():
        words = f"{settings.STATIC_ROOT} does not hold them: the dashboard will not work."
        yield trouble("static files", words, "Run `manage.py collectstatic --noinput` after each update.")
    else:
        yield ok("static files", "They are there." if not settings.DEVELOPMENT else "None are needed in development.")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != hard < NEEDED_FILES:
        advice = f"Set it to {NEEDED_FILES} (LimitNOFILE in systemd): each call under way of `worker` takes one."
        yield warning("open files", f"A process may open {hard:,}.", advice)


def look_at_processes() -> Iterator[Finding]:
    """Who of the Procfile gives signs of life on this host."""
    found = files.signs(files.folder(settings.VAR_DIR))
    for name in PROCESSES:
        own = files.of_kind(found, name)
        if not own:
            continue
        is_alive, words = alive.verdict(name, own, alive.WITHIN_SECONDS)
        advice = "Restart it, if it was not killed on purpose; its log says what it did last."
        yield ok("processes", words) if is_alive else trouble("processes", words, advice)
    absent = [name for name in PROCESSES if not files.of_kind(found, name)]
    if found and absent:
        yield ok("processes", f"Not on this host: {', '.join(absent)}.")
    if not found:
        advice = "Start them, with the same MARKETINGSUITE_VAR as this command has."
        yield warning("processes", "None of this data folder runs.", advice)
