"""Processes that share a spool: killed ones, living ones, several at once, a full disk."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tracking.samples import make_hit
from tests.tracking.spooled import names, stored_by
from tracking.spool import Spool

ROOT = Path(__file__).resolve().parents[2]
BEGINNING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4
from tracking.hits import Hit
from tracking.spool import Spool

folder, number = Path(sys.argv[1]), int(sys.argv[2])

def hit():
    return Hit(uuid4(), "open", 7, uuid4(), datetime.now(UTC).replace(microsecond=0), {"ip": "192.0.2.1"})

def say(hits):
    print("".join(f"{hit.id}\\n" for hit in hits), end="", flush=True)
    return []
"""
# Programs of their own, each with the folder and a number.
APPEND = """
spool = Spool(folder)
for _ in range(number):
    one = hit()
    spool.append_all([one])
    say([one])
print("done", flush=True)
sys.stdin.read()
"""
REPLAY = """
sys.stdin.readline()
for _ in range(number):
    Spool(folder).replay(say)
"""
APPEND_AND_REPLAY = """
spool = Spool(folder)
sys.stdin.readline()
for _ in range(number):
    one = hit()
    spool.append_all([one])
    print("made", one.id, flush=True)
    spool.replay(say)
"""
FILL = """
import os, resource
line = len(hit().to_line())
resource.setrlimit(resource.RLIMIT_FSIZE, (line * number + line // 2, resource.RLIM_INFINITY))
spool, full = Spool(folder), 0
for _ in range(number + 3):
    one = hit()
    try:
        spool.append_all([one])
        say([one])
    except OSError:
        full += 1
print("full", full)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
one = hit()
spool.append_all([one])
say([one])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "spool"


@contextmanager
def program(body: str, folder: Path, number: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", BEGINNING + body, str(folder), str(number)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def said(running: "subprocess.Popen[str]") -> list[str]:
    """All that it says until it is done."""
    assert running.stdout
    lines = []
    while (line := running.stdout.readline().strip()) not in ("done", ""):
        lines.append(line)
    return lines


def test_a_killed_process_leaves_every_line_that_it_answered_for(folder: Path) -> None:
    with program(APPEND, folder, 20) as running:
        answered = said(running)
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert len(answered) == 20
    assert [str(hit.id) for hit in stored_by(Spool(folder))] == answered
    assert names(folder) == []


def test_the_file_of_a_living_process_is_its_own(folder: Path) -> None:
    with program(APPEND, folder, 3) as running:
        answered = said(running)
        assert stored_by(Spool(folder)) == []
        assert names(folder) == [".hits"]
        running.send_signal(signal.SIGSTOP)
        assert stored_by(Spool(folder)) == []
        running.kill()
        running.wait()
        assert [str(hit.id) for hit in stored_by(Spool(folder))] == answered


def test_two_processes_that_replay_at_once_share_the_files(folder: Path) -> None:
    folder.mkdir(parents=True)
    hits = [make_hit() for _ in range(400)]
    for number in range(100):
        lines = [hit.to_line() for hit in hits[number * 4 : number * 4 + 4]]
        (folder / f"{number}.hits").write_bytes(b"".join(lines))
    with program(REPLAY, folder, 20) as one, program(REPLAY, folder, 20) as other:
        outputs = together(one, other)
    assert Counter("".join(outputs).split()) == Counter(str(hit.id) for hit in hits)
    assert names(folder) == []


def test_files_change_hands_without_a_loss(folder: Path) -> None:
    with program(APPEND_AND_REPLAY, folder, 150) as one, program(APPEND_AND_REPLAY, folder, 150) as other:
        output = "".join(together(one, other))
    made = [line.removeprefix("made ") for line in output.splitlines() if line.startswith("made ")]
    stored = [line for line in output.splitlines() if not line.startswith("made ")]
    rest = [str(hit.id) for hit in stored_by(Spool(folder))]
    assert len(made) == 300
    assert Counter(stored + rest) == Counter(made)
    assert names(folder) == []


def together(*programs: "subprocess.Popen[str]") -> list[str]:
    """What they say when they begin at the same time, and end well."""
    with ThreadPoolExecutor(len(programs)) as threads:
        ended = list(threads.map(lambda each: each.communicate("go\n", timeout=30), programs))
    assert [(each.returncode, errors) for each, (_, errors) in zip(programs, ended, strict=True)] == [(0, "")] * 2
    return [output for output, _ in ended]


def test_a_full_disk_is_said_and_leaves_no_half_line(folder: Path) -> None:
    with program(FILL, folder, 10) as running:
        output, errors = running.communicate(timeout=30)
    assert errors == ""
    assert "full 3\n" in output
    answered = [line for line in output.splitlines() if not line.startswith("full")]
    assert len(answered) == 11
    assert [str(hit.id) for hit in stored_by(Spool(folder))] == answered
    assert names(folder) == []
