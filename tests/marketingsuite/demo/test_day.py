import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from random import Random

import pytest
from django.db.models import Sum
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops import ledger
from feedbackloops.admin.sections.verification import moved_url
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, LaneState, LoopHour, VerificationLook
from feedbackloops.protocol.outcome import Outcome
from feedbackloops.protocol.retry import parse_schedule
from feedbackloops.verification import look
from marketingsuite.demo.day import fates, people, plan
from marketingsuite.demo.day.cast import FAILING, HEALTHY, MOVED, SLOW, UNVERIFIED, Cast, Scripts, gather
from marketingsuite.demo.day.filling import fill
from tracking.models import Event, Message
from tracking.verdicts.judge import Judge
from tracking.verdicts.rules import TYPES, Verdict, built_in

END = datetime(2026, 3, 5, 14, tzinfo=UTC)
DAY = timedelta(days=1)
SCHEDULE = parse_schedule("5,30,2m,10m,30m,1h,2h,4h,8h,12h,24h,24h")


def test_people_have_addresses_of_their_own_that_any_mail_server_takes() -> None:
    made = people.made_up(400, Random(1))
    addresses = [each["fields"]["email"] for each in made]
    assert len(set(addresses)) == 400
    assert all(address.isascii() and " " not in address for address in addresses)


def test_what_happens_on_a_day_lies_within_it_and_keeps_its_order() -> None:
    mails = plan.a_day(END - DAY, END, 400, Random(1))
    assert len(mails) == plan.MAILS
    for mail in mails:
        moments = [mail.sent, *(each.at for each in mail.happenings)]
        assert moments[0] >= END - DAY
        assert moments == sorted(moments)
        assert moments[-1] < END


def test_evenings_are_busy_and_nights_are_not() -> None:
    hours = Counter(mail.sent.astimezone(plan.ZONE).hour for mail in plan.a_day(END - DAY, END, 400, Random(1)))
    assert hours[20] > 10 * hours[3]


def test_what_came_of_mails_has_shares_that_a_marketer_would_believe() -> None:
    types = Counter(each.type for mail in plan.a_day(END - DAY, END, 400, Random(1)) for each in mail.happenings)
    assert 0.95 < types["delivery"] / plan.MAILS <= 1
    assert 0.2 < types["open"] / plan.MAILS < 0.8
    assert 0.05 < types["click"] / types["open"] < 0.4
    assert types["bounce"] > 0


def test_some_open_through_a_proxy_and_all_click_with_a_browser() -> None:
    happened = [each for mail in plan.a_day(END - DAY, END, 400, Random(1)) for each in mail.happenings]
    judge = Judge(built_in())
    verdicts = Counter(
        (each.type, judge.judge(each.type, each.data).verdict) for each in happened if each.type in TYPES
    )
    assert verdicts.keys() == {("open", Verdict.HUMAN), ("open", Verdict.PROXY), ("click", Verdict.HUMAN)}
    assert 0.1 < verdicts["open", Verdict.PROXY] / verdicts["open", Verdict.HUMAN] < 0.6


@pytest.mark.parametrize("fate", [fates.healthy, fates.slow])
def test_a_script_that_works_takes_everything_in_the_end(fate: Callable[..., fates.Fate]) -> None:
    all_of_them = [fate(END, Random(seed), SCHEDULE) for seed in range(500)]
    assert {each.state for each in all_of_them} == {"delivered"}
    assert {len(each.tries) for each in all_of_them} == {1, 2}


def test_a_failing_script_was_fine_before_and_keeps_all_that_came_since() -> None:
    since = END - timedelta(hours=9)
    before = fates.failing(since - timedelta(hours=1), since, END, 0, Random(1), SCHEDULE)
    tried = fates.failing(since, since, END, 0, Random(1), SCHEDULE)
    behind = fates.failing(since, since, END, fates.TRIED, Random(1), SCHEDULE)
    assert (before.state, tried.state, behind.state) == ("delivered", "pending", "pending")
    assert len(tried.tries) == 9
    assert tried.due
    assert tried.due > END
    assert {each.judgement.outcome for each in tried.tries} == {Outcome.SERVER_ERROR}
    assert behind.tries == ()


def test_what_was_tried_in_vain_often_enough_is_given_up() -> None:
    fate = fates.given_up(END - timedelta(days=4), END, Random(1), SCHEDULE)
    assert (fate.state, len(fate.tries)) == ("given_up", 13)


@pytest.fixture
def cast() -> Cast:
    cast = gather("http://localhost:9999")
    for name, loop in cast.loops.items():
        if name != UNVERIFIED:
            loop.verified_place = loop.place
            loop.save(update_fields=["verified_place"])
    return cast


@pytest.mark.django_db
def test_the_travellers_are_known_for_longer_than_the_day(cast: Cast) -> None:
    assert len(cast.profiles) == people.NUMBER
    assert {profile.address for profile in cast.profiles} == {each.fields["email"] for each in cast.profiles}
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_the_day_balances_and_every_count_fits_its_rows(cast: Cast) -> None:
    moment = now()
    written = fill(cast, moment, Random(1))
    assert written == Event.objects.count() > 1_000
    days = ledger.days_kept()
    lines = [line for day in days for line in ledger.lines_of(day)]
    assert {line.loop for line in lines} == {cast.loops[name].pk for name in (HEALTHY, SLOW, FAILING)}
    assert {line.missing for line in lines} == {0}
    assert {hits.missing for hits in ledger.hits_of(days)} == {0}
    counted = LoopHour.objects.aggregate(Sum("delivered"), Sum("failed"), Sum("given_up"))
    assert counted == {
        "delivered__sum": Delivery.objects.filter(state="delivered").count(),
        "failed__sum": Attempt.objects.exclude(outcome="accepted").count(),
        "given_up__sum": Delivery.objects.filter(state="given_up").count(),
    }


@pytest.mark.django_db
def test_the_loops_of_the_day_fare_in_four_ways(cast: Cast) -> None:
    fill(cast, now(), Random(1))
    states = {
        name: Counter(Delivery.objects.filter(loop=loop).values_list("state", flat=True))
        for name, loop in cast.loops.items()
    }
    assert states[HEALTHY].keys() <= {"delivered", "pending"}
    assert states[HEALTHY]["delivered"] > 300
    assert states[FAILING].keys() == {"delivered", "pending", "given_up"}
    assert states[UNVERIFIED] == {}
    typical = {
        name: sorted(Attempt.objects.filter(loop=cast.loops[name]).values_list("total", flat=True))
        for name in (HEALTHY, SLOW)
    }
    medians = {name: totals[len(totals) // 2] for name, totals in typical.items()}
    assert medians[HEALTHY] < 0.2 < 1 < medians[SLOW]
    lane = LaneState.objects.get(loop=cast.loops[FAILING])
    assert lane.cooling_until
    assert lane.failing_since


@pytest.mark.django_db
def test_a_second_day_goes_on_where_the_first_one_ended(cast: Cast) -> None:
    moment = now()
    fill(cast, moment - timedelta(hours=1), Random(1))
    before = Event.objects.count()
    fill(gather("http://localhost:9998"), moment, Random(1))
    added = Event.objects.count() - before
    assert 0 < added < before / 3
    assert {line.missing for day in ledger.days_kept() for line in ledger.lines_of(day)} == {0}


@pytest.mark.django_db
def test_rows_are_as_old_as_what_they_tell_of(cast: Cast) -> None:
    fill(cast, now(), Random(1))
    event = Event.objects.filter(message__isnull=False).order_by("pk")[0]
    assert timedelta(0) <= event.recorded - event.occurred_at < timedelta(seconds=1)
    delivery = Delivery.objects.order_by("pk")[0]
    assert timedelta(0) <= delivery.owed - delivery.occurred_at < timedelta(seconds=1)
    assert Message.objects.order_by("pk")[0].created < now() - timedelta(hours=12)


@pytest.mark.django_db
def test_the_loops_come_back_paused_with_the_places_of_this_time(cast: Cast) -> None:
    again = gather("http://localhost:9998")
    assert {loop.pk for loop in again.loops.values()} == {loop.pk for loop in cast.loops.values()}
    loop = FeedbackLoop.objects.get(pk=again.loops[HEALTHY].pk)
    assert (loop.status, loop.is_verified) == ("paused", False)
    folders = {HEALTHY: HEALTHY, SLOW: SLOW, FAILING: FAILING, UNVERIFIED: MOVED}
    assert again.files.keys() == {f"/{at}/{again.loops[name].verification_file}" for name, at in folders.items()}


@pytest.mark.django_db
def test_the_last_script_has_moved_and_the_dashboard_offers_where_to(settings: Settings) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with Scripts() as scripts:
        threading.Thread(target=scripts.serve_forever, args=(0.1,)).start()
        cast = gather(f"http://127.0.0.1:{scripts.server_address[1]}")
        scripts.files, loop = cast.files, cast.loops[UNVERIFIED]
        assert not look(loop)
        loop.url = moved_url(loop, VerificationLook.objects.get(loop=loop, status=301))
        loop.save(update_fields=["url"])
        assert look(loop)
        scripts.shutdown()
