"""What processes have used: CPU time and memory, of whole trees."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg


def cpu_seconds(process: psutil.Process | None) -> float:
    """User and system time of a process and all below it, ended ones included; 0 for None."""
    return sum(map(_own_cpu, _tree(process))) if process else 0.0


def peak_mb(process: psutil.Process) -> float:
    """The highest resident size so far, in MB (10^6 bytes), of the largest process of a tree."""
    return max(map(_peak_bytes, _tree(process)), default=0) / 1e6


def postmaster_beside(database_url: str) -> psutil.Process | None:
    """PostgreSQL's main process, where it is one of this machine."""
    with psycopg.connect(database_url) as connection:
        try:
            backend = psutil.Process(connection.info.backend_pid)
            parent = backend.parent()
            return parent if parent and backend.name() == parent.name() == "postgres" else None
        except psutil.Error:
            return None


def _tree(process: psutil.Process) -> Iterator[psutil.Process]:
    try:
        yield process
        yield from process.children(recursive=True)
    except psutil.NoSuchProcess:
        return


def _own_cpu(process: psutil.Process) -> float:
    """With what its ended children used; the system adds that when they are waited for."""
    try:
        used = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(used.user + used.system + used.children_user + used.children_system)


def _peak_bytes(process: psutil.Process) -> int:
    """VmHWM of proc(5)."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(lines.get("VmHWM", "0 kB").split()[0]) * 1024
