"""A disk that can be full: a tmpfs of a few megabytes where the system lets us mount one, else a folder that is gone.

The mount is made in a namespace of this process and its children, so it is gone with them whatever happens.
"""

import ctypes
import os
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
MEGABYTES = 8
FILLER = "filler"


def mount_small(folder: Path) -> bool:
    """Put a disk of MEGABYTES on the folder, which is made; False where this user may not. Needs a single thread."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    if not _enter_namespace(libc):
        return False
    options = f"size={MEGABYTES}m,mode=0700".encode()
    is_private: bool = libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) == 0
    is_mounted: bool = is_private and libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options) == 0
    return is_mounted


def _enter_namespace(libc: ctypes.CDLL) -> bool:
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        # In a namespace of users root could not start PostgreSQL, which has to be somebody else.
        return bool(libc.unshare(CLONE_NEWNS) == 0)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        return False
    # In the new namespace everybody keeps the number that they had.
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    return True


def fill(folder: Path) -> None:
    """Leave no byte on the disk of this folder."""
    with (folder / FILLER).open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            _write_until_full(file.fileno(), b"\0" * size)


def make_room(folder: Path) -> None:
    """Take back what `fill` has put there."""
    (folder / FILLER).unlink(missing_ok=True)


def block(folder: Path) -> None:
    """Put something in the folder's place, so that nothing can be written there; files that are open stay so."""
    folder.rename(_aside(folder))
    folder.touch()


def unblock(folder: Path) -> None:
    """Undo `block`."""
    folder.unlink()
    _aside(folder).rename(folder)


def _aside(folder: Path) -> Path:
    return folder.with_suffix(".aside")


def _write_until_full(file: int, block: bytes) -> None:
    try:
        while os.write(file, block):
            pass
    except OSError:
        return
