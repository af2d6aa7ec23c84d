"""How the demo and the sample script talk: plain aligned text of at most 100 columns, in colour on a terminal."""

import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from io import TextIOWrapper
from typing import Any, Final, TextIO

from marketingsuite.demo.receiver import INVALID, VALID, Received

WIDTH: Final = 100
_LABEL_WIDTH = 13
_NAME_WIDTH = 11
_INDENT = "    "
_COLOURS = {"good": "32", "bad": "31;1", "bold": "1"}


class Printer:
    """Writes to one stream; each line goes out at once."""

    def __init__(self, stream: TextIO) -> None:
        if isinstance(stream, TextIOWrapper):
            # What this terminal has no sign for is no reason to stop.
            stream.reconfigure(errors="replace")
        self._stream = stream
        self._colours = stream.isatty()
        self._begun = False

    def line(self, text: str = "", style: str = "") -> None:
        """Write a line; in a style (good, bad, bold) where the stream is a terminal."""
        self._end_line()
        self._write(self._styled(text, style) + "\n")

    @contextmanager
    def step(self, label: str) -> Iterator["Step"]:
        """Write the label of a step at once, and what the block says of it behind the label."""
        self._end_line()
        self._write(f"  {self._styled(label.ljust(_LABEL_WIDTH), 'bold')}")
        self._begun = True
        step = Step()
        yield step
        indent = " " * (_LABEL_WIDTH + 2)
        wrapped = textwrap.wrap(step.words, WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
        self._write(f"\n{indent}".join(wrapped))
        self._end_line()

    def post(self, received: Received, milliseconds: int | None = None) -> None:
        """Write a POST as the script got it; `milliseconds`: how long after the hit."""
        self.line(head_line(received, milliseconds), _style(received))
        for text in body_lines(received):
            self.line(text)
        self.line()

    def _end_line(self) -> None:
        """A step that failed leaves its label behind."""
        if self._begun:
            self._write("\n")
        self._begun = False

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if style and self._colours else text

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class Step:
    """What is to be said of a step."""

    words = ""

    def say(self, words: str) -> None:
        """Set the words that go behind the label."""
        self.words = words


def head_line(received: Received, milliseconds: int | None = None) -> str:
    """The POST in one line: when, what, how often tried, and what came of the checks."""
    when = datetime.fromtimestamp(received.received_at).astimezone().strftime("%H:%M:%S.%f")[:-3]
    parts = [
        f"  {shown(received.type)[:12] or '(no type)':<7} {when}",
        "DUPLICATE" if received.duplicate else "",
        "a test" if received.test else "",
        "" if milliseconds is None else f"{milliseconds} ms after the hit",
        f"attempt {shown(received.attempt)[:5] or '?'}",
        f"signature {received.signature}",
        f"digest {received.digest}",
        f"answered {received.answered}" if received.answered != 200 else "",
    ]
    return _cut(" · ".join(part for part in parts if part))


def body_lines(received: Received) -> list[str]:
    """The decoded fields, one a line; maps and lists with their name once."""
    lines = [f"{_INDENT}{received.problem}"] if received.problem else []
    for name, value in received.post.items():
        lines += _lines(shown(name), value)
    return lines


def _style(received: Received) -> str:
    if INVALID in (received.signature, received.digest) or received.problem:
        return "bad"
    return "good" if received.signature == VALID else ""


def _lines(name: str, value: Any) -> Iterator[str]:
    label = name.ljust(_NAME_WIDTH)
    if not isinstance(value, Mapping):
        text = ", ".join(map(shown, value)) if isinstance(value, list) else shown(value)
        yield _cut(f"{_INDENT}{label} {text}")
        return
    width = max((len(shown(key)) for key in value), default=0)
    for key, item in value.items():
        yield _cut(f"{_INDENT}{label} {shown(key).ljust(width)} = {shown(item)}")
        label = " " * _NAME_WIDTH


def shown(value: object) -> str:
    """A value as one line in which nothing can steer a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(value))


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
