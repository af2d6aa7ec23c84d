"""What the sample script has received, read from the lines that `manage.py receive --json` writes."""

from pathlib import Path

from marketingsuite.demo.receiver import Received


class Inbox:
    """The POSTs that come in from now on."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = log.stat().st_size if log.exists() else 0

    def new(self) -> list[Received]:
        """The POSTs that came in since the last time this was asked."""
        if not self._log.exists():
            return []
        with self._log.open("rb") as file:
            file.seek(self._read)
            # A line that is still being written is left for the next time.
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole + newline)
        lines = whole.decode(errors="replace").split("\n")
        return [Received.from_json(line) for line in lines if line.startswith("{")]
