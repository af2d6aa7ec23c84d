"""What signs a loop's calls."""

from dataclasses import dataclass

from feedbackloops.admin.sections.visit import Visit


@dataclass(frozen=True, slots=True)
class Secret:
    """What whoever looks may do with the secret. It is shown on its own page, once that was asked for."""

    may_see: bool
    may_change: bool


def secret(visit: Visit) -> Secret | None:
    """What may be done with the secret; None where that is nothing."""
    may_see = visit.request.user.has_perm("feedbackloops.view_secret")
    return Secret(may_see, visit.may_change) if may_see or visit.may_change else None
