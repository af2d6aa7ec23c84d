"""Looking for a loop's verification file, and what follows when it stands there."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.utils.timezone import now

from feedbackloops.door import perform
from feedbackloops.models import FeedbackLoop, LaneState, LoopStatus, VerificationLook
from feedbackloops.outbound.calls import Answer, Call
from feedbackloops.protocol import challenge
from feedbackloops.protocol.challenge import Problem, Verdict
from feedbackloops.protocol.outcome import ErrorKind, judge
from feedbackloops.protocol.place import parse
from feedbackloops.protocol.retry import look_pause

LOOKS_KEPT = 20
BYTES_KEPT = 300


def look(loop: FeedbackLoop) -> bool:
    """Look for the file at both places; whether the loop is verified by what was seen.

    What was seen is kept. It counts only while the loop still has the place that was looked at.
    """
    for seen in _looks(loop):
        seen.save()
        if seen.found:
            break
    _forget_old_looks(loop)
    return seen.found and _mark_verified(loop)


def due(moment: datetime) -> list[int]:
    """The loops to look at now, marked as looked at: so a look that takes long is not begun again meanwhile."""
    unverified = FeedbackLoop.objects.exclude(status=LoopStatus.DISABLED).exclude(verified_place=F("place"))
    loops = [loop.pk for loop in unverified.only("looks_wanted_since", "last_look") if _is_due(loop, moment)]
    FeedbackLoop.objects.filter(pk__in=loops).update(last_look=moment)
    return loops


def _is_due(loop: FeedbackLoop, moment: datetime) -> bool:
    pause = look_pause((moment - loop.looks_wanted_since).total_seconds())
    if pause is None:
        return False
    return loop.last_look is None or (moment - loop.last_look).total_seconds() >= pause


def _looks(loop: FeedbackLoop) -> Iterator[VerificationLook]:
    for url in challenge.locations(loop.url, loop.verification_file):
        answer = perform(_call(loop, url))
        verdict = _verdict(answer, loop.verification_content)
        yield VerificationLook(
            loop=loop,
            url=url,
            found=verdict.found,
            problem=verdict.problem,
            message=verdict.message,
            address=answer.address,
            status=answer.status,
            redirect=answer.redirect,
            first_bytes=answer.body[:BYTES_KEPT],
        )
        if verdict.problem is Problem.NO_ANSWER:
            # The other place is on the same server, which would only keep everyone else waiting once more.
            return


def _call(loop: FeedbackLoop, url: str) -> Call:
    return Call(
        url=url,
        headers=[("Host", parse(url).host_header), ("User-Agent", settings.USER_AGENT), ("Accept", "text/plain")],
        loop=loop.pk,
        deadline=settings.ANSWER_SECONDS,
        connect_timeout=settings.CONNECT_SECONDS,
    )


def _verdict(answer: Answer, expected: str) -> Verdict:
    if answer.error and answer.error is not ErrorKind.TOO_LARGE:
        return Verdict(Problem.NO_ANSWER, judge(answer, now=now()).message)
    return challenge.judge(
        answer.status, answer.body, expected, redirect=answer.redirect or None, truncated=answer.truncated
    )


def _mark_verified(loop: FeedbackLoop) -> bool:
    still_there = FeedbackLoop.objects.filter(pk=loop.pk, place=loop.place)
    if still_there.exclude(verified_place=loop.place).exists():
        # Another script: how long the last one failed is not its own.
        LaneState(loop=loop).start_afresh()
    return bool(still_there.update(verified_place=loop.place, verified=now()))


def _forget_old_looks(loop: FeedbackLoop) -> None:
    kept = VerificationLook.objects.filter(loop=loop).values_list("pk", flat=True)[:LOOKS_KEPT]
    VerificationLook.objects.filter(loop=loop).exclude(pk__in=list(kept)).delete()
