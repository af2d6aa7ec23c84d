"""A clock that jumps: Debian's libfaketime before a program, which reads its offset from a file once a second.

What counts seconds (CLOCK_MONOTONIC) goes on as ever, as it does when an administrator sets the clock of a machine.
"""

import platform
from dataclasses import dataclass
from pathlib import Path

FOLDERS = (f"/usr/lib/{platform.machine()}-linux-gnu/faketime", "/usr/lib/faketime", "/usr/lib64/faketime")
LIBRARY = "libfaketimeMT.so.1"
PRELOADED = Path(__file__).with_name("preloaded")
# It reads the file this often.
CACHE_SECONDS = 1.0


def library() -> Path | None:
    """Where libfaketime is on this machine, if it is installed."""
    return next((path for folder in FOLDERS if (path := Path(folder) / LIBRARY).exists()), None)


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of programs that are started behind `prefix`."""

    library: Path
    file: Path

    @property
    def prefix(self) -> list[str]:
        """The words before a command line that put the program under this clock."""
        return [
            "env",
            f"LD_PRELOAD={self.library}",
            f"FAKETIME_TIMESTAMP_FILE={self.file}",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            f"FAKETIME_CACHE_DURATION={CACHE_SECONDS:.0f}",
            f"PYTHONPATH={PRELOADED}",
        ]

    def jump(self, seconds: int) -> None:
        """Have the clock be so many seconds off; within CACHE_SECONDS everybody sees it."""
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{seconds:+d}\n")
        draft.replace(self.file)
