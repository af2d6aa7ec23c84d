"""Test calls: sample events, signed and sent for real to a verified script, that change nothing but their own rows."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.timezone import make_aware, now

from feedbackloops import signals
from feedbackloops.calls import Script, call_for, contents_of_test
from feedbackloops.door import perform
from feedbackloops.models import FeedbackLoop, TestCall
from feedbackloops.models.testcalls import RECORDED_WITHIN, TAKEN_WITHIN
from feedbackloops.outbound.calls import Answer, Call
from feedbackloops.protocol.catalogue import sample_of
from feedbackloops.protocol.outcome import Outcome, judge
from tracking.ids import first_id_at, new_id

KEPT_OF_LOOP: Final = 50
KEPT_OF_ANSWER: Final = 16 * 1024
# The ring that follows the row is on its way for so long.
RING_SECONDS: Final = 3.0
UNVERIFIED: Final = "Nothing was sent: the place of this URL is not verified."
UNTAKEN: Final = "Nothing was sent: no process took it within a minute. See whether the process “looks” runs."
UNRECORDED: Final = (
    "What the script answered is not known: the process that made the call ended before it could write that down."
)


class Busy(Exception):
    """A test call to the loop is under way, and there is one at a time."""


def begin(
    loop: FeedbackLoop,
    sender: AbstractBaseUser | None = None,
    event_type: str | None = None,
    fields: Mapping[str, Any] | None = None,
) -> TestCall:
    """Write down a test call, which the caller then makes; a sample of the loop's first type unless told otherwise.

    `fields`: those of the wire contract but for type, timestamp, time and event. Raises Busy.
    """
    moment, chosen = now(), event_type or loop.event_types[0]
    end_overdue(moment, loop)
    told = sample_of(chosen) if fields is None else dict(fields)
    facts = {"loop": loop, "sender": sender, "event_type": chosen, "fields": told, "asked": moment}
    try:
        with transaction.atomic():
            return TestCall.objects.create(id=new_id(), **facts)
    except IntegrityError as error:
        raise Busy from error


def ask_for_call(
    loop: FeedbackLoop,
    sender: AbstractBaseUser | None = None,
    event_type: str | None = None,
    fields: Mapping[str, Any] | None = None,
) -> TestCall:
    """Write down a test call as `begin` does, and have it made once that is committed. Raises Busy."""
    call = begin(loop, sender, event_type, fields)
    signals.test_calls_due.send(None, ids=[call.pk])
    return call


def make(id: UUID) -> None:
    """Make a test call, once, however often it is rung for; to a place that is not verified nothing is sent."""
    call = TestCall.objects.select_related("loop").filter(pk=id).first()
    if call is None or not call.claim(now()):
        return
    call.end(now(), **_found(call))
    _forget_more_than_kept(call.loop_id)


def waiting(moment: datetime) -> list[UUID]:
    """Those whose ring should have been heard by now; those of which nothing is to be expected any more are ended."""
    end_overdue(moment)
    rung = moment - timedelta(seconds=RING_SECONDS)
    return list(TestCall.objects.filter(started=None, ended=None, asked__lt=rung).values_list("pk", flat=True))


def end_overdue(moment: datetime, loop: FeedbackLoop | None = None) -> None:
    """End those, of one loop or of all, that nobody took or whose process has ended, with words on that."""
    calls = TestCall.objects.filter(ended=None, **({"loop": loop} if loop else {}))
    answered = timedelta(seconds=settings.ANSWER_SECONDS) + RECORDED_WITHIN
    for overdue, words in (
        (Q(started=None, asked__lt=moment - TAKEN_WITHIN), UNTAKEN),
        (Q(started__lt=moment - answered), UNRECORDED),
    ):
        calls.filter(overdue).update(ended=moment, message=words)


def forget_old(today: date) -> None:
    """Let go of those that are older than HISTORY_DAYS."""
    oldest = make_aware(datetime.combine(today - timedelta(days=settings.HISTORY_DAYS), time.min))
    TestCall.objects.filter(pk__lt=first_id_at(oldest)).delete()


def _found(call: TestCall) -> dict[str, Any]:
    """What came of the call, which is made, as the row keeps it."""
    if not call.loop.is_verified:
        return {"outcome": Outcome.BLOCKED, "message": UNVERIFIED}
    try:
        request = _request(call)
    except (TypeError, ValueError) as error:
        return {"outcome": Outcome.BLOCKED, "message": f"Nothing was sent: {error}"}
    answer = perform(request)
    return {"url": request.url, "headers": list(request.headers), "body": request.body} | _answered(answer)


def _request(call: TestCall) -> Call:
    moment = call.started or now()
    contents = contents_of_test(call.event_type, call.id, moment, call.fields)
    request = call_for(Script.from_loop(call.loop), contents, now=moment, id=call.id)
    request.keep, request.keep_head = KEPT_OF_ANSWER, True
    return request


def _answered(answer: Answer) -> dict[str, Any]:
    judgement = judge(answer, now=now(), is_test=True)
    dns, connect, tls, first_byte, total = answer.timings
    took = {"dns": dns, "connect": connect, "tls": tls, "first_byte": first_byte, "total": total}
    came = {"status": answer.status, "address": answer.address, "answer": answer.body, "head": answer.head}
    return {"outcome": judgement.outcome, "message": judgement.message, "is_cut": answer.truncated, **came, **took}


def _forget_more_than_kept(loop: int) -> None:
    mine = TestCall.objects.filter(loop=loop).order_by("-id")
    kept = list(mine.values_list("pk", flat=True)[:KEPT_OF_LOOP])
    mine.filter(pk__lt=kept[-1], ended__isnull=False).delete()
