"""Verdicts as fan-outs keep them: by what a hit says, by other hits, and the same ever after."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pytest_django import Settings

from feedbackloops.fanout import fan_out
from feedbackloops.ledger import lines_of
from feedbackloops.models import Delivery, EventCount, FeedbackLoop, OwedCount, Snapshot
from tests.factories import make_message, make_profile, make_verified_loop
from tracking.ids import first_id_at, new_id
from tracking.linksseen import Head, forget_links, note_heads
from tracking.models import LinkSeen, Message, Outbox
from tracking.store import EventRow, store_events

pytestmark = pytest.mark.django_db(transaction=True)

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SCANNER = "Barracuda Sentinel (EE)"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


@pytest.fixture
def message() -> Message:
    message = make_message(make_profile(firstname="Ann"), id=id_at(NOON - timedelta(hours=1)))
    Outbox.objects.all().delete()
    return message


def id_at(moment: datetime) -> UUID:
    """An id of this moment, unlike any other."""
    return UUID(int=first_id_at(moment).int | (new_id().int & (1 << 80) - 1))


def row(message: Message, link: int = 0, ms: int = 0, useragent: str = BROWSER, **data: Any) -> EventRow:
    """A click on this link, or with 0 an open, so many milliseconds after noon."""
    seen: dict[str, Any] = {"ip": "203.0.113.7", "useragent": useragent, "accept-language": "nl"}
    if link:
        seen |= {"original": "https://example.com/", "link": link}
    id = id_at(NOON + timedelta(milliseconds=ms))
    return EventRow(id, "click" if link else "open", message.account_id, message.pk, seen | data)


def fanned_out(*rows: EventRow) -> list[dict[str, Any]]:
    """What is kept of these events, which came in one set."""
    store_events(rows)
    fan_out([row.id for row in rows])
    kept = dict(Snapshot.objects.values_list("pk", "data"))
    return [kept[row.id] for row in rows]


def verdicts(kept: Sequence[dict[str, Any]]) -> list[str]:
    return [each["verdict"] for each in kept]


def firsts(kept: Sequence[dict[str, Any]]) -> list[bool]:
    return ["first" in each for each in kept]


def test_a_verdict_is_kept_with_its_reasons_and_what_is_known_of_the_program(message: Message) -> None:
    make_verified_loop(message.account)

    [kept] = fanned_out(row(message))

    judged = {"verdict": "human", "reasons": ["browser"], "client": "Firefox 140", "os": "Linux", "first": 1}
    assert kept | judged == kept
    assert (kept["recipient"], kept["fields"]) == ("ann@example.com", {"firstname": "Ann"})


def test_the_first_open_and_the_first_click_on_each_link_are_told(message: Message) -> None:
    assert firsts(fanned_out(row(message), row(message, 1, 5000), row(message, 2, 9000))) == [True, True, True]
    assert firsts(fanned_out(row(message, 0, 20_000), row(message, 1, 25_000), row(message, 3, 29_000))) == [
        False,
        False,
        True,
    ]


def test_in_a_set_the_earliest_is_the_first(message: Message) -> None:
    later, earlier = row(message, 1, 5000), row(message, 1, 2000)
    assert firsts(fanned_out(later, earlier)) == [False, True]


def test_what_a_machine_does_is_never_the_first(message: Message) -> None:
    assert firsts(fanned_out(row(message, 1, 0, SCANNER))) == [False]
    assert firsts(fanned_out(row(message, 1, 60_000))) == [True]


def test_of_a_message_older_than_the_history_nobody_knows_which_was_the_first(settings: Settings) -> None:
    old = make_message(id=id_at(NOON - timedelta(days=settings.HISTORY_DAYS + 1)))
    assert firsts(fanned_out(row(old))) == [False]


def test_a_click_without_the_number_of_its_link_is_not_told_to_be_the_first(message: Message) -> None:
    told = row(message, 1)
    del told.data["link"]
    assert firsts(fanned_out(told)) == [False]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 300, 600], ["machine"] * 3),
        ([0, 1500, 3000], ["human"] * 3),
        ([0, 900, 1800], ["human", "machine", "human"]),
    ],
)
def test_several_links_within_a_second_are_no_persons_clicks(
    message: Message, times: list[int], expected: list[str]
) -> None:
    kept = fanned_out(*(row(message, link, ms) for link, ms in enumerate(times, start=1)))
    assert verdicts(kept) == expected


def test_a_burst_is_known_over_sets(message: Message) -> None:
    kept = [fanned_out(row(message, link, link * 100))[0] for link in range(1, 6)]
    # The first two went out before anybody could tell.
    assert verdicts(kept) == ["human", "human", "machine", "machine", "machine"]
    assert kept[4]["reasons"] == ["burst"]


def test_the_same_link_again_and_again_is_no_burst(message: Message) -> None:
    kept = fanned_out(*(row(message, 1, ms) for ms in range(0, 1000, 100)))
    assert set(verdicts(kept)) == {"human"}


def test_links_of_other_mails_are_no_burst(message: Message) -> None:
    other = make_message(account=message.account)
    kept = fanned_out(row(message, 1), row(message, 2, 10), row(other, 3, 20), row(other, 4, 30))
    assert set(verdicts(kept)) == {"human"}


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ({}, ("machine", ["head-first"])),
        ({"ms": -61_000}, ("human", ["browser"])),
        ({"ip": "198.51.100.9"}, ("human", ["browser"])),
        ({"link": 2}, ("human", ["browser"])),
        ({"ms": 500}, ("human", ["browser"])),
    ],
)
def test_a_get_soon_after_a_head_by_the_same_address_is_a_machines(
    message: Message, head: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    noon = first_id_at(NOON).int >> 80
    given: dict[str, Any] = {"link": 1, "ms": -200, "ip": "203.0.113.7"} | head
    note_heads([Head(message.pk, given["link"], noon + given["ms"], given["ip"])])

    [kept] = fanned_out(row(message, 1))

    assert (kept["verdict"], kept["reasons"]) == expected


@pytest.mark.parametrize("address", [{"ip": ""}, {}])
def test_where_no_addresses_are_kept_a_head_is_nobodys(message: Message, address: dict[str, str]) -> None:
    note_heads([Head(message.pk, 1, (first_id_at(NOON).int >> 80) - 200, "")])
    click = row(message, 1)
    del click.data["ip"]
    click.data.update(address)
    assert verdicts(fanned_out(click)) == ["human"]


def test_of_several_heads_the_last_counts(message: Message) -> None:
    noon = first_id_at(NOON).int >> 80
    note_heads([Head(message.pk, 1, noon - 90_000, "192.0.2.1"), Head(message.pk, 1, noon - 100, "203.0.113.7")])
    note_heads([Head(message.pk, 1, noon - 80_000, "192.0.2.1")])
    assert LinkSeen.objects.get().head_ip == "203.0.113.7"


def people_only(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account, people_only=True)


def test_a_loop_for_people_only_is_not_owed_what_a_machine_did(message: Message) -> None:
    loop, all_of_it = people_only(message), make_verified_loop(message.account)
    hits = row(message, 0, 0, BROWSER), row(message, 0, 2000, SCANNER), row(message, 0, 4000, GMAIL)

    kept = fanned_out(*hits)

    assert verdicts(kept) == ["human", "machine", "proxy"]
    owed = {
        each.pk: set(Delivery.objects.filter(loop=each).values_list("event_id", flat=True))
        for each in (loop, all_of_it)
    }
    assert owed == {loop.pk: {hits[0].id, hits[2].id}, all_of_it.pk: {hit.id for hit in hits}}


def test_what_it_is_owed_balances_and_every_event_is_counted(message: Message) -> None:
    loop = people_only(message)

    fanned_out(row(message), row(message, 0, 2000, SCANNER))

    assert OwedCount.objects.get(loop_id=loop.pk).count == 1
    assert EventCount.objects.get(account_id=message.account_id, type="open").count == 2
    assert [(line.owed, line.pending, line.missing) for line in lines_of(NOON.date())] == [(1, 1, 0)]


def test_what_is_unknown_may_be_a_person(message: Message) -> None:
    loop = people_only(message)
    [kept] = fanned_out(row(message, 0, 0, ""))
    assert kept["verdict"] == "unknown"
    assert Delivery.objects.filter(loop=loop).count() == 1


def test_an_event_that_is_fanned_out_twice_keeps_its_verdict(message: Message) -> None:
    [hit] = rows = [row(message, 1)]
    [before] = fanned_out(*rows)
    note_heads([Head(message.pk, 1, (hit.id.int >> 80) - 100, "203.0.113.7")])

    Outbox.objects.create(event_id=hit.id)
    fan_out([hit.id])

    assert Snapshot.objects.get(pk=hit.id).data == before
    assert before["verdict"] == "human"


@pytest.mark.parametrize("link", ["1", None, 1.5, [1]])
def test_an_odd_number_of_a_link_parks_nothing(message: Message, link: Any) -> None:
    odd = row(message, 1)
    odd.data["link"] = link
    assert len(fanned_out(odd)) == 1


def test_what_was_seen_of_links_goes_with_the_day_of_its_message(message: Message) -> None:
    fanned_out(row(message), row(message, 1, 5000))

    assert forget_links(NOON.date()) == 0
    assert forget_links((NOON + timedelta(days=1)).date()) == 2
    assert not LinkSeen.objects.exists()
