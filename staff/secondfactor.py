"""The second factor of staff: switched on, asked for once in each session, switched off, replaced by recovery codes."""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Func, Value
from django.http import HttpRequest
from django.utils.translation import gettext

from staff import codes
from staff.models import SecondFactor

_SHOWN: Final = "second_factor"
_KEPT: Final = "_second_factor"


def factor_of(user: Any) -> SecondFactor | None:
    """The user's second factor, if it is in force; asked for once per object that stands for the user."""
    if not hasattr(user, _KEPT):
        setattr(user, _KEPT, SecondFactor.objects.filter(user=user, confirmed__isnull=False).first())
    factor: SecondFactor | None = getattr(user, _KEPT)
    return factor


def passed(request: HttpRequest) -> bool:
    """Whether this session has shown the second factor, or needs none."""
    factor = factor_of(request.user)
    if factor is None:
        return not settings.REQUIRE_SECOND_FACTOR
    return bool(request.session.get(_SHOWN) == _stamp(factor))


def remember(request: HttpRequest, factor: SecondFactor) -> None:
    """Let this session pass, under a new number, until it ends or the factor is replaced."""
    setattr(request.user, _KEPT, factor)
    request.session[_SHOWN] = _stamp(factor)
    request.session.cycle_key()


def log_own(user: Any, words: str) -> None:
    """Note in the log what somebody changed about the own login."""
    LogEntry.objects.log_actions(user.pk, [user], CHANGE, words)


@transaction.atomic
def begin(user: User) -> SecondFactor:
    """A secret to be confirmed, in the place of one that was not; a factor that is in force stays as it is."""
    SecondFactor.objects.filter(user=user, confirmed=None).delete()
    factor, is_new = SecondFactor.objects.get_or_create(user=user, defaults={"secret": codes.new_secret()})
    if is_new:
        log_own(user, gettext("Began to switch on the second factor."))
    return factor


@transaction.atomic
def give_up(user: User) -> None:
    """Forget a secret that was not confirmed."""
    deleted, _ = SecondFactor.objects.filter(user=user, confirmed=None).delete()
    if deleted:
        log_own(user, gettext("Did not switch on the second factor."))


def confirm(factor: SecondFactor, code: str, now: datetime) -> list[str] | None:
    """Put it in force, given a code of its secret. The recovery codes, to be shown this once; None: a wrong code."""
    step = codes.step_of(factor.secret, code, now, factor.last_step)
    made = codes.new_recovery_codes()
    kept = {"confirmed": now, "last_step": step, "recovery": [codes.digest(each) for each in made]}
    with transaction.atomic():
        if step is None or not SecondFactor.objects.filter(pk=factor.pk, confirmed=None).update(**kept):
            return None
        log_own(factor.user, gettext("Switched on the second factor."))
    factor.refresh_from_db()
    return made


def accept(factor: SecondFactor, code: str, now: datetime) -> bool:
    """Whether this is the authenticator's code, or a recovery code; either is good for once."""
    return _take_code(factor, code, now) or _take_recovery_code(factor, code)


def renew_recovery_codes(factor: SecondFactor) -> list[str]:
    """New recovery codes in the place of those that are left, shown this once."""
    made = codes.new_recovery_codes()
    with transaction.atomic():
        SecondFactor.objects.filter(pk=factor.pk).update(recovery=[codes.digest(each) for each in made])
        log_own(factor.user, gettext("Made new recovery codes."))
    return made


def remove(user: User) -> bool:
    """Do without; whether there was one in force."""
    deleted, _ = SecondFactor.objects.filter(user=user).exclude(confirmed=None).delete()
    SecondFactor.objects.filter(user=user).delete()
    return bool(deleted)


def _take_code(factor: SecondFactor, code: str, now: datetime) -> bool:
    step = codes.step_of(factor.secret, code, now, factor.last_step)
    # Two requests with the same code: one of them finds the step taken.
    unused = SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step) if step is not None else None
    return bool(unused is not None and unused.update(last_step=step))


def _take_recovery_code(factor: SecondFactor, code: str) -> bool:
    kept = codes.digest(code)
    unused = SecondFactor.objects.filter(pk=factor.pk, recovery__contains=[kept])
    with transaction.atomic():
        if not unused.update(recovery=Func(F("recovery"), Value(kept), function="array_remove")):
            return False
        log_own(factor.user, gettext("Used a recovery code."))
    return True


def _stamp(factor: SecondFactor) -> str:
    return str(factor.confirmed)
