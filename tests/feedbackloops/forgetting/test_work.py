from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.utils.timezone import now
from pytest_django import Settings

from api.models import KeptAnswer
from feedbackloops import ledger
from feedbackloops.fanout import fan_out
from feedbackloops.forgetting import work
from feedbackloops.forgetting.people import begin, counts_of, person_at, person_of, twins_of
from feedbackloops.forgetting.proof import search
from feedbackloops.forgetting.removing import Busy, longest_call
from feedbackloops.forgetting.traces import clear_traces
from feedbackloops.models import Attempt, Delivery, EventCount, Forgetting, LaneState, LoopHour, Snapshot, TestCall
from feedbackloops.models.forgetting import Stage
from profiles.models import Profile
from tests.factories import make_message, make_profile
from tests.feedbackloops.forgetting.person import Known, account_with_loop, forget, know, texts_of_everything
from tracking.hits import Hit
from tracking.ids import derived_id, first_id_at, new_id
from tracking.models import Event, HitCount, LinkSeen, Message, Outbox, Refusal
from tracking.store import EventRow, store_events

pytestmark = pytest.mark.django_db

ANN, BEN = "ann.forgotten@example.com", "ben.stays@example.com"


@pytest.fixture(autouse=True)
def spool(tmp_path: Path, settings: Settings) -> Path:
    settings.ANSWER_SECONDS = -7.5  # no call is under way for any time
    folder = settings.SPOOL_DIR = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def both() -> tuple[Known, Known]:
    _, database, loop = account_with_loop()
    return know(database, loop, ANN), know(database, loop, BEN)


def rows_of(known: Known) -> dict[str, Any]:
    """What there is of somebody."""
    events = list(Event.objects.filter(message__in=known.messages).order_by("pk").values())
    ids = [event["id"] for event in events]
    rows: dict[str, Any] = {"events": events, "profile": list(Profile.objects.filter(pk=known.profile.pk).values())}
    rows["messages"] = list(Message.objects.filter(pk__in=[each.pk for each in known.messages]).values())
    rows["snapshots"] = list(Snapshot.objects.filter(pk__in=ids).order_by("pk").values())
    rows["deliveries"] = list(Delivery.objects.filter(event_id__in=ids).order_by("pk").values())
    answers = Attempt.objects.filter(delivery__event_id__in=ids).order_by("pk")
    rows["answers"] = [bytes(answer) for answer in answers.values_list("answer", flat=True)]
    rows["changes"] = Event.objects.filter(data__profile=known.profile.pk).count()
    rows["links"] = LinkSeen.objects.filter(message_id__in=[each.pk for each in known.messages]).count()
    return rows


def test_nothing_is_left_of_the_person_and_all_of_the_other(both: tuple[Known, Known]) -> None:
    ann, ben = both
    before = rows_of(ben)
    assert ANN in texts_of_everything()
    order = forget(begin(person_of(ann.profile)))
    assert (order.stage, order.left) == (Stage.DONE, {})
    everything = texts_of_everything().lower()
    assert [needle for needle in ann.needles if needle in everything] == []
    assert not any(rows_of(ann).values())
    assert rows_of(ben) == before
    assert min(len(rows) if isinstance(rows, list) else rows for rows in before.values()) > 0
    assert LogEntry.objects.filter(change_message="Asked [forgotten] about it.").exists()
    assert TestCall.objects.get().fields == {"recipient": BEN}
    # Of the other: the profile, a message, its three deliveries; and what was done to the loop for either.
    assert LogEntry.objects.count() == 5 + 2


def test_what_was_counted_stays_and_the_ledger_balances(both: tuple[Known, Known]) -> None:
    HitCount.objects.create(process=new_id(), day=now().date(), accepted=16, lost=0)
    counted = EventCount.objects.count(), LoopHour.objects.count()
    forget(begin(person_of(both[0].profile)))
    assert (EventCount.objects.count(), LoopHour.objects.count()) == counted
    today = now().astimezone(UTC).date()
    assert [line.missing for line in ledger.lines_of(today)] == [0]
    (hits,) = ledger.hits_of([today])
    # Of each of the two messages an open and a click, and two opens more of one of them.
    assert (hits.accepted, hits.events, hits.missing) == (10, 6, 4)


def test_what_was_removed_is_counted_and_who_it_was_is_not_kept(both: tuple[Known, Known]) -> None:
    expected = counts_of(person_of(both[0].profile))
    order = forget(begin(person_of(both[0].profile)))
    assert (order.profiles, order.addresses, order.messages) == ([], [], [])
    assert order.finished
    assert {name: order.removed[name] for name in ("profiles", "subprofiles", "messages")} == {
        "profiles": 1,
        "subprofiles": 1,
        "messages": 2,
    }
    assert order.removed["attempts"] == expected["attempts"] == 6
    # Those of changes are found by no index, so nobody counts them before.
    assert order.removed["events"] == expected["events"] + 3


@pytest.mark.parametrize("deaths", [1, 3, 5, 8, 11])
def test_whoever_is_killed_leaves_what_can_be_gone_on_with(both: tuple[Known, Known], deaths: int) -> None:
    ann, _ = both
    begin(person_of(ann.profile))
    for _ in range(deaths):
        work.go_on(Forgetting.objects.get().pk)
    again = begin(person_at(ANN, ann.profile.account_id)) if deaths < 5 else Forgetting.objects.get()
    order = forget(again)
    assert (Forgetting.objects.count(), order.left) == (1, {})
    assert not any(rows_of(ann).values())


def test_rows_that_somebody_writes_are_waited_for_by_nobody(both: tuple[Known, Known], monkeypatch: Any) -> None:
    ann, _ = both
    monkeypatch.setattr("feedbackloops.forgetting.removing._lock", _busy)
    order = begin(person_of(ann.profile))
    assert work.go_on(order.pk)
    with pytest.raises(Busy), transaction.atomic():
        work.go_on(order.pk)
    assert Event.objects.filter(message__in=ann.messages).exists()


def _busy(*nothing: Any) -> None:
    raise Busy


def test_late_hits_leave_nothing_and_the_ledger_knows(both: tuple[Known, Known]) -> None:
    ann, ben = both
    HitCount.objects.create(process=new_id(), day=now().date(), accepted=18, lost=0)
    forget(begin(person_of(ann.profile)))
    late = [
        EventRow(new_id(), type, ann.profile.account_id, ann.messages[0].pk, {}) for type in ("open", "unsubscribe")
    ]
    other = EventRow(new_id(), "open", ann.profile.account_id, ben.messages[0].pk, {})
    store_events([*late, other])
    fan_out([row.id for row in [*late, other]])
    assert not Event.objects.filter(pk__in=[row.id for row in late]).exists()
    assert not Outbox.objects.filter(pk__in=[row.id for row in late]).exists()
    assert Delivery.objects.filter(event_id=other.id).exists()
    assert Refusal.objects.filter(pk__in=[each.pk for each in ann.messages], refused=True).count() == 2
    assert HitCount.objects.get(process="00000000-0000-0000-0000-000000000000").accepted == -8


def test_what_a_call_under_way_leaves_is_waited_for_and_deleted(both: tuple[Known, Known], settings: Settings) -> None:
    settings.ANSWER_SECONDS = 15.0
    ann, _ = both
    delivery = Delivery.objects.filter(event__message=ann.messages[0])[0]
    order = begin(person_of(ann.profile))
    while work.go_on(order.pk):
        pass
    order.refresh_from_db()
    assert order.stage == Stage.CALLS
    assert 0 < work.waits_for(order, now()) <= longest_call().total_seconds()
    assert work.unfinished(now()) == []
    facts = {"account_id": delivery.account_id, "loop_id": delivery.loop_id, "number": 2, "outcome": "accepted"}
    Attempt.objects.create(id=derived_id(delivery.pk, 2), delivery_id=delivery.pk, started=now(), answer=b"x", **facts)
    Forgetting.objects.update(under_way_until=now() - timedelta(seconds=1))
    assert work.unfinished(now()) == [order.pk]
    assert forget(order).left == {}
    assert not Attempt.objects.filter(delivery_id=delivery.pk).exists()


@pytest.mark.parametrize("long", [clear_traces, partial(search, spool=Path("nowhere"))])
def test_nobody_else_begins_a_long_step_that_somebody_is_at(
    both: tuple[Known, Known], long: Callable[[Forgetting, Sequence[str]], object]
) -> None:
    order = begin(person_of(both[0].profile))
    Forgetting.objects.update(touched=now() - timedelta(hours=1))
    assert work.unfinished(now()) == [order.pk]
    long(order, ["nobody"])
    assert work.unfinished(now()) == []


def test_the_address_of_an_account_means_all_profiles_that_have_it(both: tuple[Known, Known]) -> None:
    ann, _ = both
    twin = make_profile(ann.profile.database, email=ANN)
    theirs = make_message(twin, recipient=ANN)
    assert list(twins_of(person_of(ann.profile))) == [twin]
    one = forget(begin(person_of(ann.profile)))
    assert "profiles_profile.address" in one.left
    assert Profile.objects.filter(pk=twin.pk).exists()
    assert Message.objects.filter(pk=theirs.pk).exists()
    assert forget(begin(person_at(f"Ann <{ANN.upper()}>", ann.profile.account_id))).left == {}
    assert not Profile.objects.filter(pk=twin.pk).exists()


def test_who_shares_an_address_with_somebody_being_forgotten_is_forgotten_too(both: tuple[Known, Known]) -> None:
    ann, _ = both
    twin = make_profile(ann.profile.database, email=ANN)
    first = begin(person_of(ann.profile))
    orders = [first, begin(person_of(twin)), begin(person_at(ANN, ann.profile.account_id))]
    assert len({order.pk for order in orders}) == 3
    # Who is covered by a note needs no other one.
    assert begin(person_of(twin)).pk in {order.pk for order in orders}
    assert [forget(order).left for order in reversed(orders)] == [{}, {}, {}]
    assert not Profile.objects.filter(address=ANN).exists()


def test_another_account_keeps_what_it_knows_of_the_same_person(both: tuple[Known, Known]) -> None:
    _, database, loop = account_with_loop()
    elsewhere = know(database, loop, ANN)
    before = rows_of(elsewhere)
    assert forget(begin(person_of(both[0].profile))).left == {}
    assert rows_of(elsewhere) == before


def test_mail_that_went_to_an_earlier_address_is_the_persons_too(both: tuple[Known, Known]) -> None:
    ann, _ = both
    make_message(ann.profile, recipient="earlier@example.com")
    make_message(account=ann.profile.account, recipient="earlier@example.com")
    assert forget(begin(person_of(ann.profile))).left == {}
    assert "earlier@example.com" not in texts_of_everything()


def test_however_many_earlier_addresses_there_were_all_are_looked_for(both: tuple[Known, Known]) -> None:
    ann, ben = both
    for number in range(60):
        make_message(ann.profile, recipient=f"old{number}@example.com")
    answered = Attempt.objects.filter(delivery__event__message__in=ben.messages)
    answered.update(answer=b"No old59@example.com, nor old9@example.com")
    assert forget(begin(person_of(ann.profile))).left == {}
    assert {bytes(answer) for answer in answered.values_list("answer", flat=True)} == {b""}


def test_what_a_call_under_way_leaves_behind_is_cleared_too(both: tuple[Known, Known]) -> None:
    order = begin(person_of(both[0].profile))
    while order.stage != Stage.CALLS:
        work.go_on(order.pk)
        order.refresh_from_db()
    LaneState.objects.update(last_trouble=f"It answered 422: no {ANN}")
    assert forget(order).left == {}


def test_an_address_that_ends_like_the_persons_is_another_one(both: tuple[Known, Known]) -> None:
    ann, _ = both
    make_message(account=ann.profile.account, recipient=f"jo{ANN}")
    make_message(account=ann.profile.account, recipient=f"{ANN}.au")
    assert forget(begin(person_of(ann.profile))).left == {}
    assert Message.objects.filter(recipient__in=[f"jo{ANN}", f"{ANN}.au"]).count() == 2


def test_what_nobody_can_judge_is_told_with_its_place(both: tuple[Known, Known]) -> None:
    ann, ben = both
    ben.profile.fields |= {"friend": ANN}
    ben.profile.save()
    order = forget(begin(person_of(ann.profile)))
    assert order.left == {"profiles_profile.fields": 1, "tracking_event.data": 1}


def test_answers_that_the_api_had_kept_tell_no_more_than_that_they_were_there(both: tuple[Known, Known]) -> None:
    forget(begin(person_of(both[0].profile)))
    statuses = sorted(KeptAnswer.objects.values_list("status", flat=True))
    assert statuses == [200, 200, 410, 410]


def test_hits_of_the_person_leave_the_spool(both: tuple[Known, Known], spool: Path) -> None:
    ann, ben = both
    hits = [_hit(ann), _hit(ben), _hit(ann)]
    (spool / "dead.hits").write_bytes(b"".join(hit.to_line() for hit in hits))
    (spool / "dead.unreadable").write_bytes(f"torn {ann.messages[0].pk}\nother\n".encode())
    order = forget(begin(person_of(ann.profile)))
    assert (order.left, order.removed["spooled"]) == ({}, 3)
    assert (spool / "dead.hits").read_bytes() == hits[1].to_line()
    assert (spool / "dead.unreadable").read_bytes() == b"other\n"


def _hit(known: Known) -> Hit:
    id = new_id()
    moment = datetime.fromtimestamp((id.int >> 80) / 1000, UTC)
    return Hit(id, "open", known.profile.account_id, known.messages[0].pk, moment, {"ip": "192.0.2.1"})


def test_an_old_day_is_searched_as_well(both: tuple[Known, Known]) -> None:
    ann, _ = both
    old = derived_id(first_id_at(datetime(2020, 1, 1, tzinfo=UTC)), 1)
    store_events([EventRow(old, "update", ann.profile.account_id, None, {"profile": ann.profile.pk})])
    assert forget(begin(person_of(ann.profile))).left == {}
    assert not Event.objects.filter(pk=old).exists()
