"""What staff can do to loops at the press of a button. Each act says what it has done, and to which loops."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from feedbackloops import signals, testcalls
from feedbackloops.models import FeedbackLoop, LoopStatus
from feedbackloops.words import lane_of

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Loops = Sequence[FeedbackLoop]


class Done(NamedTuple):
    """What to tell whoever pressed the button, and the loops that something was done to: those are logged."""

    words: str
    loops: Loops


@dataclass(frozen=True, slots=True)
class Act:
    """A button: its label, its icon, what the log says of it, and what it does, for whom (None: for a program)."""

    label: "StrPromise"
    icon: str
    logged: "StrPromise"
    do: Callable[[Loops, AbstractBaseUser | None], Done]


def check_now(loops: Loops, by: AbstractBaseUser | None) -> Done:
    """Look for the verification files, now and for another day."""
    for loop in loops:
        loop.ask_for_looks(now())
    signals.looks_due.send(None, loops=_numbers(loops))
    words = _("We are looking for the verification file of %(names)s. What is seen shows on its page in a few seconds.")
    return Done(words % {"names": _names(loops)}, loops)


def call_test(loops: Loops, by: AbstractBaseUser | None) -> Done:
    """Send a test call to each loop whose place is verified, and that none is under way to."""
    verified = [loop for loop in loops if loop.is_verified]
    left_out = [loop for loop in loops if not loop.is_verified]
    begun = [loop for loop in verified if _begin_test(loop, by)]
    busy = [loop for loop in verified if loop not in begun]
    told = (
        (_("A test call to %(names)s is on its way. Reload the page in a few seconds."), begun),
        (_("Nothing was sent to %(names)s: that is not verified."), left_out),
        (_("Nothing was sent to %(names)s: a test call is under way already."), busy),
    )
    return Done(" ".join(words % {"names": _names(some)} for words, some in told if some), begun)


def _begin_test(loop: FeedbackLoop, by: AbstractBaseUser | None) -> bool:
    try:
        testcalls.ask_for_call(loop, by)
    except testcalls.Busy:
        return False
    return True


def pause(loops: Loops, by: AbstractBaseUser | None) -> Done:
    """Hold what is owed to the active ones."""
    active = [loop for loop in loops if loop.status == LoopStatus.ACTIVE]
    _set_status(active, LoopStatus.PAUSED)
    if not active:
        return Done(_("Nothing was paused: only active loops can be."), [])
    words = _("%(names)s: paused. Events are kept, and sent once you press Resume.")
    return Done(words % {"names": _names(active)}, active)


def resume(loops: Loops, by: AbstractBaseUser | None) -> Done:
    """Make them active; lanes that have stopped by themselves, or rest, go on, and start afresh."""
    with transaction.atomic():
        for loop in loops:
            lane_of(loop).wake()
            lane_of(loop).start_afresh()
        _set_status(loops, LoopStatus.ACTIVE)
    unverified = [loop for loop in loops if not loop.is_verified]
    words = [_("%(names)s: resumed.") % {"names": _names(loops)}]
    if unverified:
        waits = _("%(names)s: sending begins once the verification file was seen.")
        words.append(waits % {"names": _names(unverified)})
    return Done(" ".join(words), loops)


def try_now(loops: Loops, by: AbstractBaseUser | None) -> Done:
    """End the rest of their scripts."""
    for loop in loops:
        lane_of(loop).wake()
    signals.lanes_due.send(None, loops=_numbers(loops))
    words = _("%(names)s: what is due is sent now. Reload the page in a few seconds.")
    return Done(words % {"names": _names(loops)}, loops)


ACTS = {
    "check_now": Act(gettext_lazy("Check now"), "search", gettext_lazy("Looked for the verification file."), check_now),
    "call_test": Act(gettext_lazy("Send a test call"), "send", gettext_lazy("Sent a test call."), call_test),
    "pause": Act(gettext_lazy("Pause"), "pause", gettext_lazy("Paused."), pause),
    "try_now": Act(gettext_lazy("Try now"), "play_arrow", gettext_lazy("Ended its rest."), try_now),
    "resume": Act(gettext_lazy("Resume"), "play_arrow", gettext_lazy("Resumed."), resume),
}


def _set_status(loops: Loops, status: LoopStatus) -> None:
    for loop in loops:
        loop.status = status
        # Saving rings for what follows, too: the lane, or a look at the verification file.
        loop.save(update_fields=["status"])


def _numbers(loops: Loops) -> list[int]:
    return [loop.pk for loop in loops]


def _names(loops: Loops) -> str:
    if len(loops) > 3:
        return ngettext("%(number)d loop", "%(number)d loops", len(loops)) % {"number": len(loops)}
    return ", ".join(f"“{loop.name}”" for loop in loops)
