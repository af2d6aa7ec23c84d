"""What is wrong with a test call that somebody writes, and what to do, in words."""

from collections.abc import Callable
from typing import Final

from django.utils.translation import gettext as _

from feedbackloops.protocol.drafts import LARGEST, Fault, Problem

_KIB: Final = 1024


def fault_words(problem: Problem) -> str:
    """The problem in a sentence or two."""
    detail = problem.detail.encode("utf-8", "replace").decode()
    return _WORDS[problem.fault](detail)


def _no_json(detail: str) -> str:
    if not detail:
        return _("This is not JSON that can be read: a number is too long, or it goes too deep.")
    line, _colon, column = detail.partition(":")
    words = _("This is not JSON: it can’t be read from line %(line)s, column %(column)s. Is a comma or quote amiss?")
    return words % {"line": line, "column": column}


def _too_large(detail: str) -> str:
    most = LARGEST // _KIB
    if not detail:
        return _("That is more than the %(most)s KiB that a test call may have. Shorten it.") % {"most": most}
    words = _("All fields together have %(size)s KiB, a test call may have %(most)s. Shorten this one, the longest.")
    return words % {"size": -(-int(detail) // _KIB), "most": most}


_WORDS: Final[dict[Fault, Callable[[str], str]]] = {
    Fault.NO_JSON: _no_json,
    Fault.NO_OBJECT: lambda detail: _("Write one object, with a name and a value for each field: {…}."),
    Fault.TWICE: lambda detail: _("“%(name)s” stands there twice. Remove one of them.") % {"name": detail},
    Fault.TOO_LARGE: _too_large,
    Fault.NO_FORM: lambda detail: _(
        "The form can’t show this as it is: too many entries, line breaks within an entry of a list, or a mail whose "
        "lines don’t end in CRLF. It can be sent as JSON from here."
    ),
    Fault.UNKNOWN: lambda detail: _("This type of event has no such field. Remove it, or choose another type."),
    Fault.OTHER_TYPE: lambda detail: (
        _("It says “%(type)s”, and the call is to be of another type. Make them the same.") % {"type": detail}
    ),
    Fault.NOT_TEXT: lambda detail: _("Write a text, within quotes."),
    Fault.NOT_NUMBER: lambda detail: _("Write a whole number, without quotes."),
    Fault.NOT_LIST: lambda detail: _('Write a list of texts, such as ["shoes", "hats"].'),
    Fault.NOT_MAP: lambda detail: _('Write names with texts, such as {"city": "Málaga"}.'),
    Fault.RANGE: lambda detail: _("Write a number within %(range)s.") % {"range": detail},
    Fault.UNSTORABLE: lambda detail: _("It holds a NUL or half a character, which nothing real has. Remove it."),
    Fault.UNHOLDABLE: lambda detail: (
        _(
            "PHP can’t hold the name “%(name)s” (empty, with a “]”, or the like), so a form would leave it out. Rename "
            "it, or set the loop’s body format to JSON."
        )
        % {"name": detail}
    ),
    Fault.NOT_ADDRESS: lambda detail: _("Write an IPv4 or IPv6 address, such as 192.0.2.10."),
    Fault.NOT_ID: lambda detail: _("Write a UUID, such as 019d38e3-2a10-7d44-9a31-7c2f10b4e5d6."),
    Fault.NOT_TIME: lambda detail: _("Write a date and time in UTC, such as 2026-01-31 18:30:00."),
    Fault.MISSING: lambda detail: _("Each real event of this type has it. Fill it in."),
    Fault.WITHOUT_PROFILE: lambda detail: _("It is sent with a profile only. Fill in “profile”, or empty this."),
    Fault.WITH_SUBPROFILE: lambda detail: _("A subprofile has none. Empty this, or “subprofile”."),
}
