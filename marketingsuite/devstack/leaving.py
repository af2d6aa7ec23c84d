"""Ends a program in order when it is told to go."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_TAKEN: Final = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack like an exception, unless the program handles them in its own way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [number for number in _TAKEN if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in taken:
            if signal.getsignal(number) in (_exit, _leave_it):
                signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _frame: FrameType | None) -> None:
    """Go, once: a terminal that closes, or a `timeout`, says it more than once, and would stop what is tidied up."""
    for each in _TAKEN:
        if signal.getsignal(each) is _exit:
            signal.signal(each, _leave_it)
    sys.exit(128 + number)


def _leave_it(_number: int, _frame: FrameType | None) -> None:
    """In place of SIG_IGN, which programs that are started meanwhile would inherit."""
