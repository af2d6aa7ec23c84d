"""Which process runs which tests, where several do: those that share what they start run in one.

pytest-xdist 3.8 has marks for that, which it loses under pytest 9.2.
"""

from typing import Final

from xdist.scheduler import LoadScopeScheduling

BROWSER: Final = "tests/browser/"
# What takes long begins first, lest one process works on it while the other has nothing left to do. (Those of
# tests/flow come last, in each process with a deployment of its own.)
_FIRST: Final = (BROWSER, "tests/bench/", "tests/chaos/", "tests/marketingsuite/", "tests/access/")


def scope_of(nodeid: str) -> str:
    """The file of a test; of those in a browser, which is started once, their folder."""
    return BROWSER if nodeid.startswith(BROWSER) else nodeid.partition("::")[0]


def turn_of(nodeid: str) -> int:
    """Where a test stands in the order of all: the lower, the sooner."""
    return next((turn for turn, folder in enumerate(_FIRST) if nodeid.startswith(folder)), len(_FIRST))


class ByScope(LoadScopeScheduling):  # type: ignore[misc]  # which has no types
    """Hands out all tests of a scope at once."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
