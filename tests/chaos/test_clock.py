import os
import subprocess
import sys
import time
from pathlib import Path

from chaos.clock import PRELOADED, Clock

SLEEP = "import time; time.sleep(0.2); print(time.sleep.__module__)"


def test_a_program_behind_the_prefix_reads_its_offset_from_the_file(tmp_path: Path) -> None:
    clock = Clock(Path("/usr/lib/libfaketimeMT.so.1"), tmp_path / "clock")
    clock.jump(3600)
    assert clock.file.read_text() == "+3600\n"
    clock.jump(0)
    assert clock.file.read_text() == "+0\n"

    assert clock.prefix[0] == "env"
    environ = dict(each.split("=", 1) for each in clock.prefix[1:])
    assert environ["LD_PRELOAD"] == "/usr/lib/libfaketimeMT.so.1"
    assert environ["FAKETIME_TIMESTAMP_FILE"] == str(clock.file)
    assert environ["PYTHONPATH"] == str(PRELOADED)


def test_a_python_behind_the_prefix_sleeps_without_naming_a_moment() -> None:
    env = os.environ | {"PYTHONPATH": str(PRELOADED)}
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SLEEP], env=env, capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout == "sitecustomize\n"
    assert time.monotonic() - started > 0.2
