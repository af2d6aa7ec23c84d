"""Three ledgers that must say the same: what was answered, what the database holds, what the scripts received.

All moments are seconds of CLOCK_MONOTONIC, which the processes of a machine share.
"""

import enum
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit of the load generator. `number` is its mark, `answered` None where no good answer came in time."""

    number: int
    account: int
    sent: float
    answered: float | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """One POST as a script got it: which hit its body names, which event its header. `accepted`: answered by 2xx."""

    loop: int
    hit: int
    event: str
    at: float
    accepted: bool


@dataclass(frozen=True, slots=True)
class Database:
    """What PostgreSQL holds: the hit that each event came from, and the state of each delivery (event, loop)."""

    events: Mapping[str, int]
    deliveries: Mapping[tuple[str, int], str]


@dataclass(frozen=True, slots=True)
class Ledgers:
    """All three. `loops`: which loops want the events of an account."""

    hits: Sequence[Hit]
    database: Database
    receipts: Sequence[Receipt]
    loops: Mapping[int, Sequence[int]]


class Missing(enum.StrEnum):
    """Where an event was lost from sight."""

    EVENT = "answered, but not in the database"
    DELIVERY = "recorded, but owed to no one"
    PENDING = "owed, and still pending at the end"
    GIVEN_UP = "owed, and given up"
    RECEIPT = "delivered as the database has it, but never accepted by the script"


@dataclass(frozen=True, slots=True)
class Loss:
    """A hit that is missing somewhere; `loop` is None where it is missing for all.

    `refused`: when the loop's script last got it and did not accept it; None where it never did.
    """

    hit: Hit
    loop: int | None
    where: Missing
    refused: float | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An event that a script accepted at `first`, and once more at `second`."""

    hit: Hit
    loop: int
    first: float
    second: float


@dataclass(slots=True)
class Findings:
    """What the comparison came to. `delays`: seconds from the hit to its first acceptance. `oddities`: sentences."""

    losses: list[Loss] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    delays: list[tuple[Hit, float]] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)


def compare(ledgers: Ledgers) -> Findings:
    """What is missing, what came twice, and what there is no reason for.

    A hit that was not answered may be recorded or not; once it is recorded it counts like any other.
    """
    findings = Findings(oddities=[*_strangers(ledgers), *_doubled_events(ledgers)])
    hits = {hit.number: hit for hit in ledgers.hits}
    accepted, refused = _moments(ledgers.receipts, accepted=True), _moments(ledgers.receipts, accepted=False)
    recorded = set(ledgers.database.events.values())
    findings.losses += [
        Loss(hit, None, Missing.EVENT)
        for hit in ledgers.hits
        if hit.answered is not None and hit.number not in recorded
    ]
    for event, number in ledgers.database.events.items():
        if hit := hits.get(number):
            for loop in ledgers.loops[hit.account]:
                moments = accepted[event, loop]
                _follow(findings, hit, loop, moments)
                if where := _missing(ledgers.database.deliveries.get((event, loop)), bool(moments)):
                    findings.losses.append(Loss(hit, loop, where, max(refused[event, loop], default=None)))
    return findings


def _follow(findings: Findings, hit: Hit, loop: int, moments: Sequence[float]) -> None:
    if moments:
        findings.delays.append((hit, moments[0] - hit.sent))
    findings.duplicates += [Duplicate(hit, loop, first, second) for first, second in pairwise(moments)]


def _missing(state: str | None, is_accepted: bool) -> Missing | None:
    if state is None:
        return Missing.DELIVERY
    if state == "pending":
        return Missing.PENDING
    if is_accepted:
        return None
    return Missing.RECEIPT if state == "delivered" else Missing.GIVEN_UP


def _moments(receipts: Sequence[Receipt], *, accepted: bool) -> defaultdict[tuple[str, int], list[float]]:
    """The moments at which each event was accepted, or refused, by each loop's script, in order."""
    moments = defaultdict[tuple[str, int], list[float]](list)
    for receipt in sorted(receipts, key=lambda receipt: receipt.at):
        if receipt.accepted is accepted:
            moments[receipt.event, receipt.loop].append(receipt.at)
    return moments


def _strangers(ledgers: Ledgers) -> Iterator[str]:
    """What nobody has asked for: events without a hit, POSTs without an event or with the body of another one."""
    sent = {hit.number for hit in ledgers.hits}
    for event, number in ledgers.database.events.items():
        if number not in sent:
            yield f"Event {event} says that it came from hit {number}, which was never sent."
    for receipt in ledgers.receipts:
        known = ledgers.database.events.get(receipt.event)
        if known is None:
            yield f"Loop {receipt.loop} was sent event {receipt.event}, which the database does not hold."
        elif known != receipt.hit:
            yield f"Loop {receipt.loop} was sent hit {receipt.hit} as event {receipt.event}, which is hit {known}."
        elif (receipt.event, receipt.loop) not in ledgers.database.deliveries:
            yield f"Loop {receipt.loop} was sent event {receipt.event}, which it is not owed."


def _doubled_events(ledgers: Ledgers) -> Iterator[str]:
    events = defaultdict[int, list[str]](list)
    for event, number in ledgers.database.events.items():
        events[number].append(event)
    for number, same in events.items():
        if len(same) > 1:
            yield f"Hit {number} was recorded {len(same)} times: {', '.join(sorted(same))}."
