"""Where a person may be named beside the history: what is only about the person goes, of the rest the name goes."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import Q

from feedbackloops.forgetting.owning import own_entries, patterns_of_mails
from feedbackloops.forgetting.screening import naming, screening
from feedbackloops.forgetting.signals import person_forgotten
from feedbackloops.models import Forgetting
from profiles.models import Profile
from tracking import partitions
from tracking.models import Message

INSTEAD: Final = "[forgotten]"
_LOOPS: Final = "loop_id IN (SELECT id FROM feedbackloops_feedbackloop WHERE account_id = %(account)s)"
_PARKED: Final = "EXISTS (SELECT FROM tracking_event e WHERE e.id = event_id AND e.account_id = %(account)s)"
_ENTRIES: Final = "id = ANY(%(entries)s::int[])"
_UNREAD: Final = "DELETE FROM tracking_unreadmail WHERE " + naming(
    "encode(raw, 'escape')", "concat_ws(' ', key, sender, subject, envelope_to, reason)"
)
_IN_TEST_CALL: Final = naming(
    "concat_ws(' ', fields::text, headers::text, message, head)", "encode(body, 'escape')", "encode(answer, 'escape')"
)
_TEST_CALLS: Final = (
    f"DELETE FROM feedbackloops_testcall WHERE {_LOOPS}"
    f" AND ({_IN_TEST_CALL} OR fields ->> 'profile' = ANY(%(profiles)s::bigint[]::text[]))"
)
_IN_ANSWER: Final = naming("encode(answer, 'escape')", "concat_ws(' ', head, message)")
_ANSWERS: Final = (
    "UPDATE {table} SET answer = '', head = '', message = regexp_replace(message, %(pattern)s, %(instead)s, 'gi')"
    " WHERE account_id = %(account)s AND ({names})"
)
# Texts that tell of other things: table, column, whose rows.
_TEXTS: Final = (
    ("feedbackloops_notice", "body", _LOOPS),
    ("feedbackloops_notice", "subject", _LOOPS),
    ("feedbackloops_notice", "error", _LOOPS),
    ("feedbackloops_lanestate", "last_trouble", _LOOPS),
    ("feedbackloops_verificationlook", "message", _LOOPS),
    ("feedbackloops_verificationlook", "redirect", _LOOPS),
    ("feedbackloops_programact", "words", _LOOPS),
    ("feedbackloops_parkedevent", "error", _PARKED),
    ("django_admin_log", "change_message", _ENTRIES),
    ("django_admin_log", "object_repr", _ENTRIES),
)
_REPLACE: Final = (
    "UPDATE {table} SET {column} = left(regexp_replace({column}, %(pattern)s, %(instead)s, 'gi'), {longest})"
    " WHERE {whose} AND {names}"
)
_LONGEST: Final = {"object_repr": 200, "subject": 300}


def clear_traces(order: Forgetting, patterns: Sequence[str]) -> None:
    """Clear all of them, each in a transaction of its own. Doing it again changes nothing."""
    _forget_acts(order)
    cheap, entries = screening(order), own_entries(order, patterns)
    for pattern in patterns_of_mails(order):
        _do(order, "unread_mails", _UNREAD, {"pattern": pattern} | cheap)
    for pattern in patterns:
        given: dict[str, Any] = {"pattern": pattern, "account": order.account_id, "instead": INSTEAD} | cheap
        given |= {"profiles": order.profiles, "entries": entries}
        _do(order, "test_calls", _TEST_CALLS, given)
        for table in [*partitions.existing("feedbackloops_attempt").values(), "feedbackloops_attempt_default"]:
            _do(order, "answers", _ANSWERS.format(table=table, names=_IN_ANSWER), given)
        for table, column, whose in _TEXTS:
            where = {"whose": whose, "names": naming(column), "longest": _LONGEST.get(column, 1_000_000)}
            _do(order, "texts", _REPLACE.format(table=table, column=column, **where), given)
    person_forgotten.send(Forgetting, order=order, patterns=patterns)


def _forget_acts(order: Forgetting) -> None:
    """What staff did to the profiles and messages; acts on their events went with those."""
    of_profiles = Q(content_type=_kind(Profile), object_id__in=[str(number) for number in order.profiles])
    of_messages = Q(content_type=_kind(Message), object_id__in=[str(id) for id in order.messages])
    with transaction.atomic():
        _count(order, "acts", LogEntry.objects.filter(of_profiles | of_messages).delete()[0])


def _kind(model: Any) -> ContentType:
    return ContentType.objects.get_for_model(model)


def _do(order: Forgetting, kind: str, statement: str, given: dict[str, Any]) -> None:
    order.touch()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, given)
        _count(order, kind, cursor.rowcount)


def _count(order: Forgetting, kind: str, number: int) -> None:
    if number:
        order.count(**{kind: number})
        order.save(update_fields=["removed"])
