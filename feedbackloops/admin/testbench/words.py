"""How test calls stand, in words for staff."""

from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from feedbackloops.models import Stage, TestCall
from feedbackloops.protocol.outcome import Outcome
from feedbackloops.testcalls import UNRECORDED, UNTAKEN

TONES: Final = {Stage.ACCEPTED: "good", Stage.FAILED: "bad", Stage.LOST: "mild"}
TITLES: Final = {
    Stage.WAITING: gettext_lazy("On its way"),
    Stage.UNDER_WAY: gettext_lazy("Waiting for the answer"),
    Stage.ACCEPTED: gettext_lazy("The script accepted it"),
    Stage.FAILED: gettext_lazy("The script did not accept it"),
    Stage.LOST: gettext_lazy("It came to nothing"),
}


def title_of(call: TestCall, now: datetime) -> str:
    """How it stands, in a few words."""
    stage = call.stage(now)
    if call.outcome == Outcome.BLOCKED:
        return _("Nothing was sent")
    return str(TITLES[stage])


def words_of(call: TestCall, now: datetime) -> str:
    """How it stands, in a sentence."""
    stage = call.stage(now)
    if stage is Stage.WAITING:
        return _("It is about to be sent.")
    if stage is Stage.UNDER_WAY:
        return _("It was sent, and the script has not answered yet.")
    return call.message or (UNRECORDED if call.started else UNTAKEN)


def sender_of(call: TestCall) -> str:
    """Who had it sent."""
    sender = call.sender
    return (sender.get_full_name() or sender.get_username()) if sender else _("a program, or somebody who is gone")
