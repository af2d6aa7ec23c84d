"""A call of an ESP, from the request to what is recorded and what is noted of it for people."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from django.core.exceptions import RequestDataTooBig
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.timezone import now
from django.utils.translation import gettext_noop

from esp.models import Webhook
from esp.parsers import StaleSignature
from esp.parts import MOST, has_too_many, read_in_parts
from esp.taking import UNREADABLE, Taken, take

# A problem that goes on is written anew no more often.
NOTED_EVERY: Final = timedelta(minutes=1)

NO_KEY: Final = gettext_noop("A call came, and its signature could not be checked: the signing key is missing.")
BAD_KEY: Final = gettext_noop("A call came, and its signature could not be checked: the signing key is not valid.")
NO_LOGIN: Final = gettext_noop("A call came without the right name and password. Give the provider the address anew.")
BAD_SIGNATURE: Final = gettext_noop("A call came whose signature is not right. Compare the key with the provider’s.")
STALE: Final = gettext_noop(
    "A call came whose signature is older than a day. Compare this machine’s clock with the right time."
)
INBOUND: Final = gettext_noop("A call came about a mail that somebody sent in. Choose events of mails that are sent.")
SENT_ONLY: Final = "This address takes events of mails that are sent."
NOT_UNDERSTOOD: Final = gettext_noop("A call came that is not what this provider sends, as far as we know.")
TOO_MANY: Final = gettext_noop("A call came with more than 10,000 events. Have the provider send fewer at once.")
TOO_LONG: Final = gettext_noop(
    "A call came that is longer than is taken at once. Have the provider send fewer events at once."
)
_TOO_LONG: Final = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That is more than is taken at once.")


class Refused(Exception):
    """A call that nothing is taken from. `words` are for the ESP, and tell no secret; `login`: it is to log in."""

    def __init__(self, status: HTTPStatus, words: str, *, login: bool = False) -> None:
        super().__init__(words)
        self.status, self.words, self.login = status, words, login


def webhook_of(esp: str, path_key: str) -> Webhook | None:
    """The webhook with this address. Raises django.db.Error."""
    return Webhook.objects.filter(esp=esp, path_key=path_key).first()


def answer_call(webhook: Webhook, request: HttpRequest) -> Taken:
    """Take what the ESP tells, and note that it called.

    Raises Refused, and django.db.Error; then nothing was recorded, or all of it is known when it comes again.
    """
    reader = _reader(webhook)
    _check(webhook, reader, request)
    _limit(webhook, request)
    events, failed = _events(webhook, reader, request)
    if len(events) > MOST:
        raise _refused(webhook, _TOO_LONG[0], TOO_MANY, _TOO_LONG[1])
    moment = now()
    taken = take(webhook, events, moment)
    if failed:
        taken = taken._replace(unusable=taken.unusable + failed, problem=UNREADABLE)
    _note(webhook, taken, moment, reader)
    return taken


def reader_of(webhook: Webhook) -> Any:
    """What reads its calls (a view of django-anymail). Raises whatever that does with a key that is none."""
    return import_string(webhook.provider.view)(**webhook.options())


def _reader(webhook: Webhook) -> Any:
    # With the key in place, the same call can be taken: it is to be made again.
    if not webhook.is_ready:
        raise _refused(webhook, HTTPStatus.SERVICE_UNAVAILABLE, NO_KEY, "The signing key is not set up yet.")
    try:
        return reader_of(webhook)
    except Exception:
        raise _refused(webhook, HTTPStatus.SERVICE_UNAVAILABLE, BAD_KEY, "The signing key is not set up.") from None


def _check(webhook: Webhook, reader: Any, request: HttpRequest) -> None:
    try:
        reader.run_validators(request)
    except StaleSignature:
        raise _refused(webhook, HTTPStatus.BAD_REQUEST, STALE, "The signature is too old.") from None
    except AnymailWebhookValidationFailure:
        if webhook.provider.signs:
            raise _refused(webhook, HTTPStatus.BAD_REQUEST, BAD_SIGNATURE, "The signature is not right.") from None
        raise _refused(webhook, HTTPStatus.UNAUTHORIZED, NO_LOGIN, "Name and password, please.", login=True) from None
    except RequestDataTooBig:
        raise _too_long(webhook) from None
    except Exception:
        # Of nonsense, checks raise what nobody thought of.
        raise _refused(webhook, HTTPStatus.BAD_REQUEST, NOT_UNDERSTOOD, "The call can't be understood.") from None


def _limit(webhook: Webhook, request: HttpRequest) -> None:
    """Look at how many events there are before each is read: that takes long, in the process that answers hits."""
    try:
        has_many = has_too_many(webhook.esp, request)
    except RequestDataTooBig:
        raise _too_long(webhook) from None
    if has_many:
        raise _refused(webhook, _TOO_LONG[0], TOO_MANY, _TOO_LONG[1])


def _events(webhook: Webhook, reader: Any, request: HttpRequest) -> tuple[list[Any], int]:
    """The events, and how many can't be read."""
    try:
        return list(reader.parse_events(request)), 0
    except RequestDataTooBig:
        raise _too_long(webhook) from None
    except AnymailConfigurationError:
        return _others(webhook, reader, request, INBOUND, SENT_ONLY)
    except Exception:
        return _others(webhook, reader, request, NOT_UNDERSTOOD, "The call can't be understood.")


def _others(webhook: Webhook, reader: Any, request: HttpRequest, problem: str, words: str) -> tuple[list[Any], int]:
    """What can be read of a call that can't be read as a whole. Raises Refused where that is nothing."""
    try:
        events, failed = read_in_parts(webhook.esp, reader, request)
    except Exception:
        events, failed = [], 0
    if not events:
        raise _refused(webhook, HTTPStatus.BAD_REQUEST, problem, words) from None
    return events, failed


def _too_long(webhook: Webhook) -> Refused:
    return _refused(webhook, _TOO_LONG[0], TOO_LONG, _TOO_LONG[1])


def _refused(webhook: Webhook, status: HTTPStatus, problem: str, words: str, *, login: bool = False) -> Refused:
    note_problem(webhook, problem, now())
    return Refused(status, words, login=login)


def note_problem(webhook: Webhook, problem: str, moment: datetime) -> None:
    """Write what went wrong, once a minute for the same until a call is taken. Raises django.db.Error."""
    changed = ~Q(problem=problem) | Q(problem_since__lt=moment - NOTED_EVERY) | Q(problem_since=None)
    changed |= Q(problem_since__lte=F("last_call"))
    rows = Webhook.objects.filter(changed, pk=webhook.pk)
    rows.update(problem=problem[: Webhook.LONGEST], problem_since=moment)


def _note(webhook: Webhook, taken: Taken, moment: datetime, reader: Any) -> None:
    changes: dict[str, Any] = {
        "last_call": moment,
        "recorded": F("recorded") + taken.recorded,
        "unknown": F("unknown") + taken.unknown,
        "unusable": F("unusable") + taken.unusable,
    }
    if taken.problem:
        changes |= {"problem": taken.problem[: Webhook.LONGEST], "problem_since": moment}
    if url := getattr(reader, "confirm_url", ""):
        changes["confirm_url"] = url
    elif getattr(reader, "is_notification", False) and webhook.confirm_url:
        changes["confirm_url"] = ""
    Webhook.objects.filter(pk=webhook.pk).update(**changes)
