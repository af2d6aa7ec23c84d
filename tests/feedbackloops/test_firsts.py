"""The first open of a message and the first click of each link, with many fan-outs at once."""

import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction

from feedbackloops import fanout
from feedbackloops.fanout import fan_out
from feedbackloops.models import Snapshot
from tests.factories import make_events, make_message, make_verified_loop
from tests.tracking.samples import wait_until
from tracking.models import LinkSeen, Message, Outbox
from tracking.statements import run

pytestmark = pytest.mark.django_db(transaction=True)

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
AT_ONCE = 32


@pytest.fixture
def message() -> Message:
    message = make_message()
    make_verified_loop(message.account)
    Outbox.objects.all().delete()
    return message


def opens(message: Message, number: int) -> list[UUID]:
    return make_events(message, number, useragent=BROWSER)


def clicks(message: Message, number: int) -> list[UUID]:
    seen = {"useragent": BROWSER, "accept-language": "nl", "link": 1, "original": "https://example.com/"}
    return make_events(message, number, "click", **seen)


def firsts() -> set[UUID]:
    return set(Snapshot.objects.filter(data__has_key="first").values_list("pk", flat=True))


def started(sets: Sequence[Sequence[UUID]]) -> list[threading.Thread]:
    """Fan out these sets, each in a thread with a connection of its own, all at the same moment."""
    start = threading.Barrier(len(sets))

    def work(ids: Sequence[UUID]) -> None:
        start.wait()
        fan_out(ids)
        connection.close()

    threads = [threading.Thread(target=work, args=(ids,)) for ids in sets]
    for thread in threads:
        thread.start()
    return threads


def waiting_for_us() -> int:
    """How many wait for the end of this transaction."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"
    return int(run(query)[0][0])


def test_of_events_that_are_fanned_out_at_once_each_alone_one_open_and_one_click_are_the_first(
    message: Message,
) -> None:
    opened, clicked = opens(message, AT_ONCE), clicks(message, AT_ONCE)
    both = [*zip(opened, clicked, strict=True)]

    # Nobody gets past the row before all have read that there is no first yet.
    with transaction.atomic():
        LinkSeen.objects.bulk_create([LinkSeen(message_id=message.pk, link=link) for link in (0, 1)])
        threads = started(both)
        wait_until(lambda: waiting_for_us() == AT_ONCE)
    for thread in threads:
        thread.join()

    assert len(firsts()) == 2
    assert firsts() == set(LinkSeen.objects.values_list("first", flat=True))
    assert len(firsts() & set(opened)) == 1
    assert Snapshot.objects.count() == 2 * AT_ONCE


def test_a_first_whose_fan_out_dies_is_the_next_ones_and_stays_so_when_the_set_is_repeated(
    message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    [dying], others = opens(message, 1), opens(message, 3)
    threads: list[threading.Thread] = []

    def die(query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        done = run(query, **parameters)
        if "feedbackloops_snapshot" in query:
            monkeypatch.undo()
            threads.extend(started([others]))
            run("SELECT count(*) FROM pg_sleep(0.2)")
            run("SELECT pg_terminate_backend(pg_backend_pid())")
        return done

    monkeypatch.setattr(fanout, "run", die)
    with pytest.raises(OperationalError):
        fan_out([dying])
    connection.close()
    for thread in threads:
        thread.join()

    assert firsts() == {others[0]}
    fan_out([dying])
    fan_out([dying, *others])
    assert firsts() == {others[0]}
    assert Snapshot.objects.count() == 4


def test_events_that_are_fanned_out_again_after_all_was_done_change_no_first(message: Message) -> None:
    events = opens(message, 3)
    fan_out(events)
    for id in reversed(events):
        Outbox.objects.create(event_id=id)
        fan_out([id])
    assert firsts() == {events[0]}
