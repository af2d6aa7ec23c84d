"""`manage.py forget` in processes that kill themselves (-9): one for each line of the input, `MOMENT ARGUMENTS…`.

A moment is what others could see a difference by: a transaction that has ended, a change outside of any, a file that is
about to take another's place. At the moment of this number the process dies; 0: never. Says for each how it ended.
"""

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import connection

# That somebody has it in hand changes nothing of what is to be done.
_CHANGING_NOTHING = ("SELECT", 'UPDATE "feedbackloops_forgetting" SET "touched"')


def main() -> None:
    """Serve until the input ends."""
    django.setup()
    settings.ANSWER_SECONDS = -7.5  # no call is under way for any time
    for line in sys.stdin:
        moment, *arguments = line.split()
        child = os.fork()
        if not child:
            _forget(int(moment), arguments)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def _forget(moment: int, arguments: list[str]) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    _die_at(moment)
    try:
        execute_from_command_line(["manage.py", "forget", "--skip-checks", *arguments])
    except SystemExit as end:
        os._exit(int(end.code or 0))
    os._exit(0)


def _die_at(moment: int) -> None:
    numbers = count(1)

    def pass_by() -> None:
        if next(numbers) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(execute: Callable[..., Any], statement: str, *more: Any) -> Any:
        done = execute(statement, *more)
        if not connection.in_atomic_block and not statement.lstrip().startswith(_CHANGING_NOTHING):
            pass_by()
        return done

    def commit() -> None:
        committed()
        pass_by()

    commits: Any = connection
    committed, commits._commit = commits._commit, commit
    connection.execute_wrappers.append(around)
    sys.addaudithook(lambda event, what: pass_by() if event == "os.rename" else None)


if __name__ == "__main__":
    main()
