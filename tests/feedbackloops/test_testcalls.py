"""Test calls: made for real, once, and without a trace in anything that counts."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.utils.timezone import now
from pytest_django import Settings
from standardwebhooks import Webhook

from feedbackloops import door, failing, ledger, testcalls
from feedbackloops.counting import hour_of
from feedbackloops.ledger import lines_of as ledger_lines
from feedbackloops.looplines import lines_of
from feedbackloops.models import Delivery, FeedbackLoop, LaneState, LoopHour, LoopStatus, Stage, TestCall
from feedbackloops.protocol.latency import BUCKETS
from feedbackloops.testcalls import KEPT_OF_LOOP, Busy, begin, make
from tests.factories import make_account, make_message, make_test_call, make_verified_loop, owe
from tests.http_server import Behaviour, HttpServer, after, hang, ok, redirect, reset, status
from tracking.ids import first_id_at
from tracking.models import EventType

pytestmark = pytest.mark.django_db

ANSWERS: dict[str, Behaviour] = {
    "accepted": ok(),
    "server error": status(500),
    "gone": status(410),
    "throttled": status(429, headers=[("Retry-After", "600")]),
    "rejected": redirect("https://example.com/"),
    "timed out": hang,
    "unreachable": reset,
}


@pytest.fixture
def loop(server: HttpServer) -> FeedbackLoop:
    return make_verified_loop(make_account(), url=server.url("/script.php?key=1"))


def everything_else() -> dict[str, Any]:
    """All that the database holds but for test calls."""
    models = (model for model in apps.get_models() if model is not TestCall and "." not in model._meta.db_table)
    return {model._meta.label: sorted(map(repr, model._base_manager.values_list())) for model in models}


def a_day(loop: FeedbackLoop, **lane: Any) -> None:
    """A loop that has had calls, one of which waits, and a lane in some state."""
    owe(make_message(account=loop.account), 3)
    first, second, _ = Delivery.objects.order_by("pk")
    Delivery.objects.filter(pk=first.pk).update(state="delivered", attempts=1, outcome="accepted")
    Delivery.objects.filter(pk=second.pk).update(state="given_up", attempts=13, outcome="server error")
    counted = {"delivered": 1, "failed": 13, "given_up": 1, "latency": [1] + [0] * (BUCKETS - 1)}
    LoopHour.objects.create(loop_id=loop.pk, hour=hour_of(now()), **counted)
    LaneState.objects.filter(loop=loop).update(**lane)
    ledger.count([now().date()])


LANES: dict[str, dict[str, Any]] = {
    "well": {"last_success": now() - timedelta(hours=1)},
    "cooling": {"troubles": 6, "cooling_until": now() + timedelta(minutes=5), "last_trouble": "It failed."},
    "stopped": {"stopped": now(), "stop_reason": "gone", "told": "stopped"},
    "failing": {"failing_since": now() - timedelta(days=2), "failing_for": 170_000.0, "told": "failing"},
}


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("outcome", ANSWERS)
def test_no_row_but_its_own_is_changed_whatever_the_script_answers_and_however_the_lane_stands(
    server: HttpServer, loop: FeedbackLoop, settings: Settings, outcome: str, lane: str
) -> None:
    settings.ANSWER_SECONDS = 0.3
    a_day(loop, **LANES[lane])
    before, server.behaviour = everything_else(), ANSWERS[outcome]

    call = make_test_call(loop)

    assert call.outcome == outcome
    assert everything_else() == before


def test_the_ledger_the_counts_the_success_rate_and_the_last_success_stay(
    server: HttpServer, loop: FeedbackLoop
) -> None:
    a_day(loop, **LANES["well"])

    def told() -> list[Any]:
        [line] = lines_of([FeedbackLoop.objects.get()], now())
        day = now().date()
        return [line.success, line.p95, line.waiting, line.cells, line.loop.lane.last_success, ledger_lines(day)]

    before = told()
    for behaviour in (ok(), status(500), status(410)):
        server.behaviour = behaviour
        make_test_call(loop)
    ledger.count([now().date()])

    assert told() == before


@pytest.mark.parametrize("behaviour", [ok(), status(500)])
def test_the_three_days_of_a_failing_script_go_on_and_begin_with_no_test(
    server: HttpServer, loop: FeedbackLoop, settings: Settings, behaviour: Behaviour
) -> None:
    server.behaviour = behaviour
    make_test_call(loop)
    assert LaneState.objects.get().failing_since is None

    a_day(loop, **LANES["failing"])
    make_test_call(loop)
    settings.FAILING_STOP_SECONDS = 170_000.0
    failing.watch()

    assert LaneState.objects.get().stop_reason == "failing"


@pytest.mark.parametrize("event_type", EventType.values)
@pytest.mark.parametrize("body_format", ["form", "json"])
def test_a_test_call_is_a_signed_sample_that_says_so(
    server: HttpServer, loop: FeedbackLoop, event_type: str, body_format: str
) -> None:
    FeedbackLoop.objects.update(event_types=[event_type], body_format=body_format)
    loop.refresh_from_db()

    call = make_test_call(loop)

    [request] = server.requests
    assert request.values("webhook-test") == ["1"]
    assert f"{event_type}" in request.body.decode()
    headers = {name.lower(): value for name, value in request.headers}
    Webhook(loop.secret).verify(request.body, headers, json_parse=False)
    assert (call.outcome, call.status, headers["webhook-id"]) == ("accepted", 200, str(call.pk))
    assert call.total > 0


def test_what_is_kept_is_what_was_sent_and_answered(server: HttpServer, loop: FeedbackLoop) -> None:
    server.behaviour = status(200, b"thanks", [("X-Script", "yes"), ("Set-Cookie", "session=1")])

    call = make_test_call(loop)

    [request] = server.requests
    assert [tuple(each) for each in call.headers if each[0] != "Host"] == [
        each for each in request.headers if each[0] not in ("Host", "Accept")
    ]
    assert (call.url, bytes(call.body)) == (loop.url, request.body)
    assert call.head.split("\n")[:2] == ["HTTP/1.1 200 Some Words", "X-Script: yes"]
    assert "session" not in call.head
    assert (bytes(call.answer), call.is_cut) == (b"thanks", False)


def test_the_fields_that_were_typed_are_the_ones_that_are_sent(server: HttpServer, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(body_format="json")
    sender = User.objects.create_user("ann")

    call = make_test_call(loop, sender, event_type="click", fields={"original": "https://ü.example/", "tags": []})

    sent = json.loads(server.requests[0].body)
    assert (sent["original"], sent["tags"], sent["type"], sent["event"]) == (
        "https://ü.example/",
        [],
        "click",
        str(call.pk),
    )
    assert call.sender == sender


def test_a_410_to_a_test_says_what_a_real_call_would_have_done(server: HttpServer, loop: FeedbackLoop) -> None:
    server.behaviour = status(410)
    assert make_test_call(loop).message.endswith("(status 410); a real call would stop the loop.")


def test_no_test_call_goes_to_a_place_that_is_not_verified(server: HttpServer, loop: FeedbackLoop) -> None:
    loop.url = server.url("/other/script.php")
    loop.save()

    call = make_test_call(loop)

    assert server.requests == []
    assert (call.outcome, call.message) == ("blocked", testcalls.UNVERIFIED)


def test_a_loop_that_is_paused_or_has_stopped_is_tested_all_the_same(server: HttpServer, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(status=LoopStatus.PAUSED)
    LaneState.objects.update(stopped=now(), stop_reason="gone")
    assert make_test_call(loop).outcome == "accepted"


def test_what_cannot_be_signed_is_told_and_not_sent(server: HttpServer, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(secret="")
    call = make_test_call(loop)
    assert call.outcome == "blocked"
    assert "without a secret" in call.message


def test_there_is_one_at_a_time_for_each_loop(loop: FeedbackLoop) -> None:
    begin(loop)
    begin(make_verified_loop(loop.account))
    with pytest.raises(Busy):
        begin(loop)
    assert TestCall.objects.filter(loop=loop).count() == 1


def test_it_is_made_once_however_often_it_is_rung_for(server: HttpServer, loop: FeedbackLoop) -> None:
    call = begin(loop)
    make(call.pk)
    make(call.pk)
    assert len(server.requests) == 1


def test_one_that_nobody_took_in_time_is_not_made_any_more(server: HttpServer, loop: FeedbackLoop) -> None:
    call = begin(loop)
    TestCall.objects.update(asked=now() - timedelta(minutes=2))
    make(call.pk)
    assert testcalls.waiting(now()) == []
    call.refresh_from_db()
    assert (server.requests, call.stage(now()), call.message) == ([], Stage.LOST, testcalls.UNTAKEN)


def test_one_whose_process_has_ended_makes_room_for_the_next(loop: FeedbackLoop, settings: Settings) -> None:
    lost = begin(loop)
    assert lost.claim(now())
    TestCall.objects.update(started=now() - timedelta(seconds=settings.ANSWER_SECONDS + 16))
    lost.refresh_from_db()
    assert lost.stage(now()) is Stage.LOST
    begin(loop)
    lost.refresh_from_db()
    assert (lost.message, lost.end(now(), outcome="accepted")) == (testcalls.UNRECORDED, False)


def test_the_last_one_of_a_loop_and_how_it_stands_are_told(server: HttpServer, loop: FeedbackLoop) -> None:
    assert TestCall.objects.last_of(loop) is None
    server.behaviour = status(500)
    make_test_call(loop)
    stages = [_last(loop).stage(now())]
    call = begin(loop)
    stages.append(_last(loop).stage(now()))
    call.claim(now())
    stages.append(_last(loop).stage(now()))
    call.end(now(), outcome="accepted")
    stages.append(_last(loop).stage(now()))
    assert stages == [Stage.FAILED, Stage.WAITING, Stage.UNDER_WAY, Stage.ACCEPTED]


def _last(loop: FeedbackLoop) -> TestCall:
    call = TestCall.objects.last_of(loop)
    assert call is not None
    return call


def test_no_more_are_kept_than_anybody_looks_at(
    server: HttpServer, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testcalls, "KEPT_OF_LOOP", 3)
    other = make_test_call(make_verified_loop(loop.account, url=loop.url))
    made = [make_test_call(loop).pk for _ in range(5)]
    assert list(TestCall.objects.order_by("id").values_list("pk", flat=True)) == [other.pk, *made[-3:]]
    assert KEPT_OF_LOOP == 50


def test_those_older_than_the_history_go(loop: FeedbackLoop, settings: Settings) -> None:
    for days in (settings.HISTORY_DAYS + 2, 1):
        moment = now() - timedelta(days=days)
        TestCall.objects.create(id=first_id_at(moment), loop=loop, event_type="open", asked=moment, ended=moment)
    testcalls.forget_old(now().date())
    assert TestCall.objects.count() == 1


def test_no_transaction_is_open_while_the_script_is_waited_for(
    server: HttpServer, loop: FeedbackLoop, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    seen: list[bool] = []

    def watched(call: Any) -> Any:
        seen.append(connection.in_atomic_block)
        return door.perform(call)

    monkeypatch.setattr(testcalls, "perform", watched)
    server.behaviour = after(0.1, ok())
    make_test_call(loop)
    assert seen == [False]
