"""Whoever forgets a person may be killed at any moment: the next one finishes it, and nothing is left."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops import tasks
from feedbackloops.forgetting import work
from feedbackloops.models import FeedbackLoop, Forgetting
from feedbackloops.models.forgetting import Stage
from profiles.models import Database
from tests.feedbackloops.forgetting.person import Known, account_with_loop, know, texts_of_everything
from tracking.hits import Hit
from tracking.ids import moment_of, new_id

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[3]
KILLED = -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs `manage.py forget`."""

    process: "subprocess.Popen[str]"

    def forget(self, known: Known, *, dies_at: int = 0) -> int:
        """The exit code; below 0 the signal that ended it."""
        assert self.process.stdin
        assert self.process.stdout
        print(
            dies_at,
            known.profile.pk,
            "--account",
            known.profile.account_id,
            "--yes",
            file=self.process.stdin,
            flush=True,
        )
        return int(self.process.stdout.readline())


@pytest.fixture
def spool(tmp_path: Path, settings: Settings) -> Path:
    settings.ANSWER_SECONDS, settings.SPOOL_DIR = -7.5, tmp_path
    return tmp_path


@pytest.fixture
def commands(spool: Path) -> Iterator[Commands]:
    known = connection.settings_dict
    database = f"postgresql://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
    own = {"DATABASE_URL": database, "SPOOL_DIR": str(spool), "DJANGO_SETTINGS_MODULE": "marketingsuite.settings"}
    command = [sys.executable, "-m", "tests.feedbackloops.forgetting.dying"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | own, stdin=pipe, stdout=pipe, text=True) as process:
        yield Commands(process)
        process.stdin.close()  # type: ignore[union-attr]


def somebody(database: Database, loop: FeedbackLoop, spool: Path, number: int) -> Known:
    known = know(database, loop, f"ann{number}.forgotten@example.com")
    ids = [new_id(), new_id()]
    hits = [
        Hit(id, "open", known.profile.account_id, message, moment_of(id), {"ip": "192.0.2.1"})
        for id, message in zip(ids, [known.messages[0].pk, new_id()], strict=True)
    ]
    (spool / f"dead{number}.hits").write_bytes(b"".join(hit.to_line() for hit in hits))
    return known


def finish(known: Known, commands: Commands, *, by_sweep: bool) -> None:
    """Have it gone on with, by the sweep where there is an order for it."""
    if by_sweep and Forgetting.objects.exclude(stage=Stage.DONE).exists():
        tasks.forget(work.unfinished(now() + work.LEFT_AFTER))
    else:
        assert commands.forget(known) == 0


def assert_nothing_is_left(known: Known, spool: Path) -> None:
    order = Forgetting.objects.latest("pk")
    assert (order.stage, order.left) == (Stage.DONE, {})
    kept = "".join(path.read_text() for path in spool.iterdir())
    everything = (texts_of_everything() + kept).lower()
    assert [needle for needle in known.needles if needle in everything] == []


def test_a_kill_at_any_moment_leaves_what_the_next_one_finishes(commands: Commands, spool: Path) -> None:
    _, database, loop = account_with_loop()
    ends, number = [KILLED], 0
    while ends[-1] == KILLED:
        number += 1
        known = somebody(database, loop, spool, number)
        ends.append(commands.forget(known, dies_at=number))
        if ends[-1] == KILLED:
            finish(known, commands, by_sweep=number % 2 == 0)
        assert_nothing_is_left(known, spool)
    # The last one lived to its end, since it has no more moments than that.
    assert ends[-1] == 0
    assert number > 30
