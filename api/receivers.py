"""What becomes of kept answers when a person is forgotten."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from django.db import connection, transaction
from django.dispatch import receiver

from api.problems import Problem, answer
from feedbackloops.forgetting.screening import naming, screening
from feedbackloops.forgetting.signals import person_forgotten
from feedbackloops.models import Forgetting

# The note stays, so that the request that comes again does not make the person anew.
_EMPTY: Final = """
UPDATE api_keptanswer SET body = %(body)s, status = %(status)s,
    key = CASE WHEN key ~* %(pattern)s THEN 'forgotten-' || id ELSE key END
WHERE token_id IN (SELECT id FROM api_apitoken WHERE account_id = %(account)s) AND ({names})
"""
_NAMED: Final = naming("encode(body, 'escape')", "key")
_NUMBERED: Final = "encode(body, 'escape') ~* %(pattern)s"
_NUMBERS: Final = r'"(id|profile)": ?({})(?![0-9])'
_WORDS: Final = "What this request did has been forgotten, with the person whom it was about."


@receiver(person_forgotten)
def empty_answers(order: Forgetting, patterns: Sequence[str], **kwargs: Any) -> None:
    """Leave nothing of the answers that were about the person, but that there was one."""
    body = answer(Problem(HTTPStatus.GONE, _WORDS)).content
    given: dict[str, Any] = {"body": body, "status": HTTPStatus.GONE, "account": order.account_id, **screening(order)}
    wanted = [(pattern, _NAMED) for pattern in patterns]
    if order.profiles:
        wanted.append((_NUMBERS.format("|".join(map(str, order.profiles))), _NUMBERED))
    for pattern, names in wanted:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_EMPTY.format(names=names), {**given, "pattern": pattern})
