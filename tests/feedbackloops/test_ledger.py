"""The ledger against real rows: what balances, what doesn't, and which days are counted again."""

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops import fanout, history, ledger
from feedbackloops.models import Delivery, FeedbackLoop, LedgerDay, LedgerLine, OwedCount
from feedbackloops.protocol.balance import Hits, Line
from feedbackloops.resending import send_again
from tests.factories import make_events, make_message, make_verified_loop, owe
from tests.tracking.samples import make_hit
from tracking import partitions
from tracking.hits import KINDS
from tracking.ids import first_id_at, new_id
from tracking.models import Event, HitCount, Message
from tracking.outside import record_reports
from tracking.reports import Report
from tracking.spool import Spool

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = date(2001, 2, 3)


@pytest.fixture
def message() -> Message:
    return make_message()


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account)


def today() -> date:
    return now().astimezone(UTC).date()


def lines() -> dict[int, Line]:
    return {line.loop: line for line in ledger.lines_of(today())}


def test_what_was_owed_is_held_against_the_deliveries_of_the_day_loop_by_loop(
    message: Message, loop: FeedbackLoop
) -> None:
    other = make_verified_loop(message.account)
    owe(message, 5)
    for state in ("delivered", "given_up", "cancelled"):
        Delivery.objects.filter(pk=Delivery.objects.filter(loop=loop, state="pending").first().pk).update(state=state)  # type: ignore[union-attr]
    assert lines() == {
        loop.pk: Line(today(), loop.pk, loop.account_id, 5, 1, 2, 1, 1),
        other.pk: Line(today(), other.pk, other.account_id, 5, 0, 5, 0, 0),
    }
    assert {line.missing for line in lines().values()} == {0}
    assert ledger.lines_of(today() - timedelta(days=1)) == []


def test_a_delivery_that_was_deleted_by_hand_is_missing_and_so_are_all_of_them(
    message: Message, loop: FeedbackLoop
) -> None:
    owe(message, 2)
    Delivery.objects.filter(pk=Delivery.objects.first().pk).delete()  # type: ignore[union-attr]
    assert lines()[loop.pk].missing == 1
    Delivery.objects.all().delete()
    assert lines()[loop.pk] == Line(today(), loop.pk, loop.account_id, 2, 0, 0, 0, 0)


def test_counts_that_were_deleted_leave_too_many_deliveries(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 2)
    OwedCount.objects.all().delete()
    assert lines()[loop.pk].missing == -2


def test_summing_up_and_sending_again_leave_the_balance_as_it_is(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 1)
    owe(message, 1)
    OwedCount.objects.update(hour=datetime.combine(today(), datetime.min.time(), UTC))
    history.sum_up()
    Delivery.objects.update(state="given_up")
    send_again([each.pk for each in Delivery.objects.all()])
    assert (lines()[loop.pk].owed, lines()[loop.pk].pending, lines()[loop.pk].missing) == (2, 2, 0)


def test_rows_that_no_partition_covers_are_counted_with_their_day(message: Message, loop: FeedbackLoop) -> None:
    id = first_id_at(datetime(1999, 5, 6, 7, tzinfo=UTC))
    Delivery.objects.create(id=id, event_id=id, loop=loop, account=loop.account, next_attempt=now())
    assert date(1999, 5, 6) in ledger.days_kept()
    assert [line.missing for line in ledger.lines_of(date(1999, 5, 6))] == [-1]


def test_a_system_at_work_balances_at_any_moment(message: Message, loop: FeedbackLoop) -> None:
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            fanout.fan_out(make_events(message, 20))
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        found: list[Line] = []
        while len({line.owed for line in found}) < 20:
            found += ledger.lines_of(today())
    finally:
        over.set()
        worker.join()
    assert {line.missing for line in found} == {0}


def test_hits_are_all_that_the_web_process_counts(message: Message) -> None:
    for number, type in enumerate(KINDS, start=1):
        make_events(message, number, type=type)
    Event.objects.create(id=new_id(), type="update", account=message.account)
    found = ledger.hits_of([today(), today() - timedelta(days=1)])
    assert [hits.events for hits in found] == [6, 0]


def test_what_was_told_from_outside_stands_in_for_no_hit(message: Message) -> None:
    make_events(message, 1)
    told = Report("open", message.account_id, message.id, now(), "1", source="a provider")
    record_reports([told])
    assert [hits.events for hits in ledger.hits_of([today()])] == [1]


def test_accepted_hits_are_held_against_events_and_this_hosts_spool(
    message: Message, settings: Settings, tmp_path: Path
) -> None:
    settings.SPOOL_DIR = tmp_path / "spool"
    make_events(message, 3)
    for process, (accepted, lost) in enumerate([(3, 0), (2, 1)]):
        HitCount.objects.create(process=UUID(int=process), day=today(), accepted=accepted, lost=lost)
    [hits] = ledger.hits_of([today()])
    assert (hits, hits.missing) == (Hits(today(), 5, 1, 0, 3), 2)

    settings.SPOOL_DIR.mkdir()
    Spool(settings.SPOOL_DIR).append_all([make_hit(), make_hit()])
    [hits] = ledger.hits_of([today()])
    assert (hits.spooled, hits.missing) == (2, 0)


def test_a_spool_that_can_not_be_read_is_left_out_and_the_log_says_so(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SPOOL_DIR = tmp_path / "file"
    settings.SPOOL_DIR.write_text("")
    assert [hits.spooled for hits in ledger.hits_of([today()])] == [0]
    assert "The ledger leaves out what is spooled on this host" in caplog.text


def test_what_was_counted_is_kept_once_and_follows_the_next_count(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 2)
    ledger.count([today()])
    owe(message, 1)
    ledger.count([today()])
    line = LedgerLine.objects.get()
    assert (line.day, line.loop_id, line.account_id) == (today(), loop.pk, loop.account_id)
    assert (line.owed, line.pending, line.missing) == (3, 3, 0)
    assert LedgerDay.objects.get().events == 3


def test_two_that_count_one_day_at_once_leave_one_line(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    found = ledger.lines_of(today())

    def write() -> None:
        for _ in range(10):
            ledger.write(Hits(today(), 0, 0, 0, 1), found)
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert LedgerLine.objects.count() == 1


def test_days_are_due_that_may_have_changed(message: Message, loop: FeedbackLoop) -> None:
    partitions.make(history.DELIVERIES, [LONG_AGO])
    try:
        assert LONG_AGO in ledger.days_due(now())
        ledger.count(ledger.days_due(now()))
        assert ledger.days_due(now()) == [today()]
        values = {"owed": 1, "delivered": 0, "pending": 1, "given_up": 0, "cancelled": 0, "counted": now()}
        LedgerLine.objects.create(day=LONG_AGO, loop=loop, **values)
        LedgerDay.objects.filter(day=LONG_AGO).update(counted=now() - timedelta(days=3000))
        assert LONG_AGO in ledger.days_due(now())
    finally:
        partitions.drop(history.DELIVERIES, LONG_AGO)


def test_what_was_counted_of_days_that_are_gone_goes_as_well(message: Message, loop: FeedbackLoop) -> None:
    owe(message)
    ledger.count([today(), LONG_AGO])
    values = {"owed": 1, "delivered": 1, "pending": 0, "given_up": 0, "cancelled": 0, "counted": now()}
    LedgerLine.objects.create(day=LONG_AGO, loop=loop, **values)
    ledger.forget_gone()
    assert set(LedgerLine.objects.values_list("day", flat=True)) == {today()}
    assert LONG_AGO not in set(LedgerDay.objects.values_list("day", flat=True))
