"""The order in which the parts of a loop's page stand."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from feedbackloops.admin.sections.bench import bench
from feedbackloops.admin.sections.changes import changes
from feedbackloops.admin.sections.deliveries import deliveries
from feedbackloops.admin.sections.health import health
from feedbackloops.admin.sections.limits import limits
from feedbackloops.admin.sections.outcomes import outcomes
from feedbackloops.admin.sections.secret import secret
from feedbackloops.admin.sections.steps import steps
from feedbackloops.admin.sections.verification import verification
from feedbackloops.admin.sections.visit import Section, Shown, Visit

SECTIONS: Final = (
    Section("health", _("Health"), health),
    Section("outcomes", _("Outcomes"), outcomes),
    Section("deliveries", _("Deliveries"), deliveries),
    Section("steps", _("Steps"), steps),
    Section("bench", _("Test bench"), bench),
    Section("verification", _("Verification"), verification),
    Section("secret", _("Signing secret"), secret),
    Section("limits", _("Limits"), limits),
    Section("changes", _("Changes"), changes),
)


# What comes first, behind the health, as long as something is left to do.
_FIRST: Final = ("health", "steps")
_FIRST_UNVERIFIED: Final = (*_FIRST, "verification")


# What a page that is open fetches anew while something is under way.
_FOLLOWED: Final = ("health", "steps", "bench", "verification")


def followed(name: str) -> Section | None:
    """The section of this name, if a page that is open may ask for it alone."""
    return next((section for section in SECTIONS if section.name == name and name in _FOLLOWED), None)


def sections_of(visit: Visit) -> list[Shown]:
    """The sections that are shown, each with its data, in their order."""
    gathered = [Shown(section, section.gather(visit)) for section in SECTIONS]
    first = _first(visit, gathered)
    ordered = sorted(gathered, key=lambda shown: shown.section.name not in first)
    return [shown for shown in ordered if shown.data is not None]


def _first(visit: Visit, gathered: list[Shown]) -> tuple[str, ...]:
    """What comes before all else."""
    if not visit.loop.is_verified:
        return _FIRST_UNVERIFIED
    is_open = any(shown.section.name == "steps" and not shown.data.are_folded for shown in gathered)
    return _FIRST if is_open else ()
