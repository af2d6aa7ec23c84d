"""Forgetting, step by step: each step is a transaction that leaves a note of how far it has come.

Whoever finds the note goes on: a task, the command, or the sweep after a crash. Two at a time take turns at its row.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from feedbackloops.forgetting.needles import patterns
from feedbackloops.forgetting.owning import is_own_line
from feedbackloops.forgetting.people import changes_of, messages_of, note_addresses
from feedbackloops.forgetting.proof import search
from feedbackloops.forgetting.removing import Busy, remove_events, remove_late_attempts
from feedbackloops.forgetting.traces import clear_traces
from feedbackloops.models import Forgetting
from feedbackloops.models.forgetting import Stage
from profiles.models import Profile, Subprofile
from tracking.models import Event, LinkSeen, Message
from tracking.refusing import refuse
from tracking.spoolclearing import clear_spool

logger = logging.getLogger(__name__)

AT_ONCE: Final = 200
# Somebody has it in hand who has touched it in this time.
LEFT_AFTER: Final = timedelta(minutes=5)


def go_on(number: int) -> bool:
    """Do the next step of this order; whether another one can follow at once.

    Raises Busy where rows are being written just now: try again in a moment. OSError where the spool can't be read.
    """
    found = Forgetting.objects.filter(pk=number).first()
    if found is None or found.stage == Stage.DONE:
        return False
    return _STEPS[Stage(found.stage)](found)


def unfinished(moment: datetime) -> list[int]:
    """The orders that nobody has in hand, or that wait for a moment that has come; the oldest first."""
    open_ones = Forgetting.objects.exclude(stage=Stage.DONE).order_by("pk")
    return [order.pk for order in open_ones if order.touched < moment - LEFT_AFTER or _is_due(order, moment)]


def waits_for(order: Forgetting, moment: datetime) -> float:
    """Seconds until calls that were under way when their deliveries went have ended, and are recorded."""
    until = order.under_way_until
    return max(0.0, (until - moment).total_seconds()) if until and order.stage == Stage.CALLS else 0.0


def _is_due(order: Forgetting, moment: datetime) -> bool:
    return order.stage == Stage.CALLS and not waits_for(order, moment)


def _locked(order: Forgetting) -> Forgetting:
    return Forgetting.objects.select_for_update().get(pk=order.pk)


def _keep(order: Forgetting, stage: Stage | None = None) -> None:
    order.stage, order.touched = stage or order.stage, now()
    order.save()


def _messages(order: Forgetting) -> bool:
    """Take a set of messages away, so that nothing more is known of their recipient, then all that came of them."""
    with transaction.atomic():
        order = _locked(order)
        todo = order.messages[order.cleared : order.cleared + AT_ONCE]
        if todo:
            _clear(order, todo)
        elif not _take(order):
            _keep(order, Stage.PROFILES)
    return True


def _take(order: Forgetting) -> bool:
    found = list(messages_of(order).values_list("pk", "recipient", "profile_id")[:AT_ONCE])
    if not found:
        return False
    ids = [id for id, _, _ in found]
    refuse(ids)
    note_addresses(order, ((recipient, profile) for _, recipient, profile in found))
    order.messages = [*order.messages, *ids]
    order.count(messages=Message.objects.filter(pk__in=ids).order_by()._raw_delete("default"))
    _keep(order)
    return True


def _clear(order: Forgetting, todo: list[UUID]) -> None:
    events = list(Event.objects.filter(message_id__in=todo).order_by().values_list("pk", flat=True)[:AT_ONCE])
    if events:
        remove_events(order, events, now())
    else:
        order.count(links=_forget_links(todo))
        order.cleared += len(todo)
    _keep(order)


def _forget_links(messages: list[UUID]) -> int:
    seen = LinkSeen.objects.filter(message_id__in=messages)
    # Fan-outs lock them in an order of their own.
    free = seen.select_for_update(skip_locked=True).values_list("message_id", "link")
    if len(free) < seen.count():
        raise Busy
    return int(seen._raw_delete("default"))


def _profiles(order: Forgetting) -> bool:
    """Take the profiles away, which tells nobody: all that would be told is what is to be forgotten."""
    with transaction.atomic():
        order = _locked(order)
        # Whoever registers a mail to one of them waits here, or has done so before.
        rows = Profile.objects.select_for_update().filter(pk__in=order.profiles, account=order.account_id)
        held = list(rows.order_by("pk").values_list("pk", flat=True))
        if messages_of(order).exists():
            _keep(order, Stage.MESSAGES)
            return True
        if not _forget_subprofiles(order):
            order.count(profiles=Profile.objects.filter(pk__in=held).order_by()._raw_delete("default"))
            _keep(order, Stage.CHANGES)
    return True


def _forget_subprofiles(order: Forgetting) -> bool:
    theirs = Subprofile.objects.filter(profile_id__in=order.profiles, account=order.account_id).order_by("pk")
    if not (chosen := list(theirs.values_list("pk", flat=True)[:AT_ONCE])):
        return False
    order.count(subprofiles=Subprofile.objects.filter(pk__in=chosen).order_by()._raw_delete("default"))
    _keep(order)
    return True


def _changes(order: Forgetting) -> bool:
    """Take away the events of changes, day by day."""
    for ids in changes_of(order):
        order.touch()
        for start in range(0, len(ids), AT_ONCE):
            _remove(order, ids[start : start + AT_ONCE])
    with transaction.atomic():
        _keep(_locked(order), Stage.CALLS)
    return True


def _remove(order: Forgetting, ids: list[UUID]) -> None:
    with transaction.atomic():
        order = _locked(order)
        remove_events(order, ids, now())
        _keep(order)


def _traces(order: Forgetting) -> bool:
    wanted = list(patterns(order.addresses, order.messages))
    clear_traces(order, wanted)
    lines = clear_spool(settings.SPOOL_DIR, lambda line: is_own_line(line, order, wanted))
    with transaction.atomic():
        order = _locked(order)
        order.count(spooled=lines)
        _keep(order, Stage.CALLS if order.under_way else Stage.SEARCH)
    return True


def _calls(order: Forgetting) -> bool:
    if waits_for(order, now()):
        return False
    with transaction.atomic():
        order = _locked(order)
        remove_late_attempts(order)
        # What a call says is noted in other places as well.
        _keep(order, Stage.TRACES)
    return True


def _search(order: Forgetting) -> bool:
    """Search; where something is found, go through all once more, since it may have come late, and search again."""
    left = search(order, list(patterns(order.addresses, order.messages)), settings.SPOOL_DIR)
    with transaction.atomic():
        order = _locked(order)
        if left and not order.left:
            order.left, order.cleared = left, 0
            _keep(order, Stage.MESSAGES)
            return True
        order.left, order.finished = left, now()
        order.profiles, order.addresses, order.messages = [], [], []
        _keep(order, Stage.DONE)
    logger.info("Forgotten person %d: %s", order.pk, f"left in {', '.join(sorted(left))}" if left else "nothing left")
    return False


_STEPS: Final[dict[Stage, Callable[[Forgetting], bool]]] = {
    Stage.MESSAGES: _messages,
    Stage.PROFILES: _profiles,
    Stage.CHANGES: _changes,
    Stage.TRACES: _traces,
    Stage.CALLS: _calls,
    Stage.SEARCH: _search,
}
