"""Finding things by what somebody types or pastes: each kind by its key or an index, within the finder's reach."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from access.reach import limit
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, TestCall
from profiles.addresses import normal_address
from profiles.models import Account, Database, Profile
from profiles.showing import when
from tracking.ids import moment_of
from tracking.mailids import normal_message_id
from tracking.models import Event, Message

SHOWN: Final = 10
LARGEST_NUMBER: Final = 2**63 - 1
_NUMBER = re.compile(r"(?P<account>account-)?(?P<digits>[0-9]{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Term:
    """What was typed, and what it can be: each is empty where it can't be that."""

    text: str
    id: UUID | None = None
    address: str = ""
    message_id: str = ""
    number: int | None = None
    # As the calls to scripts name an account, in X-Copernica-ID.
    account: int | None = None
    words: str = ""

    @classmethod
    def of(cls, typed: str) -> "Term":
        """Read it. An id, an address and a number are that and nothing else; all the rest is words."""
        text = typed.strip().removeprefix("mailto:").strip()
        if id := _uuid(text):
            return cls(text, id=id)
        if "@" in text and "://" not in text:
            return cls(text, address=normal_address(text), message_id=normal_message_id(text))
        number = _NUMBER.fullmatch(text)
        if number and int(number["digits"]) <= LARGEST_NUMBER:
            digits = int(number["digits"])
            return cls(text, account=digits) if number["account"] else cls(text, number=digits, account=digits)
        return cls(text, words=text)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


class Kind(NamedTuple):
    """One kind of things: what of a term it is found by (each one query), and what tells one from another."""

    model: type[Model]
    label: Any
    found_by: Callable[[Term], list[Q]]
    detail: Callable[[Any], Iterable[object]]
    # Whether its list finds the term as well, so that a link can show all of them.
    has_list: Callable[[Term], bool]
    related: tuple[str, ...] = ()
    order: str = "-pk"
    # Whose rights are asked for, and which page a row has for a user, where these are not the model's own.
    rights: type[Model] | None = None
    page: Callable[[Any, Any], str] | None = None


class Found(NamedTuple):
    """One thing that was found: how it is called, what tells it from others, and its page."""

    title: str
    detail: str
    url: str


class Group(NamedTuple):
    """What was found of one kind, the newest first; `more` leads to all of them, where there are more than shown."""

    label: Any
    found: list[Found]
    more: str


def _loops(term: Term) -> list[Q]:
    if term.words:
        named = Q(name__icontains=term.words) | Q(url__icontains=term.words)
        return [named | Q(verification_file=term.words.rsplit("/", 1)[-1] or term.words)]
    if term.address:
        return [Q(contact__icontains=term.address)]
    return _by_number(term)


def _accounts(term: Term) -> list[Q]:
    if term.words:
        return [Q(name__icontains=term.words)]
    return [] if term.account is None else [Q(pk=term.account)]


def _databases(term: Term) -> list[Q]:
    return [Q(name__icontains=term.words)] if term.words else _by_number(term)


def _by_number(term: Term) -> list[Q]:
    return [] if term.number is None else [Q(pk=term.number)]


def _test_page(call: TestCall, user: Any) -> str:
    """What came of it, for those who may use the test bench; else where it stands among the loop's deliveries."""
    if user.has_perm("feedbackloops.change_feedbackloop"):
        return reverse("admin:feedbackloops_feedbackloop_test_call", args=[call.loop_id, call.pk])
    page = reverse("admin:feedbackloops_feedbackloop_change", args=[call.loop_id])
    return f"{page}?{urlencode({'which': 'tests', 'who': str(call.pk)})}#deliveries"


def _by_id(term: Term) -> list[Q]:
    return [Q(pk=term.id)] if term.id else []


def _profiles(term: Term) -> list[Q]:
    return [Q(address=term.address)] if term.address else _by_number(term)


def _messages(term: Term) -> list[Q]:
    """An address, a Message-ID and an ESP's id have an index each: three queries, as one with OR might use none."""
    ways = [Q(esp_message_id=term.text)] if term.words or term.address else []
    if term.message_id:
        ways.append(Q(internet_message_id=term.message_id))
    if term.address:
        ways.append(Q(found_address=term.address))
    return ways + _by_id(term)


KINDS: Final = (
    Kind(
        FeedbackLoop,
        _("Loops"),
        _loops,
        lambda loop: (loop.account, loop.url),
        lambda term: bool(term.words),
        ("account",),
    ),
    Kind(Account, _("Accounts"), _accounts, lambda account: (f"account-{account.pk}",), lambda term: bool(term.words)),
    Kind(Database, _("Databases"), _databases, lambda database: (), lambda term: bool(term.words), ("account",)),
    Kind(
        Profile,
        _("Profiles"),
        _profiles,
        lambda profile: (profile.address, profile.database),
        lambda term: False,
        ("database__account",),
    ),
    Kind(
        Message,
        _("Messages"),
        _messages,
        lambda message: (message.recipient, message.subject, message.account, when(message.created)),
        lambda term: bool(term.address),
        ("account",),
        # Not by its key, along which PostgreSQL might look for an address among all messages there are.
        "-created",
    ),
    Kind(
        Event,
        _("Events"),
        _by_id,
        lambda event: (event.get_type_display(), when(moment_of(event.pk))),
        lambda term: False,
    ),
    Kind(
        Delivery,
        _("Deliveries"),
        _by_id,
        lambda delivery: (delivery.get_state_display(), when(moment_of(delivery.pk))),
        lambda term: False,
    ),
    Kind(
        Attempt,
        _("Attempts"),
        _by_id,
        lambda attempt: (attempt.get_outcome_display(), when(attempt.started)),
        lambda term: False,
    ),
    Kind(
        TestCall,
        _("Test calls"),
        _by_id,
        lambda call: (call.loop, call.get_event_type_display(), when(call.asked)),
        lambda term: False,
        ("loop",),
        rights=FeedbackLoop,
        page=_test_page,
    ),
)


def may_see(user: Any, model: type[Model]) -> bool:
    """Whether this user may open pages of the model at all."""
    app, name = model._meta.app_label, model._meta.model_name
    return any(user.has_perm(f"{app}.{right}_{name}") for right in ("view", "change"))


def tried(term: Term, user: Any) -> list[Kind]:
    """The kinds that this term can be one of, and that this user may see."""
    return [kind for kind in KINDS if kind.found_by(term) and may_see(user, kind.rights or kind.model)]


def find(term: Term, user: Any) -> list[Group]:
    """What this user may see of what the term means, by kind; kinds of which nothing was found are left out."""
    groups = [_group(kind, term, user) for kind in tried(term, user)]
    return [group for group in groups if group.found]


def histories(term: Term, user: Any) -> list[tuple[Any, str]]:
    """The lists that have all that happened to an address, by name; none for what is no address."""
    kinds = [kind for kind in KINDS if kind.model in (Event, Delivery, Attempt) and may_see(user, kind.model)]
    return [(kind.label, _list(kind, term)) for kind in kinds] if term.address else []


def _list(kind: Kind, term: Term) -> str:
    return f"{reverse(f'{_pages(kind)}_changelist')}?{urlencode({'q': term.text})}"


def _pages(kind: Kind) -> str:
    return f"admin:{kind.model._meta.app_label}_{kind.model._meta.model_name}"


def _group(kind: Kind, term: Term, user: Any) -> Group:
    rows = {row.pk: row for way in kind.found_by(term) for row in _rows(kind, way, user)[: SHOWN + 1]}
    found = [_found(kind, row, user) for row in list(rows.values())[:SHOWN]]
    return Group(kind.label, found, _list(kind, term) if len(rows) > SHOWN and kind.has_list(term) else "")


def _rows(kind: Kind, way: Q, user: Any) -> QuerySet[Any]:
    rows: QuerySet[Any] = kind.model._default_manager.select_related(*kind.related)
    if kind.model is Message:
        rows = rows.alias(found_address=Lower("recipient"))
    return limit(rows.filter(way), user).order_by(kind.order)


def _found(kind: Kind, row: Any, user: Any) -> Found:
    detail = " · ".join(str(part) for part in kind.detail(row) if str(part))
    page = kind.page(row, user) if kind.page else reverse(f"{_pages(kind)}_change", args=[row.pk])
    return Found(str(row), detail, page)
