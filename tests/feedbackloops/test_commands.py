"""The commands ledger, parked and send_again, as an operator calls them."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils.timezone import now

from feedbackloops.models import Delivery, FeedbackLoop, LedgerLine, ParkedEvent, Resend
from tests.factories import make_account, make_events, make_message, make_verified_loop, owe
from tracking.ids import new_id
from tracking.models import HitCount, Message, Outbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def message() -> Message:
    return make_message()


@pytest.fixture
def loop(message: Message) -> FeedbackLoop:
    return make_verified_loop(message.account, name="Shop")


def said(*command: str) -> str:
    output = StringIO()
    call_command(*command, stdout=output)
    return output.getvalue()


def test_a_ledger_that_balances_says_so(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 1200)
    words = said("ledger")
    assert "It balances." in words
    assert words.split()[:5] == [f"{now():%Y-%m-%d}", "hits:", "0", "accepted,", "1,200"]
    assert f"{loop.pk:>12}       1,200           0       1,200           0           0" in words
    assert LedgerLine.objects.get().owed == 1200


def test_a_delivery_deleted_by_hand_is_told_with_loop_and_day(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 2)
    Delivery.objects.filter(pk=Delivery.objects.first().pk).delete()  # type: ignore[union-attr]
    with pytest.raises(CommandError) as error:
        said("ledger")
    assert f"{now():%Y-%m-%d}, loop {loop.pk} (“Shop”): 1 delivery is missing" in str(error.value)
    assert error.value.returncode == 1


def test_accepted_hits_that_are_nowhere_are_told_with_their_day_and_lost_ones_as_well(message: Message) -> None:
    make_events(message)
    HitCount.objects.create(process=new_id(), day=now().date(), accepted=3, lost=1)
    with pytest.raises(CommandError, match=f"{now():%Y-%m-%d}: 2 accepted hits are no event yet"):
        said("ledger")
    HitCount.objects.update(accepted=1)
    words = said("ledger")
    assert "hits: 1 accepted, 1 events" in words
    assert "1 hit was lost" in words


def test_older_days_are_counted_on_request(message: Message, loop: FeedbackLoop) -> None:
    id = new_id().__class__(int=(1 << 80) | 0x7000_8000_0000_0000_0000)
    Delivery.objects.create(id=id, event_id=id, loop=loop, account=loop.account, next_attempt=now())
    assert "It balances." in said("ledger", "--days", "30")
    with pytest.raises(CommandError, match="1970-01-01, loop"):
        said("ledger", "--all")
    with pytest.raises(CommandError, match="--days"):
        said("ledger", "--days", "0")


def test_what_is_parked_or_waits_is_told(message: Message, loop: FeedbackLoop) -> None:
    [parked, _] = make_events(message, 2)
    Outbox.objects.filter(pk=parked).delete()
    ParkedEvent.objects.create(event_id=parked, error="ValueError: what?")
    words = said("ledger")
    assert "Events that are parked: 1 (manage.py parked lists them)" in words
    assert "Events that wait for their fan-out: 1" in words


def test_parked_events_are_listed_with_their_errors_and_tried_again(message: Message) -> None:
    assert said("parked") == "Nothing is parked.\n"
    first, second = (ParkedEvent.objects.create(event_id=new_id(), error=f"error {n}") for n in (1, 2))
    assert [line.split("UTC")[1].strip() for line in said("parked").splitlines()] == ["error 1", "error 2"]
    assert "error 1" not in said("parked", str(second.pk))
    assert "Being tried again: 1." in said("parked", str(second.pk), "--retry")
    assert list(Outbox.objects.all()) == [Outbox(event_id=second.pk)]
    assert list(ParkedEvent.objects.all()) == [first]
    with pytest.raises(CommandError, match=f"Not parked: {second.pk}"):
        said("parked", str(second.pk), "--retry")
    assert "Being tried again: 1." in said("parked", "--retry")


def test_what_was_given_up_since_a_moment_is_sent_again(message: Message, loop: FeedbackLoop) -> None:
    owe(message, 3)
    Delivery.objects.update(state="given_up", attempts=13)
    since = f"{now() - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    assert "3 would be sent again." in said("send_again", str(loop.pk), "--since", since, "--count")
    assert not Resend.objects.exists()
    assert "3 made due again. They are due now." in said("send_again", str(loop.pk), "--since", since)
    assert set(Delivery.objects.values_list("state", "attempts_before")) == {("pending", 13)}
    FeedbackLoop.objects.update(status="paused")
    words = said("send_again", str(loop.pk), "--since", since, "--state", "delivered")
    assert "0 made due again. They are sent once the loop sends again; now the loop is paused." in words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--since", "yesterday"], "'yesterday' is no moment"),
        (["--since", "1969-01-01"], "Nothing is that old"),
        (["--since", "2026-01-02", "--until", "2026-01-01"], "ends before it begins"),
    ],
)
def test_moments_that_make_no_sense_are_refused_in_words(loop: FeedbackLoop, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        said("send_again", str(loop.pk), *arguments)


def test_a_loop_that_is_not_there_is_told() -> None:
    make_verified_loop(make_account())
    with pytest.raises(CommandError, match="There is no loop 0"):
        said("send_again", "0", "--since", "2026-01-01")
