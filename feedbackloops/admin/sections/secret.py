"""What signs a loop's calls."""

from feedbackloops.admin.sections.visit import Visit


def secret(visit: Visit) -> bool | None:
    """Whether there is anything to see; the secret itself is shown on its own page, once that was asked for."""
    may_see = visit.may_change or visit.request.user.has_perm("feedbackloops.view_secret")
    return True if may_see else None
