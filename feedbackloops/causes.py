"""Why an attempt failed, and what to do about it: for an engineer at the customer's and for staff alike."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from feedbackloops.models import Attempt
from feedbackloops.protocol.outcome import ErrorKind, Outcome, error_kind_of


@dataclass(frozen=True, slots=True)
class Cause:
    """What went wrong, in a line, and what to do, step by step. `detail`: what was recorded beyond that."""

    title: str
    advice: list[str]
    detail: str = ""


def cause_of(attempt: Attempt) -> Cause | None:
    """The cause of a failed attempt; None of one that the script accepted."""
    if attempt.outcome == Outcome.ACCEPTED:
        return None
    if kind := error_kind_of(attempt.message):
        return replace(_ERRORS[kind](attempt), detail=_in_brackets(attempt.message))
    if attempt.outcome == Outcome.GONE:
        return Cause(
            _("The script says that it is gone for good"),
            [
                _("Was this on purpose? Then disable the loop, or delete it."),
                _("If not, have the script answer 200 again, and press Resume on the loop's page."),
            ],
        )
    if attempt.outcome == Outcome.THROTTLED:
        return Cause(
            _("The script asks for fewer calls"),
            [
                _("It is tried again once the time that it asked for has passed. There is nothing to do."),
                _("Should it happen often, set a rate limit on the loop's page: calls then come evenly."),
            ],
        )
    if not attempt.status:
        return _unsent(attempt)
    return _by_status(attempt)


def _in_brackets(message: str) -> str:
    found = re.search(r"\((.*)\)$", message, re.DOTALL)
    return found[1] if found else ""


def _unsent(attempt: Attempt) -> Cause:
    return Cause(
        _("No call could be made"),
        [_("Once what is said here is mended, send the delivery again."), _contact_us()],
        attempt.message,
    )


def _by_status(attempt: Attempt) -> Cause:
    status = attempt.status
    if 300 <= status < 400:
        return Cause(
            _("The script sent us elsewhere (status %(status)s)") % {"status": status},
            [
                _("Redirects are never followed: a POST would lose its body on the way, or reach a stranger."),
                _("Enter the URL that it leads to in the loop's form. Often only https:// or www. is missing."),
            ],
            attempt.message,
        )
    if status in _REFUSALS:
        title, advice = _REFUSALS[status]()
        return Cause(title, advice)
    if 400 <= status < 500:
        return Cause(
            _("The script refused it (status %(status)s)") % {"status": status},
            [
                _("Read its answer below: it may say what it missed."),
                _("Only an answer from 200 to 299 counts as received."),
            ],
        )
    if status in (502, 504):
        return Cause(
            _("What stands before the script could not reach it (status %(status)s)") % {"status": status},
            [
                _("See whether the program behind the web server runs: PHP-FPM, a container, an application server."),
                _("Look into the error log of the proxy or load balancer at the time of this call."),
            ],
        )
    return Cause(
        _("The script failed (status %(status)s)") % {"status": status},
        [
            _("Look into the error log of its server at the time of this call."),
            _("Once it is mended, send this again; what waits is tried again by itself."),
        ],
    )


_REFUSALS: dict[int, Callable[[], tuple[str, list[str]]]] = {
    401: lambda: (
        _("The server wants a login (status 401)"),
        [_("None is ever sent. Take the protection off this URL: the signature proves that a call is ours.")],
    ),
    403: lambda: (
        _("The server lets nobody in, or does not accept our signature (status 403)"),
        [
            _("Read the answer below: a web page mostly comes from a firewall, a short text from the script."),
            _("If it is the script: see that it has the loop's secret, and checks the body as it came, byte by byte."),
            _("If it is a firewall: let POST requests with our User-Agent through to this URL."),
        ],
    ),
    404: lambda: (
        _("Nothing stands at this URL (status 404)"),
        [
            _("Open the URL in a browser. If that says “not found” as well, correct it in the loop's form."),
            _("Frameworks often want a route for POST: one for GET only may answer 404."),
        ],
    ),
    405: lambda: (
        _("The URL does not take POST (status 405)"),
        [_("Have the script, or its route, accept the method POST.")],
    ),
    413: lambda: (
        _("The body was too large for the server (status 413)"),
        [
            _("Bounces and complaints carry the mail itself, up to 1 MiB."),
            _("Raise the limit: client_max_body_size in nginx, LimitRequestBody in Apache, post_max_size in PHP."),
        ],
    ),
    415: lambda: (
        _("The script does not take this format (status 415)"),
        [_("Choose the other body format, form or JSON, in the loop's form.")],
    ),
}


def _timed_out(attempt: Attempt) -> Cause:
    if attempt.connect:
        return Cause(
            _("The script did not answer in time"),
            [
                _("Have it answer 200 at once, and do its work afterwards: in a queue, or after the response is sent."),
                _("It may have got the event all the same, and gets it again: it should know it by its webhook-id."),
            ],
        )
    return Cause(
        _("No connection came about in time"),
        [
            _("A firewall that drops packets looks like this: let connections from our servers in."),
            _("See whether the server is up, and its name leads to the right address."),
        ],
    )


def _unfound(attempt: Attempt) -> Cause:
    return Cause(
        _("The name of the server cannot be found"),
        [
            _("Look for a slip of the pen in the URL."),
            _("See whether the domain still has an A or AAAA record: it may have expired, or moved."),
        ],
    )


def _refused(attempt: Attempt) -> Cause:
    return Cause(
        _("The server refused the connection"),
        [
            _("See whether the web server runs, and listens on this port."),
            _("See whether its firewall lets us in."),
        ],
    )


def _reset(attempt: Attempt) -> Cause:
    return Cause(
        _("The server hung up before it had answered"),
        [
            _("The program behind the web server may have crashed: look into its error log at the time of this call."),
            _("A firewall or a proxy may cut connections: look there, too."),
        ],
    )


def _untrusted(attempt: Attempt) -> Cause:
    return Cause(
        _("The server's certificate cannot be trusted, so nothing was sent"),
        [
            _("What was said of it tells whether it has expired, is for another name, or lacks an intermediate one."),
            _("Renew it, or have the server send the whole chain. Browsers forgive a missing part, programs don't."),
        ],
    )


def _blocked(attempt: Attempt) -> Cause:
    return Cause(
        _("The server's address is one that is never called"),
        [
            _("Its name leads to an inner network, or to a reserved address. Nothing was sent."),
            _("Have the name lead to a public address. An operator may allow a network of their own."),
        ],
    )


def _not_http(attempt: Attempt) -> Cause:
    return Cause(
        _("What answered does not speak HTTP"),
        [_("See whether host, port and http:// or https:// of the URL are right.")],
    )


def _too_large(attempt: Attempt) -> Cause:
    return Cause(
        _("The server sent more than we read"),
        [_("The answer needs a status only. Have the script answer 200 with an empty body.")],
    )


_ERRORS: dict[ErrorKind, Callable[[Attempt], Cause]] = {
    ErrorKind.TIMED_OUT: _timed_out,
    ErrorKind.DNS: _unfound,
    ErrorKind.REFUSED: _refused,
    ErrorKind.RESET: _reset,
    ErrorKind.TLS: _untrusted,
    ErrorKind.BLOCKED: _blocked,
    ErrorKind.PROTOCOL: _not_http,
    ErrorKind.TOO_LARGE: _too_large,
}


def _contact_us() -> str:
    return _("If you can't make sense of it, ask whoever runs this service: the log has more.")
