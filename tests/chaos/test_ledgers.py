from dataclasses import replace

import pytest

from chaos.ledgers import Database, Duplicate, Findings, Hit, Ledgers, Loss, Missing, Receipt, compare

ACCOUNT, ONE, TWO = 7, 1, 2
HIT, NEXT = Hit(0, ACCOUNT, 10.0, 10.01), Hit(1, ACCOUNT, 10.5, 10.51)
EVENTS = {"a": 0, "b": 1}
DELIVERIES = {(event, loop): "delivered" for event in EVENTS for loop in (ONE, TWO)}
RECEIPTS = [Receipt(loop, number, event, 11.0, True) for event, number in EVENTS.items() for loop in (ONE, TWO)]
BALANCED = Ledgers([HIT, NEXT], Database(EVENTS, DELIVERIES), RECEIPTS, {ACCOUNT: [ONE, TWO]})


def with_delivery(state: str | None) -> Ledgers:
    """Loop TWO's delivery of the first event in this state, or not there, and not received."""
    deliveries = {key: value for key, value in DELIVERIES.items() if key != ("a", TWO)}
    deliveries |= {("a", TWO): state} if state else {}
    return replace(BALANCED, database=Database(EVENTS, deliveries), receipts=RECEIPTS[:1] + RECEIPTS[2:])


def test_ledgers_that_say_the_same_leave_nothing_but_delays() -> None:
    assert compare(BALANCED) == Findings(delays=[(HIT, 1.0), (HIT, 1.0), (NEXT, 0.5), (NEXT, 0.5)])


def test_a_hit_that_was_answered_and_is_not_in_the_database_is_lost() -> None:
    missing = replace(BALANCED, hits=[HIT, NEXT, Hit(2, ACCOUNT, 11.0, 11.01)])

    assert compare(missing).losses == [Loss(missing.hits[2], None, Missing.EVENT)]


def test_a_hit_that_was_not_answered_may_be_missing() -> None:
    assert compare(replace(BALANCED, hits=[HIT, NEXT, Hit(2, ACCOUNT, 11.0, None)])).losses == []


def test_a_hit_that_was_not_answered_and_is_recorded_has_to_arrive() -> None:
    unanswered = replace(HIT, answered=None)
    ledgers = replace(with_delivery("pending"), hits=[unanswered, NEXT])

    assert compare(ledgers).losses == [Loss(unanswered, TWO, Missing.PENDING)]


@pytest.mark.parametrize(
    ("state", "where"),
    [
        (None, Missing.DELIVERY),
        ("pending", Missing.PENDING),
        ("given_up", Missing.GIVEN_UP),
        ("cancelled", Missing.GIVEN_UP),
        ("delivered", Missing.RECEIPT),
    ],
)
def test_an_event_that_did_not_arrive_is_lost_where_its_delivery_ended(state: str | None, where: Missing) -> None:
    assert compare(with_delivery(state)).losses == [Loss(HIT, TWO, where)]


def test_what_was_accepted_and_is_still_pending_is_not_settled() -> None:
    deliveries = DELIVERIES | {("b", ONE): "pending"}

    assert compare(replace(BALANCED, database=Database(EVENTS, deliveries))).losses == [
        Loss(NEXT, ONE, Missing.PENDING)
    ]


def test_a_post_that_was_not_accepted_is_no_arrival_and_no_duplicate() -> None:
    refused = replace(RECEIPTS[0], at=10.6, accepted=False)

    assert compare(replace(BALANCED, receipts=[refused, *RECEIPTS])) == compare(BALANCED)
    (loss,) = compare(replace(BALANCED, receipts=[refused, *RECEIPTS[1:]])).losses
    assert loss == Loss(HIT, ONE, Missing.RECEIPT, refused=10.6)


def test_each_acceptance_after_the_first_is_a_duplicate() -> None:
    again, once_more = replace(RECEIPTS[0], at=15.0), replace(RECEIPTS[0], at=12.0)

    assert compare(replace(BALANCED, receipts=[again, *RECEIPTS, once_more])).duplicates == [
        Duplicate(HIT, ONE, 11.0, 12.0),
        Duplicate(HIT, ONE, 12.0, 15.0),
    ]


@pytest.mark.parametrize(
    ("database", "receipts", "words"),
    [
        (Database(EVENTS | {"c": 9}, DELIVERIES), RECEIPTS, "Event c says that it came from hit 9"),
        (Database(EVENTS | {"c": 0}, DELIVERIES), RECEIPTS, "Hit 0 was recorded 2 times: a, c"),
        (BALANCED.database, [*RECEIPTS, Receipt(ONE, 0, "x", 12.0, True)], "which the database does not hold"),
        (BALANCED.database, [*RECEIPTS, Receipt(ONE, 1, "a", 12.0, False)], "hit 1 as event a, which is hit 0"),
        (
            BALANCED.database,
            [*RECEIPTS, Receipt(3, 0, "a", 12.0, True)],
            "which it is not owed",
        ),
    ],
)
def test_what_nobody_has_asked_for_is_told(database: Database, receipts: list[Receipt], words: str) -> None:
    (oddity,) = compare(replace(BALANCED, database=database, receipts=receipts)).oddities

    assert words in oddity
