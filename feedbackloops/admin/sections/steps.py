"""How far a loop has come on its way from saved to live, and what to do next."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from feedbackloops.acts import ACTS
from feedbackloops.admin.sections.visit import Visit
from feedbackloops.admin.testbench.shown import Line, line_of
from feedbackloops.models import FeedbackLoop, LoopStatus, Stage, VerificationLook
from feedbackloops.protocol.challenge import Problem
from feedbackloops.protocol.diagnosis import diagnose
from feedbackloops.protocol.place import place_of
from feedbackloops.protocol.retry import DAY
from feedbackloops.protocol.sentences import Sentence
from feedbackloops.recent import standing
from feedbackloops.words import is_stopped, lane_of
from profiles.showing import when

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# What may be seen where a file stands, be it the right one or not.
PLACED: Final = (Problem.OK, Problem.WRONG_CONTENT, Problem.TOO_LONG)


class State(StrEnum):
    """How far a step has come."""

    DONE = "done"
    NOW = "now"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Button:
    """The button of a step: it has an act done, or leads to `href`."""

    label: str
    icon: str
    act: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step with its last result: `words`, and `said`, where that is in the words of a diagnosis.

    `button` is None where whoever looks may do nothing about it. `is_awaited`: its next result is on its way.
    """

    name: str
    title: "StrPromise"
    is_done: bool
    words: str
    button: Button | None
    said: Sentence | None = None
    is_awaited: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """All steps in their order. `is_called`: a test call is under way, so that the page has to ask for its answer."""

    steps: list[Step]
    is_called: bool

    @property
    def shown(self) -> list[tuple[State, Step]]:
        """The steps with their states: the first that is not done is the one to do now."""
        current = next((step for step in self.steps if not step.is_done), None)
        return [(_state(step, current), step) for step in self.steps]

    @property
    def are_done(self) -> bool:
        """Whether nothing is left to do."""
        return all(step.is_done for step in self.steps)

    @property
    def are_folded(self) -> bool:
        """Whether a line is enough: nothing is left to do, and nothing to wait for."""
        return self.are_done and not any(step.is_awaited for step in self.steps)


def steps(visit: Visit) -> Steps:
    """How far the loop has come."""
    last = line_of(visit.test_calls[0], visit.now) if visit.test_calls else None
    made = [_saved(visit), _placed(visit), _verified(visit), _tested(visit, last), _live(visit)]
    return Steps(made, bool(last and last.is_waiting))


def _state(step: Step, current: Step | None) -> State:
    if step.is_done:
        return State.DONE
    return State.NOW if step is current else State.LATER


def _saved(visit: Visit) -> Step:
    words = _("Last saved on %(moment)s.") % {"moment": when(visit.loop.modified)}
    edit = Button(_("Edit the settings"), "edit", href="#settings") if visit.may_change else None
    return Step("saved", gettext_lazy("Saved"), True, words, edit)


def _placed(visit: Visit) -> Step:
    look = _best(visit.round.looks)
    is_there = visit.loop.is_verified or (look is not None and look.problem in PLACED)
    href = reverse("admin:feedbackloops_feedbackloop_file", args=[visit.loop.pk])
    words = _placed_words(visit, look if is_there else None)
    button = Button(_("Download the file"), "download", href=href)
    # What is wrong with a file that is there is said of the next step.
    said = _said(visit, look) if look and not is_there else None
    return Step("placed", gettext_lazy("File placed"), is_there, words, button, said)


def _placed_words(visit: Visit, there: VerificationLook | None) -> str:
    loop = visit.loop
    if loop.is_verified:
        return _("It was seen at its place. It may be deleted.")
    if there:
        return _("Something stands there: seen on %(moment)s.") % {"moment": when(there.looked)}
    if visit.round.looked:
        return _("Last look on %(moment)s:") % {"moment": when(visit.round.looked)}
    return _("Nobody has looked yet. Upload the file to one of the addresses below.")


def _verified(visit: Visit) -> Step:
    look, is_verified = _best(visit.round.looks), visit.loop.is_verified
    act = ACTS["check_now"]
    is_other = not is_verified and look is not None and look.problem in PLACED
    return Step(
        name="verified",
        title=gettext_lazy("Verified"),
        is_done=is_verified,
        words=_proof_words(visit, is_other=is_other),
        button=Button(str(act.label), act.icon, act="check_now") if visit.may_change else None,
        said=_said(visit, look) if is_other and look else None,
        is_awaited=visit.round.is_pending,
    )


def _proof_words(visit: Visit, *, is_other: bool) -> str:
    """When it was verified and for how long that holds; else what is waited for."""
    loop = visit.loop
    if visit.round.is_pending:
        return _("Looking for the file…")
    if loop.is_verified:
        return _holds_words(visit)
    if visit.round.is_overdue:
        words = _("Nobody has looked since %(moment)s: tell whoever runs this service.")
        return words % {"moment": when(loop.looks_wanted_since)}
    if is_other:
        return _("Last look on %(moment)s:") % {"moment": when(visit.round.looked)}
    return _waiting_words(visit)


def _holds_words(visit: Visit) -> str:
    words = _("On %(moment)s. It holds until the URL leads to another server, port or folder.")
    held = words % {"moment": when(visit.loop.verified)}
    looked = visit.round.looked
    if not looked or any(look.found for look in visit.round.looks):
        return held
    later = _("The look on %(moment)s did not find the file any more, which changes nothing.")
    return f"{held} {later % {'moment': when(looked)}}"


def _waiting_words(visit: Visit) -> str:
    loop = visit.loop
    if loop.status == LoopStatus.DISABLED:
        return _("Nobody looks by itself while the loop is disabled.")
    end = loop.looks_wanted_since + timedelta(seconds=DAY)
    if end <= visit.now:
        return _("We looked by ourselves until %(moment)s, and no longer do.") % {"moment": when(end)}
    return _("We look by ourselves until %(moment)s.") % {"moment": when(end)}


def _best(looks: list[VerificationLook]) -> VerificationLook | None:
    """The look that came nearest to the file, or tells most; of those that did equally well the first that was made."""

    def worth(look: VerificationLook) -> tuple[bool, ...]:
        return look.found, look.problem in PLACED, look.status == 200, look.problem == Problem.REDIRECT

    return max(sorted(looks, key=lambda look: look.pk), key=worth, default=None)


def _said(visit: Visit, look: VerificationLook) -> Sentence:
    return diagnose(look.sight(visit.loop.verification_content)).title


def _tested(visit: Visit, last: Line | None) -> Step:
    href = reverse("admin:feedbackloops_feedbackloop_bench", args=[visit.loop.pk])
    return Step(
        name="tested",
        title=gettext_lazy("Test call answered"),
        is_done=_is_answered(visit.loop, last),
        words=_test_words(visit, last),
        button=Button(_("Open the test bench"), "science", href=href) if visit.may_change else None,
        is_awaited=bool(last and last.is_waiting),
    )


def _is_answered(loop: FeedbackLoop, last: Line | None) -> bool:
    """Whether the script that the URL names has accepted a call, were it a real one."""
    if not loop.is_verified:
        return False
    accepted = last is not None and last.stage is Stage.ACCEPTED and place_of(last.call.url) == loop.place
    return accepted or lane_of(loop).last_success is not None


def _test_words(visit: Visit, last: Line | None) -> str:
    if last:
        return _("On %(moment)s: %(words)s") % {"moment": when(last.call.asked), "words": last.words}
    if _is_answered(visit.loop, None):
        return _("None so far; the script has accepted calls about real events.")
    return _("None so far. A test call sends a sample event about nobody, and changes nothing else.")


def _live(visit: Visit) -> Step:
    loop = visit.loop
    is_on = loop.status == LoopStatus.ACTIVE and not is_stopped(loop)
    resume, is_done = ACTS["resume"], is_on and loop.is_verified
    button, pause = None, ACTS["pause"]
    if not is_on and visit.may_change:
        button = Button(str(resume.label), resume.icon, act="resume")
    elif is_on and visit.may_change and not loop.verified_place:
        button = Button(str(pause.label), pause.icon, act="pause")
    elif is_on and visit.may_see("delivery"):
        button = Button(_("See the deliveries"), "list", href="#deliveries")
    return Step("live", gettext_lazy("Live"), is_done, _live_words(visit, is_on=is_on), button)


def _live_words(visit: Visit, *, is_on: bool) -> str:
    last = lane_of(visit.loop).last_success
    called = _("Last delivered call: %(moment)s.") % {"moment": when(last)} if last else ""
    if is_on and visit.loop.is_verified:
        return called or _("Events are sent as they come in. None was delivered yet.")
    if is_on and not visit.loop.verified_place:
        return _(
            "Real events are sent from the moment that the file is seen. To try the script first, pause the loop until "
            "a test call was answered."
        )
    return f"{standing(visit.loop, visit.now).words} {called}".strip()
