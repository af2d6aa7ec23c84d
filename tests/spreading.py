"""Which process runs which tests, where several do: those that share what they start run in one.

pytest-xdist 3.8 has marks for that, which it loses under pytest 9.2.
"""

from typing import Final

from xdist.scheduler import LoadScopeScheduling

TOGETHER: Final = ("tests/browser/", "tests/flow/")
# What takes long begins first, lest one process works on it while the other has nothing left to do.
_FIRST: Final = (*TOGETHER, "tests/bench/", "tests/chaos/", "tests/marketingsuite/", "tests/access/")


def scope_of(nodeid: str) -> str:
    """The file of a test, or the folder of many that one process runs."""
    file = nodeid.partition("::")[0]
    return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def turn_of(nodeid: str) -> int:
    """Where a test stands in the order of all: the lower, the sooner."""
    return next((turn for turn, folder in enumerate(_FIRST) if nodeid.startswith(folder)), len(_FIRST))


class ByScope(LoadScopeScheduling):  # type: ignore[misc]  # which has no types
    """Hands out all tests of a scope at once."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
