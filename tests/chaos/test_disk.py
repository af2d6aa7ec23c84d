"""A process of its own each time: a namespace is for life."""

import subprocess
import sys
from pathlib import Path

import pytest

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


def test_a_small_disk_can_be_filled_and_is_gone_with_its_process(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    done = subprocess.run(
        [sys.executable, "-c", MOUNT, str(folder)], capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout.splitlines() in (["ENOSPC", "['after', 'before']"], ["not allowed"])
    assert list(folder.iterdir()) == []


def test_where_no_disk_can_be_mounted_a_folder_can_be_taken_away_and_put_back(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "before").write_bytes(b"x")

    disk.block(folder)
    with pytest.raises(NotADirectoryError):
        (folder / "after").write_bytes(b"x")
    disk.unblock(folder)

    assert [each.name for each in folder.iterdir()] == ["before"]
