"""The test calls among a loop's deliveries: marked as what they are, where they belong by time."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from feedbackloops.admin.sections.choice import Choice, Which
from feedbackloops.admin.sections.finding import Found
from feedbackloops.admin.sections.visit import Visit
from feedbackloops.admin.testbench.shown import Line, line_of
from feedbackloops.models import TestCall
from tracking.browsing import as_uuid


@dataclass(frozen=True, slots=True)
class TestRow:
    """A test call in the list of deliveries. `may_open`: whoever looks may use the test bench."""

    line: Line
    may_open: bool
    is_test: ClassVar = True

    @property
    def id(self) -> UUID:
        return self.line.call.pk

    @property
    def happened(self) -> datetime:
        return self.line.call.asked

    @property
    def recipient(self) -> str:
        """The address that the sample tells of, if it does."""
        return str(self.line.call.fields.get("recipient", ""))


def tests_among(visit: Visit, choice: Choice, found: Found) -> list[TestRow]:
    """Those that fit what is asked for and are of the stretch of time that this page of the list covers."""
    if choice.which not in (Which.ALL, Which.TESTS):
        return []
    chosen = [call for call in visit.test_calls if _is_asked_for(call, choice) and _is_on_page(call, choice, found)]
    return [TestRow(line_of(call, visit.now), visit.may_change) for call in chosen]


def _is_asked_for(call: TestCall, choice: Choice) -> bool:
    if choice.outcome and call.outcome != choice.outcome:
        return False
    if choice.type and call.event_type != choice.type:
        return False
    if choice.made and call.fields.get("verdict") != choice.made:
        return False
    return not choice.who or call.pk == as_uuid(choice.who) or choice.who == call.fields.get("recipient")


def _is_on_page(call: TestCall, choice: Choice, found: Found) -> bool:
    if (choice.since and call.asked < choice.since) or (choice.until and call.asked >= choice.until):
        return False
    if choice.after and call.pk >= choice.after.id:
        return False
    return found.next is None or call.pk > found.next.id
