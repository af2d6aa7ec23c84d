"""Sending the mails that wait, each by one process at a time; what can't be sent is tried again."""

import logging
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.db.models.functions import Now

from feedbackloops.models import Notice

logger = logging.getLogger(__name__)

SENT_AT_ONCE: Final = 50
# Pauses of 5 min, doubling up to an hour: three days in all.
MOST_TRIES: Final = 75
_CLAIM: Final = """
UPDATE feedbackloops_notice SET tried = now(), tries = tries + 1 WHERE id = (
    SELECT id FROM feedbackloops_notice
    WHERE sent IS NULL AND tries < %s
        AND (tried IS NULL OR tried < now() - least(5 * power(2, least(tries, 10) - 1), 60) * interval '1 minute')
    ORDER BY tries, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id
"""


def send_due() -> int:
    """Send the mails that are due, up to SENT_AT_ONCE; how many were sent.

    A mail is claimed before it is sent, so two that run at once don't both send it. One that a process took and died
    with is sent again, under the same Message-ID (RFC 5322, 3.6.4).
    """
    sent = 0
    for _ in range(SENT_AT_ONCE):
        notice = _claim()
        if notice is None:
            break
        sent += _send(notice)
    return sent


def _claim() -> Notice | None:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [MOST_TRIES])
        row = cursor.fetchone()
    return Notice.objects.get(pk=row[0]) if row else None


def _send(notice: Notice) -> bool:
    try:
        _mail(notice).send()
    except Exception as error:
        # Of any kind: the next mail may be in order. The server's words, never a trace that may hold the password.
        words = f"{type(error).__name__}: {error}"[:500]
        logger.warning("The mail on loop %d can't be sent now: %s", notice.loop_id, words)
        Notice.objects.filter(pk=notice.pk).update(error=words)
        return False
    Notice.objects.filter(pk=notice.pk).update(sent=Now(), error="")
    return True


def _mail(notice: Notice) -> EmailMessage:
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    written = int(notice.written.timestamp())
    headers = {"Message-ID": f"<loop-notice-{notice.pk}-{written}@{domain}>", "Auto-Submitted": "auto-generated"}
    return EmailMessage(notice.subject, notice.body, to=notice.recipients, headers=headers)
