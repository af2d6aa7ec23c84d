"""Pages that say what went wrong and what to do, and need neither a server, a static file nor a login."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from marketingsuite.headers import STRICT


class Told(NamedTuple):
    """What went wrong, in a title and a sentence, and what to do."""

    title: Any
    words: Any
    advice: Any


BUSY: Final = Told(
    _("One moment, please"), _("The dashboard is busy. Nothing was done."), _("Try again in a few seconds.")
)
TOO_SLOW: Final = Told(
    _("Your request did not come through in time"), _("Nothing was saved."), _("Please send it again.")
)
TOO_LARGE: Final = Told(
    _("That is too much at once"),
    _("What you sent is more than the dashboard takes at once. Nothing was saved."),
    _("Go back, and send it in parts."),
)
UNREADABLE: Final = Told(
    _("This request can’t be read"),
    _("A part of it is missing, wrong, or more than is taken. Nothing was saved."),
    _("Go back, load the page anew, and try again."),
)
OTHER_HOST: Final = Told(
    _("Not an address of this service"),
    _("The service is not meant to be reached under the name in the address bar."),
    _("Use the address that you were given. Whoever runs the service adds names to ALLOWED_HOSTS."),
)
FORBIDDEN: Final = Told(
    _("Not allowed"), _("You may not open this page."), _("Log in, or ask whoever runs the service for access.")
)
NOT_FOUND: Final = Told(
    _("Not found"),
    _("There is nothing at this address."),
    _("It may be mistyped or cut off. Check it, or begin at the dashboard."),
)
FAULT: Final = Told(
    _("Something went wrong"),
    _("This is a fault of ours. Nothing that you entered was saved, unless you were told so."),
    _("Try again. If it happens again, tell whoever runs the service: the log of the web process says what it was."),
)
AWAY: Final = Told(
    _("The database does not answer"),
    _("It is away, or took too long. Nothing that you entered was saved. Events are still recorded."),
    _("Try again in a minute. Whoever runs the service can find out more with “manage.py doctor”."),
)
NO_COOKIE: Final = Told(
    _("The form could not be checked"),
    _("Your browser sent no cookie with it, so nobody can tell that it came from you. Nothing was saved."),
    _("Allow cookies for this address, load the page anew, and send the form again."),
)
OLD_FORM: Final = Told(
    _("The form is too old"),
    _("You have logged in or out since its page was loaded, perhaps in another tab. Nothing was saved."),
    _("Go back, load the page anew, and send the form again."),
)
OTHER_ORIGIN: Final = Told(
    _("The form came from another address"),
    _("It was sent from a page that does not have this service’s address, as far as it knows. Nothing was saved."),
    _(
        "Open the page here, and send the form again. If that does not help, whoever runs the service adds the address "
        "that you use to CSRF_TRUSTED_ORIGINS."
    ),
)
BY_STATUS: Final = {
    HTTPStatus.REQUEST_TIMEOUT: TOO_SLOW,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TOO_LARGE,
    HTTPStatus.SERVICE_UNAVAILABLE: BUSY,
}


def page(status: int, told: Told) -> str:
    """The page, in the current language."""
    site = {"name": settings.UNFOLD["SITE_HEADER"], "part": settings.UNFOLD["SITE_SUBHEADER"]}
    return render_to_string("error.html", {"status": status, "told": told, "site": site, "style": _style()})


def policy() -> str:
    """The Content-Security-Policy of the page: its own style, by its hash (CSP Level 3, 6.7.3.3), and nothing else."""
    return f"{STRICT}; style-src 'sha256-{b64encode(sha256(_style().encode()).digest()).decode()}'"


def response(status: int, told: Told) -> HttpResponse:
    """The page as Django's answer."""
    headers = {"Content-Security-Policy": policy(), "Cache-Control": "no-store, private"}
    return HttpResponse(page(status, told), status=status, headers=headers)


@cache
def _style() -> str:
    return render_to_string("error.css").strip()
