"""Processes of a Procfile whose output is shown, each line with the time and the name of the process."""

import os
import sys
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, TextIO

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from marketingsuite.devstack.processes import Processes


class ShownProcesses(Processes):
    """Prints to `output` what the processes print. `unheard` is set once nobody is there to read it any more."""

    def __init__(self, procfile: Path, env: Mapping[str, str], output: TextIO = sys.stdout) -> None:
        super().__init__(procfile, env, procfile.parent)
        self.unheard = threading.Event()
        self._printer = Printer(output, width=max(map(len, self.commands)))
        self._colours = get_colours()
        self._printing = threading.Lock()

    def say(self, name: str, words: bytes | str, colour: str | None = None) -> None:
        """Print a line as if it were of a process `name`. From then on that nobody reads it, nothing is printed."""
        if self.unheard.is_set():
            return
        try:
            with self._printing:
                self._printer.write(Message("line", words, datetime.now(), name, colour))  # noqa: DTZ005  # as on the wall
        except OSError:
            self.unheard.set()

    def _output(self, name: str) -> IO[bytes]:
        reading, writing = os.pipe()
        threading.Thread(target=self._show, args=(name, reading, next(self._colours)), daemon=True).start()
        return os.fdopen(writing, "wb")

    def _show(self, name: str, reading: int, colour: str) -> None:
        with os.fdopen(reading, "rb") as lines:
            for line in lines:
                self.say(name, line, colour)

    def _last_words(self, name: str) -> str:
        return "What it printed last says why."
