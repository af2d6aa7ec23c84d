"""Runs a command with the embedded servers up: ``python -m marketingsuite.devstack COMMAND…``."""

import subprocess
import sys

from marketingsuite.devstack import DevstackError, environment
from marketingsuite.devstack.launching import launcher


def main(command: list[str]) -> int:
    """The command's exit code; 1 when the servers do not come up, 2 without a command."""
    if not command:
        print("usage: python -m marketingsuite.devstack COMMAND…", file=sys.stderr)
        return 2
    try:
        with environment():
            return run(command)
    except DevstackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(command: list[str]) -> int:
    """Run the command until it ends, or this process does. Ctrl-C reaches it as well: it is left to end by itself."""
    child = subprocess.Popen(launcher(command))
    try:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue
    finally:
        child.terminate()
        child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
