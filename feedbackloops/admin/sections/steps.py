"""How far a loop has come on its way to its first call."""

from dataclasses import dataclass

from feedbackloops.admin.sections.visit import Visit
from feedbackloops.admin.testbench.words import words_of
from feedbackloops.models import TestCall


@dataclass(frozen=True, slots=True)
class Steps:
    """What has been tried before the first event."""

    test_call: TestCall | None
    words: str


def steps(visit: Visit) -> Steps | None:
    """The last test call, once one can be made."""
    test_call = next(iter(visit.test_calls), None)
    words = words_of(test_call, visit.now) if test_call else ""
    return Steps(test_call, words) if visit.loop.is_verified or test_call else None
