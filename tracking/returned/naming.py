"""Which message a mail that came back names with our own signature, and when it happened. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from tracking.envelopes import Envelope, read_envelope
from tracking.returned.understanding import Clues
from tracking.tokens import BadToken, Keyring, read_unsubscribe

# Clocks differ, and a server gives up after five days or so; a person may complain of an old mail.
BEFORE: Final = timedelta(hours=1)
AFTER: Final = timedelta(days=90)


def signed_name(clues: Clues, keyring: Keyring, now: float) -> Envelope | None:
    """The message that a signed address or link names; None where none does. `now` in Unix seconds."""
    for address in clues.envelopes:
        try:
            return read_envelope(address, keyring, now)
        except BadToken:
            continue
    for token in clues.tokens:
        try:
            link = read_unsubscribe(token, keyring, now)
        except BadToken:
            continue
        return Envelope(link.account, link.message)
    return None


def likely_moment(moments: Iterable[datetime], registered: datetime, now: datetime) -> datetime:
    """The first that can be: after the message was registered, and not to come. Where none can, when it was registered.

    Never our own time: a mail that comes in twice is to be one event.
    """
    fitting = (each for each in moments if registered - BEFORE <= each <= min(registered + AFTER, now + BEFORE))
    return max(next(fitting, registered), registered)
