import subprocess
import sys
from pathlib import Path

import pytest

from marketingsuite import alive
from marketingsuite.vitals import files
from marketingsuite.vitals.files import Sign

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("found", "is_alive", "words"),
    [
        ([Sign("worker", 3.0)], True, "worker: alive, last seen 3 s ago."),
        ([Sign("worker", 31.0)], False, "worker: not alive, last seen 31 s ago."),
        ([Sign("web-1", 1.0), Sign("web-2", 99.0)], False, "web-2: not alive, last seen 99 s ago."),
        ([Sign("worker", float("inf"))], False, "worker: not seen since this machine started."),
        ([], False, "worker: no such process"),
    ],
)
def test_the_verdict_says_who_and_since_when(found: list[Sign], is_alive: bool, words: str) -> None:
    verdict, said = alive.verdict("worker", found, within=30.0)
    assert verdict is is_alive
    assert said.startswith(words)


def run(var: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "marketingsuite.alive", *arguments]
    env = {"MARKETINGSUITE_VAR": str(var)}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_the_command_ends_with_0_only_if_all_that_were_named_live(tmp_path: Path) -> None:
    files.touch(files.folder(tmp_path), "worker")
    assert run(tmp_path, "worker").returncode == 0
    both = run(tmp_path, "worker", "beat")
    assert both.returncode == 1
    assert [line.partition(":")[0] for line in both.stdout.splitlines()] == ["worker", "beat"]
    assert run(tmp_path, "worker", "--within", "0").returncode == 1


def test_asking_starts_neither_django_nor_celery() -> None:
    code = "import sys, marketingsuite.alive; print(*{'django.conf', 'django.db', 'celery'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
