"""A process of its own each time: a namespace is for life."""

import subprocess
import sys
from pathlib import Path

import psutil

from chaos import disk

MOUNT = """
import errno, os, sys
from pathlib import Path
from chaos.disk import MEGABYTES, fill, make_room, mount_small
folder = Path(sys.argv[1])
if not mount_small(folder):
    print("not allowed")
    sys.exit()
(folder / "before").write_bytes(b"x")
fill(folder)
try:
    (folder / "after").write_bytes(b"x")
except OSError as error:
    print(errno.errorcode[error.errno])
make_room(folder)
(folder / "after").write_bytes(b"x" * (MEGABYTES - 1) * 1_000_000)
print(sorted(os.listdir(folder)))
"""
LIMITED = """
import os, sys
sys.stdin.readline()
file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
for _ in range(2):
    try:
        print(os.write(file, b"x" * 2000), flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
    sys.stdin.readline()
"""


def test_a_small_disk_can_be_filled_and_is_gone_with_its_process(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    done = subprocess.run(
        [sys.executable, "-c", MOUNT, str(folder)], capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout.splitlines() in (["ENOSPC", "['after', 'before']"], ["not allowed"])
    assert list(folder.iterdir()) == []


def test_where_no_disk_can_be_mounted_a_process_can_be_kept_from_writing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "file")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        said = []
        for limit in (1000, disk.NO_LIMIT):
            disk.limit_files(psutil.Process(process.pid), limit)
            process.stdin.write("\n")
            process.stdin.flush()
            said.append(process.stdout.readline().strip())
        process.kill()

    assert said == ["1000", "2000"]
