"""Test calls: a sample event, signed and sent for real to a verified script, that changes nothing else."""

from django.utils.timezone import now

from feedbackloops.calls import Script, call_for, sample_contents
from feedbackloops.door import perform
from feedbackloops.models import Attempt, FeedbackLoop
from feedbackloops.protocol.outcome import Judgement, Outcome, judge
from tracking.ids import new_id


def call_test(loop: FeedbackLoop) -> Attempt:
    """Send the loop a sample of the first type that it asks for; the attempt, kept without a delivery.

    To a place that is not verified nothing is sent; the attempt then says so.
    """
    started, id = now(), new_id()
    attempt = Attempt(id=id, loop=loop, account_id=loop.account_id, number=1, started=started)
    if not loop.is_verified:
        _fill(attempt, Judgement(Outcome.BLOCKED, "Nothing was sent: the place of this URL is not verified."))
    else:
        answer = perform(
            call_for(Script.from_loop(loop), sample_contents(loop.event_types[0], id, started), now=started, id=id)
        )
        _fill(attempt, judge(answer, now=now(), is_test=True))
        attempt.status, attempt.address, attempt.answer = answer.status, answer.address, answer.body
        attempt.head = answer.head
        attempt.dns, attempt.connect, attempt.tls, attempt.first_byte, attempt.total = answer.timings
    attempt.save(force_insert=True)
    return attempt


def _fill(attempt: Attempt, judgement: Judgement) -> None:
    attempt.outcome, attempt.message = judgement.outcome, judgement.message
