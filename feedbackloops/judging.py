"""Who made the opens and clicks of a set, before they are fanned out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from django.conf import settings

from tracking.hits import CLICK
from tracking.ruling import judge
from tracking.verdicts.judge import BURST, HEAD_FIRST, Judge, Judgement
from tracking.verdicts.rules import Rules, Verdict

# A link that is clicked all the time is written down no oftener.
LAST_SEEN_MS: Final = 250
NO_SNAPSHOT: Final = "{}"


class LoadedEvent(NamedTuple):
    """An event with what we know of its recipient: `snapshot` is JSON text, in the names of the wire contract.

    Of an open or a click, what was seen of it and of its link before (as in LinkSeen): `data` is the event's, as JSON;
    `near`: which other links of the message were clicked at about the same time.
    """

    id: UUID
    type: str
    account: int
    database: int | None
    snapshot: str
    message: UUID | None = None
    data: str | None = None
    link: int | None = None
    has_first: bool = False
    last: int = 0
    headed: int = 0
    head_ip: str = ""
    near: Sequence[int] = ()

    @property
    def ms(self) -> int:
        """When it happened, in milliseconds since 1970."""
        return self.id.int >> 80


class Touch(NamedTuple):
    """What to write down of a link: as in LinkSeen. `first`: the event that is the first, if none is yet."""

    message: UUID
    link: int
    first: UUID | None
    last: int


class Verdicts(NamedTuple):
    """The verdicts on a set. `facts`: of each open and click, what to keep of it, as the members of a JSON object."""

    facts: Mapping[UUID, str]
    machines: frozenset[UUID]
    touches: Sequence[Touch]


def verdicts_on(events: Sequence[LoadedEvent]) -> Verdicts:
    """The verdicts on the opens and clicks among these events."""
    hits = [event for event in events if event.data is not None]
    if not hits:
        return Verdicts({}, frozenset(), ())
    by = judge()
    clicks = _clicks_by_message(hits)
    judged = {hit.id: _judgement(hit, by, clicks) for hit in hits}
    machines = frozenset(id for id, judgement in judged.items() if judgement.verdict is Verdict.MACHINE)
    facts = {id: facts_of(judgement) for id, judgement in judged.items()}
    return Verdicts(facts, machines, _touches(hits, machines))


def with_facts(snapshot: str, facts: str | None) -> str:
    """The snapshot with these facts in it."""
    if not facts:
        return snapshot
    return f"{{{facts}}}" if snapshot == NO_SNAPSHOT else f"{{{facts},{snapshot[1:]}"


@lru_cache(maxsize=4096)
def facts_of(judgement: Judgement) -> str:
    """What a snapshot keeps of a judgement, as the members of a JSON object; what is unknown is left out."""
    values = {
        "verdict": judgement.verdict.value,
        "reasons": judgement.reasons,
        "client": judgement.client,
        "os": judgement.os,
        "device": judgement.device,
    }
    return orjson.dumps({name: value for name, value in values.items() if value}).decode()[1:-1]


def _judgement(hit: LoadedEvent, by: Judge, clicks: Mapping[UUID, Sequence[LoadedEvent]]) -> Judgement:
    data = _read(hit.data or "{}")
    behaviour: tuple[str, ...] = ()
    if hit.type == CLICK and _is_burst(hit, clicks.get(hit.message, ()) if hit.message else (), by.limits):
        behaviour = (BURST,)
    if hit.headed and _is_head_first(hit, data, by.limits):
        behaviour = (*behaviour, HEAD_FIRST)
    return by.judge(hit.type, data, behaviour)


def _read(text: str) -> dict[str, Any]:
    try:
        data = orjson.loads(text)
    except ValueError:
        # A number that no float can hold: whoever sends the event says what is wrong with it.
        return {}
    return data if isinstance(data, dict) else {}


def _clicks_by_message(hits: Iterable[LoadedEvent]) -> dict[UUID, list[LoadedEvent]]:
    found: dict[UUID, list[LoadedEvent]] = {}
    for hit in hits:
        if hit.type == CLICK and hit.message and hit.link:
            found.setdefault(hit.message, []).append(hit)
    return found


def _is_burst(hit: LoadedEvent, clicks: Sequence[LoadedEvent], limits: Rules) -> bool:
    if not hit.near and len(clicks) < limits.burst_links:
        return False
    span = limits.burst_seconds * 1000
    links = {other.link for other in clicks if abs(other.ms - hit.ms) <= span}
    return len(links.union(hit.near)) >= limits.burst_links


def _is_head_first(hit: LoadedEvent, data: Mapping[str, Any], limits: Rules) -> bool:
    is_soon = 0 <= hit.ms - hit.headed <= limits.head_seconds * 1000
    # Where an account keeps no addresses, nobody knows whose HEAD it was.
    return is_soon and hit.head_ip != "" and data.get("ip") == hit.head_ip


def _touches(hits: Sequence[LoadedEvent], machines: frozenset[UUID]) -> list[Touch]:
    """What to write down, in the order in which rows are locked: no two fan-outs wait for each other."""
    touched: dict[tuple[UUID, int], Touch] = {}
    for hit in sorted(hits):
        if hit.message is None or hit.link is None:
            continue
        first = hit.id if _may_be_first(hit, machines) else None
        if first or (hit.type == CLICK and hit.ms - hit.last > LAST_SEEN_MS):
            known = touched.get((hit.message, hit.link))
            touched[hit.message, hit.link] = Touch(
                hit.message, hit.link, (known and known.first) or first, max(hit.ms, known.last if known else 0)
            )
    return [touched[place] for place in sorted(touched)]


def _may_be_first(hit: LoadedEvent, machines: frozenset[UUID]) -> bool:
    """Of a message that is older than the history, nobody knows any more whether there was one before."""
    if hit.has_first or hit.id in machines or hit.message is None:
        return False
    return hit.ms - (hit.message.int >> 80) < timedelta(days=settings.HISTORY_DAYS) / timedelta(milliseconds=1)
