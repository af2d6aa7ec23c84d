"""What a loop's contact and staff are told by mail: that no call succeeds, and that sending has stopped."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

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
    if lane.stopped is None:
        words = _("No call to “%(name)s” has succeeded for %(time)s")
    elif lane.stop_reason == StopReason.GONE:
        words = _("Sending to “%(name)s” has stopped: the script answered 410 Gone")
    else:
        words = _("Sending to “%(name)s” has stopped: no call has succeeded for %(time)s")
    return words % {"name": lane.loop.name, "time": about(lane.failing_for)}


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
    calls = _("The feedback loop “%(name)s” of %(account)s calls this script:")
    story = [
        calls % {"name": loop.name, "account": loop.account},
        f"    {url_shown(loop.url)}",
        _happened(lane) % {"subject": subject(lane), "since": _moment(lane.failing_since)},
    ]
    last = [_("The last error: %(error)s") % {"error": error}] if error else []
    return [*story, *last, _consequence(lane)]


def _happened(lane: LaneState) -> str:
    if lane.stop_reason == StopReason.GONE:
        return _("%(subject)s. That asks us to send nothing more.")
    return _("%(subject)s. Calls have failed since %(since)s.") if lane.failing_since else _("%(subject)s.")


def _consequence(lane: LaneState) -> str:
    if lane.stopped is None:
        limit = about(settings.FAILING_STOP_SECONDS)
        words = _(
            "We go on trying, and keep what the script has not taken. If no call succeeds within %(time)s of trying, "
            "sending stops, and events from then on are not kept for the script."
        )
        return words % {"time": limit}
    return _(
        "Nothing more is sent. What waits is kept, and sent once the loop is resumed; events from now on are not kept "
        "for the script."
    )


def _ask(lane: LaneState) -> str:
    if lane.stopped is None:
        seconds = about(settings.ANSWER_SECONDS)
        words = _(
            "What to do: see that the script answers with a status from 200 to 299, within %(time)s. Sending then goes "
            "on by itself."
        )
        return words % {"time": seconds}
    return _(
        "What to do: mend the script, then ask us to resume the loop. If it is to get no more events, there is nothing "
        "to do."
    )


def _ask_staff(lane: LaneState) -> str:
    contacts = ", ".join(lane.loop.contacts)
    told = _("Its contact was told as well: %(contacts)s.") % {"contacts": contacts}
    if not contacts:
        told = _("Nobody else was told: the loop has no contact.")
    act = _("Its last calls are shown there.")
    if lane.stopped:
        act = _("Press Resume there once the script wants events again.")
    page = settings.DASHBOARD_URL + reverse("admin:feedbackloops_feedbackloop_change", args=[lane.pk])
    return "\n".join((told, "", _("The loop's page: %(page)s") % {"page": page}, act))


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%d %b %Y, %H:%M} UTC"
