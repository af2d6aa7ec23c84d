"""Looks that were answered with something else than status 200."""

from collections.abc import Callable

from feedbackloops.protocol.outcome import shown
from feedbackloops.protocol.redirects import Leads, follow
from feedbackloops.protocol.sentences import Sentence
from feedbackloops.protocol.sentences import sentence as _
from feedbackloops.protocol.sights import Sight

from .told import Diagnosis


def refused(sight: Sight) -> Diagnosis:
    """Tell what a status other than 200 means here."""
    if 300 <= sight.status <= 399:
        return _redirected(sight)
    return _STATUSES.get(sight.status, _failed if sight.status >= 500 else _refused_with)(sight)


def _redirected(sight: Sight) -> Diagnosis:
    redirect = follow(sight.url, sight.redirect)
    values = {"status": sight.status, "url": shown(redirect.url, 200)}
    title, advice = _REDIRECTS[redirect.leads]
    return Diagnosis(Sentence(title.text, tuple(values.items())), advice)


_NEVER = _("A redirect is never followed: a call would lose its content on the way, or reach a stranger.")
_REDIRECTS: dict[Leads, tuple[Sentence, tuple[Sentence, ...]]] = {
    Leads.TO_HTTPS: (
        _("The server wants https://: it redirects to %(url)s (status %(status)s)."),
        (_NEVER, _("Use the URL with https:// for the script as well.")),
    ),
    Leads.TO_OTHER_NAME: (
        _("The server has another name: it redirects to %(url)s (status %(status)s)."),
        (_NEVER, _("Use that name for the script as well.")),
    ),
    Leads.TO_LOGIN: (
        _("The server wants a login: it redirects to %(url)s (status %(status)s)."),
        (_("Have it give the file to everybody, without a login, and the script’s URL as well: none is ever sent."),),
    ),
    Leads.TO_ITSELF: (
        _("The server redirects to the same address again (status %(status)s)."),
        (_("Its settings go round in a circle: ask whoever looks after the server. Often a proxy is part of it."),),
    ),
    Leads.TO_HTTP: (
        _("The server redirects to %(url)s, without encryption (status %(status)s)."),
        (_("Have it answer at https:// itself. If it can’t, use the URL with http://, which anybody can read."),),
    ),
    Leads.ELSEWHERE: (
        _("The server redirects to %(url)s (status %(status)s)."),
        (
            _NEVER,
            _("If the file is not placed yet, place it: some servers send away whoever asks for what is not there."),
            _("If the script has moved, use its new URL."),
        ),
    ),
    Leads.NOWHERE: (
        _("The server redirects, but to nowhere that could be called (status %(status)s)."),
        (_("Have it answer with the file itself."),),
    ),
}


def _missing(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("The server says that the file is not there (status %(status)s).", status=sight.status),
        (
            _("Upload it to this place, under exactly its name."),
            _("If it is there, open the address in a browser: if that finds nothing either, it is in another folder."),
        ),
    )


def _wants_login(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("The server wants a login (status %(status)s).", status=sight.status),
        (_("None is ever sent. Take the protection off this file, and off the script’s URL."),),
    )


def _forbidden(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("The server lets nobody read the file (status %(status)s).", status=sight.status),
        (
            _("Give everybody the right to read it, and its folder: on many servers the rights 644 and 755."),
            _("If a firewall answers so, have it let our servers through."),
        ),
    )


def _busy(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("The server finds that we ask too often (status %(status)s).", status=sight.status),
        (_("Wait for some minutes, then press Check now."),),
    )


def _failed(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("The server failed (status %(status)s).", status=sight.status),
        (_("Its error log says why. Once it is mended, press Check now."),),
    )


def _refused_with(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("The server answered with status %(status)s, where 200 is needed.", status=sight.status),
        (_("Let everybody read the file, without a login."),),
    )


_STATUSES: dict[int, Callable[[Sight], Diagnosis]] = {
    401: _wants_login,
    403: _forbidden,
    404: _missing,
    407: _wants_login,
    410: _missing,
    429: _busy,
}
