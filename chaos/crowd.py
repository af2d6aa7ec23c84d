"""The customers, and what staff do for them. Import it when Django is set up."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from django.db import close_old_connections

from chaos.scripts import Scripts
from feedbackloops import acts
from feedbackloops.models import BodyFormat, FeedbackLoop
from rig.customers import Customer, customer

LOOPS_EACH = 2
STRUCK = "Struck"


@dataclass(frozen=True, slots=True)
class Crowd:
    """`urls`: what is hit, each with its account. `loops`: those of an account. `scripts`: the loop of each URL."""

    urls: list[tuple[str, int]]
    loops: dict[int, list[int]]
    scripts: dict[str, int]


def gather(scripts: Scripts) -> Crowd:
    """Customers with two steady scripts each, one of them for JSON, and one whose three scripts are struck."""
    steady = scripts.steady
    parts = [steady[start : start + LOOPS_EACH] for start in range(0, len(steady), LOOPS_EACH)]
    customers = [customer(f"Steady {number}", part) for number, part in enumerate(parts)]
    _speak_json(customers)
    return _crowd([*customers, customer(STRUCK, [scripts.plain, scripts.named, scripts.secure])])


def resume(script: str) -> None:
    """Press Resume on the loop of this URL."""
    close_old_connections()
    acts.resume(list(FeedbackLoop.objects.filter(url=script)), None)


def _speak_json(customers: Sequence[Customer]) -> None:
    last = [each.loops[-1].pk for each in customers]
    FeedbackLoop.objects.filter(pk__in=last).update(body_format=BodyFormat.JSON)


def _crowd(customers: Sequence[Customer]) -> Crowd:
    columns = [[(url, each.account.pk) for url in each.urls] for each in customers]
    return Crowd(
        urls=[url for url in chain.from_iterable(zip_longest(*columns)) if url],
        loops={each.account.pk: [loop.pk for loop in each.loops] for each in customers},
        scripts={loop.url: loop.pk for each in customers for loop in each.loops},
    )
