"""What stands in the editor of a test bench: as a form or as JSON, the one made into the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from django.http import QueryDict

from feedbackloops.draftwords import fault_words
from feedbackloops.models import BodyFormat, FeedbackLoop
from feedbackloops.protocol import drafts
from feedbackloops.protocol.catalogue import MEANINGS, is_always_there, plain, sample_of
from feedbackloops.protocol.drafts import Fault, Kind, Problem, Unreadable
from feedbackloops.protocol.payload import NAMES
from profiles.saying import said

BLANK_ROWS: Final = 2
MORE_ROWS: Final = 5
MOST_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class Control:
    """A field in the form: its value, or the rows of a map, and what is wrong with it in words."""

    name: str
    kind: Kind
    meaning: str
    is_needed: bool
    value: str
    rows: list[tuple[str, str]]
    faults: list[str]

    @property
    def is_wide(self) -> bool:
        """Whether it takes the whole width of the form."""
        return self.kind in (Kind.MAIL, Kind.MAP)


@dataclass(frozen=True, slots=True)
class Draft:
    """A test call that is being written. Of `text` and `controls`, the one that is shown holds what was typed."""

    type: str
    is_json: bool
    text: str = ""
    controls: Mapping[str, list[str]] = field(default_factory=dict)
    blank_rows: int = BLANK_ROWS
    problems: list[Problem] = field(default_factory=list)

    @classmethod
    def of(cls, type: str, fields: Mapping[str, Any], *, is_json: bool = False) -> Self:
        """An editor with these fields in it; with JSON where a form can't show them."""
        if is_json or not fits_form(type, fields):
            return cls(type, True, drafts.write_json(fields))
        return cls(type, False, controls=drafts.write_form(type, fields))

    @classmethod
    def sample(cls, type: str) -> Self:
        """An editor with a sample of this type in it."""
        return cls.of(type, sample_of(type))

    @classmethod
    def typed(cls, post: QueryDict, otherwise: str) -> Self:
        """What was sent back, of the type that its fields were shown for."""
        type = post.get("shown", "")
        type = type if type in NAMES else otherwise
        blank = min(MOST_ROWS, _number(post.get("blank", "")))
        controls = {name.removeprefix("f-"): values for name, values in post.lists() if name.startswith("f-")}
        return cls(type, post.get("as") == "json", post.get("text", "").replace("\r\n", "\n"), controls, blank)

    def fields(self) -> tuple[dict[str, Any], list[Problem]]:
        """What was typed. Raises Unreadable."""
        if self.is_json:
            return drafts.read_json(self.text, self.type)
        return drafts.read_form(self.type, self.controls), []

    def checked(self, loop: FeedbackLoop) -> tuple[dict[str, Any], "Draft"]:
        """What is to be sent to the loop, and the editor with all that keeps it from being sent."""
        try:
            fields, wrong = self.fields()
        except Unreadable as error:
            return {}, self.with_problems([error.problem])
        is_form = loop.body_format != BodyFormat.JSON
        return fields, self.with_problems(wrong + drafts.problems(self.type, fields, is_form=is_form))

    def switched(self, *, to_json: bool) -> "Draft":
        """The same in the other way of writing; as it is, with the reasons, where that can't be."""
        try:
            fields, wrong = self.fields()
        except Unreadable as error:
            return self.with_problems([error.problem])
        if to_json or fits_form(self.type, fields):
            return Draft.of(self.type, fields, is_json=to_json)
        wrong = wrong + list(drafts.kind_problems(self.type, fields))
        return self.with_problems(wrong or [Problem("", Fault.NO_FORM)])

    def of_type(self, type: str) -> "Draft":
        """Another type of event: what was typed stays where that has it too, and the rest is a sample."""
        try:
            fields, _ = self.fields()
        except Unreadable as error:
            return self.with_problems([error.problem])
        sample = sample_of(type)
        kept = {name: value for name, value in fields.items() if name in sample}
        return Draft.of(type, sample | kept, is_json=self.is_json)

    def with_more_rows(self) -> "Draft":
        """The same with more room in its maps."""
        return replace(self, blank_rows=min(MOST_ROWS, self.blank_rows + MORE_ROWS))

    def with_problems(self, problems: list[Problem]) -> "Draft":
        """The same with these problems."""
        return replace(self, problems=problems)

    @property
    def told(self) -> list[tuple[str, str]]:
        """The problems: the field that each is about, empty for all of them, and words on it."""
        return [(_plain(problem.field), fault_words(problem)) for problem in self.problems]

    @property
    def shown(self) -> list[Control]:
        """The controls of the form, in the order of the contract."""
        return [self._control(name) for name in NAMES[self.type]]

    def _control(self, name: str) -> Control:
        typed = (self.controls.get(name) or [""])[-1]
        return Control(
            name=name,
            kind=drafts.kind_of(name),
            meaning=plain(said(MEANINGS[name])),
            is_needed=is_always_there(self.type, name) and drafts.kind_of(name) not in (Kind.LIST, Kind.MAP),
            value=typed.replace("\r\n", "\n"),
            rows=self._rows(name) if drafts.kind_of(name) is Kind.MAP else [],
            faults=[fault_words(problem) for problem in self.problems if problem.field == name],
        )

    def _rows(self, name: str) -> list[tuple[str, str]]:
        names, values = self.controls.get(f"{name}-name", []), self.controls.get(f"{name}-value", [])
        pairs = zip(names, (value.replace("\r\n", "\n") for value in values), strict=False)
        return [*(pair for pair in pairs if any(pair)), *[("", "")] * self.blank_rows][: 2 * MOST_ROWS]


def fits_form(type: str, fields: Mapping[str, Any]) -> bool:
    """Whether the form can show these fields; a browser sends no more than so many rows back."""
    return all(_rows_of(value) <= MOST_ROWS for value in fields.values()) and drafts.form_can_show(type, fields)


def _rows_of(value: Any) -> int:
    return len(value) if isinstance(value, dict) else 0


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else BLANK_ROWS


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:80]
