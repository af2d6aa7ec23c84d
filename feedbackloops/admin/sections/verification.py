"""Whether a loop's place is proven, and what was seen there."""

from dataclasses import dataclass

from feedbackloops.admin.sections.visit import Visit
from feedbackloops.models import VerificationLook
from feedbackloops.protocol import challenge
from feedbackloops.words import verified_words

LOOKS_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Verification:
    """Where the file belongs, and the last looks for it, the newest first."""

    words: str
    locations: list[str]
    looks: list[VerificationLook]


def verification(visit: Visit) -> Verification:
    """How the verification of the loop's place stands."""
    loop = visit.loop
    locations = challenge.locations(loop.url, loop.verification_file)
    return Verification(verified_words(loop), locations, list(loop.looks.all()[:LOOKS_SHOWN]))
