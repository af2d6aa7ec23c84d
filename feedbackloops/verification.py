"""Looking for a loop's verification file, and what follows when it stands there."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.utils.timezone import now

from feedbackloops.door import perform, refusal_of, resolve
from feedbackloops.models import FeedbackLoop, LaneState, LoopStatus, VerificationLook
from feedbackloops.outbound.calls import Answer, Call
from feedbackloops.protocol import challenge
from feedbackloops.protocol.certificates import read_certificate
from feedbackloops.protocol.challenge import Problem
from feedbackloops.protocol.diagnosis import diagnose
from feedbackloops.protocol.outcome import ErrorKind, shown
from feedbackloops.protocol.place import parse
from feedbackloops.protocol.retry import look_pause
from feedbackloops.protocol.sights import Known, Sight

LOOKS_KEPT = 20
BYTES_KEPT = 300
MOST_ADDRESSES = 16


def look(loop: FeedbackLoop) -> bool:
    """Look for the file at both places; whether the loop is verified by what was seen.

    What was seen is kept, all of a round at once. It counts only while the loop still has the place that was looked at.
    """
    seen = VerificationLook.objects.bulk_create(list(_round(loop)))
    _forget_old_looks(loop)
    return any(each.found for each in seen) and _mark_verified(loop)


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


def _round(loop: FeedbackLoop) -> Iterator[VerificationLook]:
    began = now()
    for url in challenge.locations(loop.url, loop.verification_file):
        sight = see(loop, url, began)
        yield _kept(loop, sight)
        if sight.problem is Problem.OK or _is_of_the_server(sight):
            return


def see(loop: FeedbackLoop, url: str, moment: datetime) -> Sight:
    """Look at one place."""
    # The call finds the name in the resolver's memory.
    [name] = resolve([parse(url).host])
    answer = perform(_call(loop, url))
    return Sight(
        url=url,
        expected=loop.verification_content.encode(),
        problem=_problem(answer, loop.verification_content),
        looked=moment,
        known=tuple(Known(address, refusal_of(address) or "") for address in name.addresses[:MOST_ADDRESSES]),
        name_fault=name.fault,
        address=answer.address,
        connected=answer.timings.connect > 0,
        secured=answer.timings.tls > 0,
        certificate=read_certificate(answer.certificate),
        tls_fault=answer.tls_fault,
        error=answer.error,
        detail=shown(answer.error_message),
        status=answer.status,
        redirect=answer.redirect,
        body=answer.body[:BYTES_KEPT],
        truncated=answer.truncated or len(answer.body) > BYTES_KEPT,
    )


def _kept(loop: FeedbackLoop, sight: Sight) -> VerificationLook:
    return VerificationLook(
        loop=loop,
        looked=sight.looked,
        wanted=loop.looks_wanted_since,
        url=sight.url,
        found=sight.problem is Problem.OK,
        problem=sight.problem,
        message=f"{diagnose(sight)} ({sight.detail})" if sight.detail else str(diagnose(sight)),
        address=sight.address,
        status=sight.status,
        redirect=sight.redirect,
        first_bytes=sight.body,
        facts=sight.facts(),
    )


def _is_of_the_server(sight: Sight) -> bool:
    """Whether the other place, which is on the same server, would only keep everyone else waiting once more."""
    return sight.problem is Problem.NO_ANSWER and sight.error not in (ErrorKind.RESET, ErrorKind.PROTOCOL)


def _call(loop: FeedbackLoop, url: str) -> Call:
    return Call(
        url=url,
        headers=[("Host", parse(url).host_header), ("User-Agent", settings.USER_AGENT), ("Accept", "text/plain")],
        loop=loop.pk,
        deadline=settings.ANSWER_SECONDS,
        connect_timeout=settings.CONNECT_SECONDS,
        wants_certificate=True,
    )


def _problem(answer: Answer, expected: str) -> Problem:
    if answer.error and not (answer.error is ErrorKind.TOO_LARGE and answer.status):
        return Problem.NO_ANSWER
    return challenge.judge(answer.status, answer.body, expected, truncated=answer.truncated)


def _mark_verified(loop: FeedbackLoop) -> bool:
    still_there = FeedbackLoop.objects.filter(pk=loop.pk, place=loop.place)
    if still_there.exclude(verified_place=loop.place).exists():
        # Another script: how long the last one failed is not its own.
        LaneState(loop=loop).start_afresh()
    return bool(still_there.update(verified_place=loop.place, verified=now()))


def _forget_old_looks(loop: FeedbackLoop) -> None:
    kept = VerificationLook.objects.filter(loop=loop).values_list("pk", flat=True)[:LOOKS_KEPT]
    VerificationLook.objects.filter(loop=loop).exclude(pk__in=list(kept)).delete()
