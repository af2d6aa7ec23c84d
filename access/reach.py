"""Which rows a member of staff may see: the one place that says how each model belongs to an account."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.apps import apps
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from access.models import Reach

M = TypeVar("M", bound=Model)

_KEPT: Final = "_viewer"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, and the numbers of the accounts that are shown; None stands for all of them."""

    user: int | None
    accounts: frozenset[int] | None


Rule = Callable[[Viewer], Q]


def _by(path: str) -> Rule:
    """The fields that lead to the account."""
    return lambda viewer: Q(**{f"{path}__in": viewer.accounts})


def _through(label: str, key: str) -> Rule:
    """No foreign key: `key` is the id of a row of another model, which has an account."""

    def rule(viewer: Viewer) -> Q:
        rows = apps.get_model(label)._base_manager.filter(pk=OuterRef(key))
        return Q(Exists(rows.filter(account__in=viewer.accounts)))

    return rule


def _staff(viewer: Viewer) -> Q:
    """Oneself, and those whose reach lies within one's own; not who has none yet and may be meant for others."""
    chosen = Reach.accounts.through._base_manager.filter(reach=OuterRef("pk"))
    beyond = chosen.exclude(account__in=viewer.accounts or ())
    inside = Q(Exists(chosen), is_superuser=False, reach__all_accounts=False) & ~Q(Exists(beyond))
    return Q(pk=viewer.user) | inside


def _nothing(viewer: Viewer) -> Q:
    return Q(pk__in=[])


def _everything(viewer: Viewer) -> Q:
    return Q()


RULES: Final[dict[str, Rule]] = {
    "profiles.account": _by("pk"),
    "profiles.database": _by("account"),
    "profiles.profile": _by("account"),
    "profiles.collection": _by("account"),
    "profiles.subprofile": _by("account"),
    "tracking.message": _by("account"),
    "tracking.event": _by("account"),
    "tracking.outbox": _through("tracking.event", "event_id"),
    "tracking.linkseen": _through("tracking.message", "message_id"),
    # They hold for all accounts.
    "tracking.block": _nothing,
    "tracking.hitcount": _nothing,
    # The message may be gone, and whose it was with it.
    "tracking.refusal": _nothing,
    "tracking.recordingera": _nothing,
    # Nobody knows whose it is.
    "tracking.unreadmail": _nothing,
    "feedbackloops.feedbackloop": _by("account"),
    "feedbackloops.lanestate": _by("loop__account"),
    "feedbackloops.verificationlook": _by("loop__account"),
    "feedbackloops.snapshot": _through("tracking.event", "pk"),
    "feedbackloops.delivery": _by("account"),
    "feedbackloops.attempt": _by("account"),
    "feedbackloops.scriptversion": _by("loop__account"),
    "feedbackloops.parkedevent": _through("tracking.event", "event_id"),
    "feedbackloops.owedcount": _through("feedbackloops.feedbackloop", "loop_id"),
    "feedbackloops.eventcount": _by("account_id"),
    "feedbackloops.loophour": _through("feedbackloops.feedbackloop", "loop_id"),
    "feedbackloops.notice": _by("loop__account"),
    "feedbackloops.resend": _by("loop__account"),
    "feedbackloops.testcall": _by("loop__account"),
    "feedbackloops.forgetting": _by("account"),
    "feedbackloops.programact": _by("loop__account"),
    "feedbackloops.ledgerline": _by("account"),
    # Sums over all accounts.
    "feedbackloops.ledgerday": _nothing,
    "api.apitoken": _by("account"),
    "api.keptanswer": _by("token__account"),
    "esp.webhook": _by("account"),
    "auth.user": _staff,
    # What staff may do, and to what, is the same for all accounts.
    "auth.group": _everything,
    "auth.permission": _everything,
    "contenttypes.contenttype": _everything,
    # Shown through the pages of what they are about, if at all.
    "access.reach": _nothing,
    "admin.logentry": _nothing,
    "sessions.session": _nothing,
    "staff.secondfactor": _nothing,
}


def sees_all(user: Any) -> bool:
    """Whether nothing is kept from this user for the account it belongs to."""
    return viewer_of(user).accounts is None


def viewer_of(user: Any) -> Viewer:
    """What this user may see; asked of PostgreSQL once for each object that stands for the user."""
    if not hasattr(user, _KEPT):
        setattr(user, _KEPT, Viewer(user.pk, _accounts_of(user)))
    viewer: Viewer = getattr(user, _KEPT)
    return viewer


def limit(rows: QuerySet[M], user: Any) -> QuerySet[M]:
    """Those of the rows that this user may see. Of a model that RULES does not name, who is limited sees none."""
    viewer = viewer_of(user)
    if viewer.accounts is None:
        return rows
    return rows.filter(RULES.get(rows.model._meta.label_lower, _nothing)(viewer))


def _accounts_of(user: Any) -> frozenset[int] | None:
    if not user.is_active:
        return frozenset()
    if user.is_superuser:
        return None
    reach = list(Reach.objects.filter(user=user).values_list("all_accounts", "accounts"))
    if any(all_accounts for all_accounts, _ in reach):
        return None
    return frozenset(account for _, account in reach if account is not None)
