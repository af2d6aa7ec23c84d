"""Who made an open or a click, in words: the verdict that was kept with the event."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models.fields.json import KT
from django.utils.translation import gettext as _

from feedbackloops.models import Snapshot
from feedbackloops.protocol.outcome import shown
from profiles.showing import badge
from tracking.verdicts import judge
from tracking.verdicts.rules import Verdict

LONGEST: Final = 120
# What lists point out: most events are made by people.
ODD: Final = frozenset({Verdict.PROXY.value, Verdict.MACHINE.value})


@dataclass(frozen=True, slots=True)
class Maker:
    """`label` is short, `words` a sentence; `reasons` in words, and `facts` (label, value) of program and device."""

    verdict: Verdict
    label: str
    words: str
    reasons: list[str]
    facts: list[tuple[str, str]]


def maker_of(snapshot: Mapping[str, Any] | None) -> Maker | None:
    """Who made the event that this was kept of; None where there is no verdict: other events, and older ones."""
    known = snapshot or {}
    if known.get("verdict") not in set(Verdict):
        return None
    verdict = Verdict(known["verdict"])
    reasons = [_reason(str(each)) for each in known.get("reasons", [])]
    return Maker(verdict, label_of(verdict), _WORDS[verdict](), reasons, _facts(known))


def label_of(verdict: str) -> str:
    """A verdict in a word; "" for what is none."""
    return _LABELS[Verdict(verdict)]() if verdict in set(Verdict) else ""


def label_shown(verdict: str) -> str:
    """A verdict as a badge; "" for what is none."""
    label = label_of(verdict)
    return badge(label, _COLOURS.get(Verdict(verdict), "")) if label else ""


def verdicts_of(events: Iterable[UUID]) -> dict[UUID, str]:
    """The verdicts that were kept of these events, in one question."""
    found = Snapshot.objects.filter(pk__in=list(events)).values_list("pk", KT("data__verdict"))
    return {id: verdict for id, verdict in found if verdict}


def _facts(known: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [
        (_("Program"), known.get("client")),
        (_("System"), known.get("os")),
        (_("Device"), known.get("device")),
        (_("First of this link"), _("yes") if known.get("first") else None),
    ]
    return [(label, shown(str(value), LONGEST)) for label, value in facts if value]


def _reason(reason: str) -> str:
    words = _REASONS.get(reason)
    return words() if words else _("By a rule: %(reason)s.") % {"reason": shown(reason, LONGEST)}


_COLOURS: Final = {Verdict.HUMAN: "success", Verdict.PROXY: "info", Verdict.MACHINE: "warning"}
_LABELS: Final[dict[Verdict, Callable[[], str]]] = {
    Verdict.HUMAN: lambda: _("Person"),
    Verdict.PROXY: lambda: _("Proxy"),
    Verdict.MACHINE: lambda: _("Machine"),
    Verdict.UNKNOWN: lambda: _("Unknown"),
}
_WORDS: Final[dict[Verdict, Callable[[], str]]] = {
    Verdict.HUMAN: lambda: _("A person, as far as can be told."),
    Verdict.PROXY: lambda: _("A person's mailbox provider: the time and the address are the provider's."),
    Verdict.MACHINE: lambda: _("A machine. Loops for people only don't get it."),
    Verdict.UNKNOWN: lambda: _("Nothing tells a person from a machine here."),
}
# Those of the rules that come with the product, and of the judge; others are an operator's own.
_REASONS: Final[dict[str, Callable[[], str]]] = {
    judge.BROWSER: lambda: _("It names itself as a browser does."),
    judge.MAIL_PROGRAM: lambda: _("It names itself as a mail program does."),
    judge.NO_LANGUAGE: lambda: _("A browser would have said which languages its reader has."),
    judge.NO_USER_AGENT: lambda: _("It did not say what it is (no User-Agent)."),
    judge.STRANGE_USER_AGENT: lambda: _("It calls itself what no browser and no mail program does."),
    judge.ROBOT_LIST: lambda: _("It names itself as a known robot."),
    judge.BURST: lambda: _("Several links of the mail were followed within a second."),
    judge.HEAD_FIRST: lambda: _("It asked first whether the link is there (HEAD), then came for good."),
    "prefetch": lambda: _("Fetched ahead by a browser: its user may never have seen it."),
    "link-check": lambda: _("A program that looks whether a link leads anywhere, before somebody follows it."),
    "mail-security": lambda: _("A gateway that looks through mails before their readers do."),
    "app-library": lambda: _("A part of some app, maybe of a mail program."),
    "gmail-image-proxy": lambda: _("Gmail fetched the picture for its user."),
    "yahoo-image-proxy": lambda: _("Yahoo fetched the picture for its user."),
    "apple-mail-privacy": lambda: _("Apple Mail's privacy protection fetched the picture, maybe before it was read."),
}
