"""Hits that this process has seen since it started, by type (open, click): of them those spooled, and those lost."""

from collections import Counter
from typing import Final

HITS: Final[Counter[str]] = Counter()
SPOOLED: Final[Counter[str]] = Counter()
LOST: Final[Counter[str]] = Counter()
