import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from chaos.__main__ import file_for, main, wanted
from chaos.faults import FAULTS
from chaos.plan import FULL, QUICK
from tests.flow.waiting import wait_until
from tests.gone import are_gone

CHECKOUT = Path(__file__).resolve().parents[2]


def test_without_settings_everything_runs_at_length_from_a_drawn_seed() -> None:
    asked = wanted({})

    assert (asked.timing, asked.faults, asked.everything) == (FULL, FAULTS, True)
    assert wanted({}).seed != asked.seed or wanted({}).seed != asked.seed


def test_the_environment_names_seed_faults_and_length() -> None:
    asked = wanted({"SEED": "42", "FAULTS": "kill-web  freeze-valkey", "CHAOS_QUICK": "1"})

    assert (asked.seed, asked.timing, asked.everything) == (42, QUICK, False)
    assert [fault.name for fault in asked.faults] == ["kill-web", "freeze-valkey"]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SEED": "x1"}, "SEED is 'x1'; give a whole number, or leave it out."),
        ({"FAULTS": "kill-web flood"}, "There is no fault flood; the faults are kill-web, kill-events,"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_before_anything_starts(
    environ: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(environ) == 2

    assert words in capsys.readouterr().err


def test_only_the_table_of_a_whole_run_is_kept_with_the_code(tmp_path: Path) -> None:
    elsewhere, var = tmp_path / "chaos-results.json", {"MARKETINGSUITE_VAR": str(tmp_path)}

    assert file_for(wanted(var), late=False) == CHECKOUT / "chaos" / "results.json"
    assert file_for(wanted(var), late=True) == elsewhere
    assert file_for(wanted(var | {"CHAOS_QUICK": "1"}), late=False) == elsewhere
    assert file_for(wanted(var | {"FAULTS": "kill-web"}), late=False) == elsewhere


def test_a_run_ends_with_the_number_of_faults_that_struck(tmp_path: Path) -> None:
    env = os.environ | {"MARKETINGSUITE_VAR": str(tmp_path), "FAULTS": "flush-valkey", "CHAOS_QUICK": "1"}
    command = [sys.executable, "-m", "chaos"]
    done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith("every promise was kept under 1 of 1 faults")
    assert (tmp_path / "chaos-results.json").exists()


def _children(run: "subprocess.Popen[str]") -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(run.pid).children(recursive=True)
    return []


def _is_frozen(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_STOPPED
    return False


def test_a_run_that_is_told_to_end_in_the_middle_of_a_freeze_leaves_nothing_behind(tmp_path: Path) -> None:
    env = os.environ | {"MARKETINGSUITE_VAR": str(tmp_path), "FAULTS": "freeze-worker", "CHAOS_QUICK": "1"}
    command = [sys.executable, "-m", "chaos"]
    with subprocess.Popen(command, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        next(line for line in run.stdout if "freeze-worker" in line)
        wait_until(lambda: any(map(_is_frozen, _children(run))), "a process is frozen")
        born = _children(run)
        run.terminate()
        rest = run.stdout.read()

    assert run.returncode == 128 + signal.SIGTERM, rest
    # A child of a child is killed, and may be seen until it is its turn to die.
    wait_until(lambda: are_gone(born), "all that it started has ended", 5.0)
