"""From what a look saw to what is the matter, and what to do about it. Pure: nothing is asked, nothing is read."""

from feedbackloops.protocol.challenge import Problem
from feedbackloops.protocol.sentences import sentence as _
from feedbackloops.protocol.sights import Sight

from .answers import refused
from .contents import unfitting
from .told import Diagnosis
from .trust import distrusted
from .unreached import unreached

__all__ = ["Diagnosis", "diagnose"]


def diagnose(sight: Sight) -> Diagnosis:
    """Tell what a look came to. Whatever strangers sent is on one line, without control characters, and cut."""
    if sight.problem is Problem.OK:
        return Diagnosis(_("The file is there, with the right content."))
    if sight.problem is not Problem.NO_ANSWER:
        return unfitting(sight) if sight.status == 200 else refused(sight)
    return distrusted(sight, sight.tls_fault) if sight.tls_fault else unreached(sight)
