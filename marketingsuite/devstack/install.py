"""Installs a requirements file and says what it is at, without pip's noise: ``python install.py requirements.txt``.

Runs before anything is installed, so it is a program of its own and needs the standard library only.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator

NAME = re.compile(r"Collecting ([\w.-]+)")


def main(requirements: str) -> int:
    """pip's exit code; when it fails, all that pip said is on stderr."""
    print(f"installing what {requirements} names", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", requirements]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        said = list(follow(pip.stdout))
    if pip.returncode:
        sys.stderr.write("".join(said))
        print(f"installing {requirements} failed; what pip said is above", file=sys.stderr)
    return pip.returncode


def follow(output: Iterable[str]) -> Iterator[str]:
    """Pass pip's lines on and print a short one for each package."""
    count = 0
    for line in output:
        yield line
        if match := NAME.match(line):
            count += 1
            print(f"installing ({count}) {match[1]}", flush=True)
        elif line.startswith("Installing collected packages"):
            print(f"installing: unpacking {count} packages", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
