"""What becomes of kept answers when a person is forgotten."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from django.db import connection, transaction
from django.dispatch import receiver

from api.problems import Problem, answer
from feedbackloops.forgetting.screening import naming, numbered, screening
from feedbackloops.forgetting.signals import person_counted, person_forgotten
from feedbackloops.forgetting.traces import count_now
from feedbackloops.models import Forgetting

# The note stays, so that the request that comes again does not make the person anew.
_EMPTY: Final = """
UPDATE api_keptanswer SET body = %(body)s, status = %(status)s,
    key = CASE WHEN key ~* %(pattern)s THEN 'forgotten-' || id ELSE key END
WHERE {whose} AND ({names})
"""
_COUNT: Final = "SELECT count(*) FROM api_keptanswer WHERE {whose} AND ({names})"
_WHOSE: Final = "token_id IN (SELECT id FROM api_apitoken WHERE account_id = %(account)s)"
_TEXTS: Final = ("encode(body, 'escape')", "key")
_NUMBERED: Final = "encode(body, 'escape') ~* %(pattern)s"
_NUMBERS: Final = r'"(id|profile)": ?({})(?![0-9])'
_WORDS: Final = "What this request did has been forgotten, with the person whom it was about."


@receiver(person_forgotten)
def empty_answers(order: Forgetting, patterns: Sequence[str], **kwargs: Any) -> None:
    """Leave nothing of the answers that were about the person, but that there was one."""
    body = answer(Problem(HTTPStatus.GONE, _WORDS)).content
    given: dict[str, Any] = {"body": body, "status": HTTPStatus.GONE, "account": order.account_id, **screening(order)}
    wanted = [(pattern, naming(*_TEXTS)) for pattern in patterns]
    wanted += [(pattern, _NUMBERED) for pattern in _by_number(order)]
    for pattern, names in wanted:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_EMPTY.format(whose=_WHOSE, names=names), {**given, "pattern": pattern})
            count_now(order, "kept_answers", cursor.rowcount)


@receiver(person_counted)
def count_answers(order: Forgetting, patterns: Sequence[str], **kwargs: Any) -> dict[str, int]:
    """How many answers would be emptied."""
    tests = [naming(*_TEXTS, patterns=(named := numbered(patterns)))]
    given: dict[str, Any] = {"account": order.account_id, **screening(order), **named}
    for pattern in _by_number(order):
        tests.append(_NUMBERED)
        given["pattern"] = pattern
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(whose=_WHOSE, names=" OR ".join(tests)), given)
        return {"kept_answers": cursor.fetchone()[0]}


def _by_number(order: Forgetting) -> list[str]:
    return [_NUMBERS.format("|".join(map(str, order.profiles)))] if order.profiles else []
