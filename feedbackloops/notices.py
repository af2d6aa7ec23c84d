"""What a loop's contact and staff are told by mail: that no call succeeds, and that sending has stopped."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.urls import reverse

from feedbackloops.durations import about
from feedbackloops.models import Attempt, FeedbackLoop, LaneState, Notice, StopReason
from feedbackloops.protocol.outcome import Outcome
from feedbackloops.words import attempt_words, url_shown

ATTEMPTS_READ: Final = 20
LONGEST_SUBJECT: Final = 300


def write(lane: LaneState) -> list[Notice]:
    """The mails on how the lane stands, not saved yet: one to the loop's contact, one to staff, as far as named."""
    loop = lane.loop
    error = last_error(loop)
    notices = []
    if loop.contacts:
        notices.append(_notice(lane, loop.contacts, [*_story(lane, error), _ask(lane)]))
    if settings.STAFF_EMAILS:
        notices.append(_notice(lane, settings.STAFF_EMAILS, [*_story(lane, error), _ask_staff(lane)]))
    return notices


def subject(lane: LaneState) -> str:
    """What has happened, in one line."""
    name = f"“{lane.loop.name}”"
    if lane.stopped is None:
        return f"No call to {name} has succeeded for {about(lane.failing_for)}"
    if lane.stop_reason == StopReason.GONE:
        return f"Sending to {name} has stopped: the script answered 410 Gone"
    return f"Sending to {name} has stopped: no call has succeeded for {about(lane.failing_for)}"


def last_error(loop: FeedbackLoop) -> str:
    """How the last of the loop's attempts that failed went, in words; empty where none is kept."""
    made = Attempt.objects.filter(loop=loop, delivery__isnull=False).order_by("-id")[:ATTEMPTS_READ]
    failed = [attempt for attempt in made if attempt.outcome != Outcome.ACCEPTED]
    return attempt_words(max(failed, key=lambda attempt: attempt.started)) if failed else ""


def _notice(lane: LaneState, recipients: Sequence[str], paragraphs: Sequence[str]) -> Notice:
    # A name may hold anything, and a subject is one line.
    line = " ".join(subject(lane).split())[:LONGEST_SUBJECT]
    return Notice(loop=lane.loop, recipients=list(recipients), subject=line, body="\n\n".join(paragraphs) + "\n")


def _story(lane: LaneState, error: str) -> list[str]:
    loop = lane.loop
    since = f" Calls have failed since {_moment(lane.failing_since)}." if lane.failing_since else ""
    happened = " That asks us to send nothing more." if lane.stop_reason == StopReason.GONE else since
    story = [
        f"The feedback loop “{loop.name}” of {loop.account} calls this script:",
        f"    {url_shown(loop.url)}",
        f"{subject(lane)}.{happened}",
    ]
    return [*story, f"The last error: {error}", _consequence(lane)] if error else [*story, _consequence(lane)]


def _consequence(lane: LaneState) -> str:
    if lane.stopped is None:
        limit = about(settings.FAILING_STOP_SECONDS)
        return (
            "We go on trying, and keep what the script has not taken. If no call succeeds within "
            f"{limit} of trying, sending stops, and events from then on are not kept for the script."
        )
    return (
        "Nothing more is sent. What waits is kept, and sent once the loop is resumed; events from now on are not kept "
        "for the script."
    )


def _ask(lane: LaneState) -> str:
    if lane.stopped is None:
        seconds = about(settings.ANSWER_SECONDS)
        return (
            f"What to do: see that the script answers with a status from 200 to 299, within {seconds}. Sending then "
            "goes on by itself."
        )
    return (
        "What to do: mend the script, then ask us to resume the loop. If it is to get no more events, there is nothing "
        "to do."
    )


def _ask_staff(lane: LaneState) -> str:
    contacts = ", ".join(lane.loop.contacts)
    told = (
        f"Its contact was told as well: {contacts}." if contacts else "Nobody else was told: the loop has no contact."
    )
    act = (
        "Press Resume there once the script wants events again." if lane.stopped else "Its last calls are shown there."
    )
    page = settings.DASHBOARD_URL + reverse("admin:feedbackloops_feedbackloop_change", args=[lane.pk])
    return f"{told}\n\nThe loop's page: {page}\n{act}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%d %b %Y, %H:%M} UTC"
