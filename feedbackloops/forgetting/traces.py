"""Where a person may be named beside the history: what is only about the person goes, of the rest the name goes."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from feedbackloops.forgetting.owning import own_entries, patterns_of_mails
from feedbackloops.forgetting.screening import naming, numbered, screening
from feedbackloops.forgetting.signals import person_counted, person_forgotten
from feedbackloops.forgetting.slices import slices
from feedbackloops.models import Forgetting
from profiles.models import Profile
from tracking.models import Message

INSTEAD: Final = "[forgotten]"
_LOOPS: Final = "loop_id IN (SELECT id FROM feedbackloops_feedbackloop WHERE account_id = %(account)s)"
_PARKED: Final = "EXISTS (SELECT FROM tracking_event e WHERE e.id = event_id AND e.account_id = %(account)s)"
_ENTRIES: Final = "id = ANY(%(entries)s::int[])"
_IN_UNREAD: Final = ("encode(raw, 'escape')", "concat_ws(' ', key, sender, subject, envelope_to, reason)")
_IN_TEST_CALL: Final = (
    "concat_ws(' ', fields::text, headers::text, message, head)",
    "encode(body, 'escape')",
    "encode(answer, 'escape')",
)
_IN_ANSWER: Final = ("encode(answer, 'escape')", "concat_ws(' ', head, message)")
_DELETE: Final = "DELETE FROM {table}"
_EMPTY: Final = (
    "UPDATE {table} SET answer = '', head = '', message = regexp_replace(message, %(pattern)s, %(instead)s, 'gi')"
)
_REPLACE: Final = (
    "UPDATE {{table}} SET {column} = left(regexp_replace({column}, %(pattern)s, %(instead)s, 'gi'), {longest})"
)
_LONGEST: Final = {"object_repr": 200, "subject": 300}
# Texts that tell of other things: table, column, whose rows, and the key by which a row may be on its way out already.
_TEXTS: Final = (
    ("feedbackloops_notice", "body", _LOOPS, ""),
    ("feedbackloops_notice", "subject", _LOOPS, ""),
    ("feedbackloops_notice", "error", _LOOPS, ""),
    ("feedbackloops_lanestate", "last_trouble", _LOOPS, ""),
    ("feedbackloops_verificationlook", "message", _LOOPS, ""),
    ("feedbackloops_verificationlook", "redirect", _LOOPS, ""),
    ("feedbackloops_programact", "words", _LOOPS, ""),
    ("feedbackloops_parkedevent", "error", _PARKED, "event_id"),
    ("django_admin_log", "change_message", _ENTRIES, ""),
    ("django_admin_log", "object_repr", _ENTRIES, ""),
)


class _Trace(NamedTuple):
    """Rows that may name the person, as a kind of what is counted, and what is done to them.

    `key`: what tells that a row goes with the history.
    """

    kind: str
    table: str
    does: str
    whose: str
    names: str
    key: str = ""

    @property
    def change(self) -> str:
        return f"{self.does.format(table=self.table)} WHERE {self.whose} AND ({self.names})"

    @property
    def question(self) -> str:
        stays = f"NOT {self.key} = ANY(%(gone)s::uuid[])" if self.key else "true"
        return f"SELECT count(*) FROM {self.table} WHERE {self.whose} AND {stays} AND ({self.names})"


def clear_traces(order: Forgetting, patterns: Sequence[str]) -> None:
    """Clear all of them, each in a transaction of its own. Doing it again changes nothing."""
    _forget_acts(order)
    given = _given(order, own_entries(order, patterns))
    for pattern in patterns_of_mails(order):
        _do(order, _unread(), given | {"pattern": pattern})
    for pattern in patterns:
        for trace in _traces():
            _do(order, trace, given | {"pattern": pattern})
    person_forgotten.send(Forgetting, order=order, patterns=patterns)


def count_traces(
    order: Forgetting, patterns: Sequence[str], gone: Collection[Any], acts: Collection[int]
) -> Counter[str]:
    """How many there are to be cleared, by kind, but for what goes with the history: events and attempts that are
    `gone` by then, and the log's entries on these, `acts`. Reads whole tables, one after another."""
    entries = sorted(set(own_entries(order, patterns)) - set(acts))
    named, of_mails = numbered(patterns), numbered(patterns_of_mails(order))
    given = _given(order, entries) | {"gone": list(gone)}
    counted = Counter({"unread_mails": _number(_unread(of_mails), given | of_mails)})
    for trace in _traces(named):
        counted[trace.kind] += _number(trace, given | named)
    for _, found in person_counted.send(Forgetting, order=order, patterns=patterns):
        counted.update(found)
    return counted


def acts_on_person(order: Forgetting) -> QuerySet[LogEntry]:
    """What staff did to the profiles and messages; acts on their events go with those."""
    of_profiles = Q(content_type=_kind(Profile), object_id__in=[str(number) for number in order.profiles])
    of_messages = Q(content_type=_kind(Message), object_id__in=[str(id) for id in order.messages])
    return LogEntry.objects.filter(of_profiles | of_messages)


def _unread(named: Collection[str] = ("pattern",)) -> _Trace:
    return _Trace("unread_mails", "tracking_unreadmail", _DELETE, "true", naming(*_IN_UNREAD, patterns=named))


def _traces(named: Collection[str] = ("pattern",)) -> Iterator[_Trace]:
    in_call = f"{naming(*_IN_TEST_CALL, patterns=named)} OR fields ->> 'profile' = ANY(%(profiles)s::bigint[]::text[])"
    yield _Trace("test_calls", "feedbackloops_testcall", _DELETE, _LOOPS, in_call)
    in_answer = naming(*_IN_ANSWER, patterns=named)
    for piece in slices("feedbackloops_attempt"):
        whose = f"account_id = %(account)s AND {piece.covers('id')}"
        yield _Trace("answers", piece.relation, _EMPTY, whose, in_answer, "id")
    for table, column, whose, key in _TEXTS:
        does = _REPLACE.format(column=column, longest=_LONGEST.get(column, 1_000_000))
        yield _Trace("texts", table, does, whose, naming(column, patterns=named), key)


def _given(order: Forgetting, entries: Sequence[int]) -> dict[str, Any]:
    given = {"account": order.account_id, "profiles": order.profiles, "entries": entries, "instead": INSTEAD}
    return given | screening(order)


def _forget_acts(order: Forgetting) -> None:
    with transaction.atomic():
        count_now(order, "acts", acts_on_person(order).delete()[0])


def _kind(model: Any) -> ContentType:
    return ContentType.objects.get_for_model(model)


def _do(order: Forgetting, trace: _Trace, given: dict[str, Any]) -> None:
    order.touch()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(trace.change, given)
        count_now(order, trace.kind, cursor.rowcount)


def _number(trace: _Trace, given: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(trace.question, given)
        return int(cursor.fetchone()[0])


def count_now(order: Forgetting, kind: str, number: int) -> None:
    """Count what was just cleared, in the transaction that clears it."""
    if number:
        order.count(**{kind: number})
        order.save(update_fields=["removed"])
