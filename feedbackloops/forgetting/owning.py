"""What of the rows that bear no account belongs to the one that forgets, and what to others."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models.functions import Lower

from access.reach import RULES, Viewer
from feedbackloops.forgetting.needles import names, patterns
from feedbackloops.forgetting.screening import naming, numbered, screening
from feedbackloops.models import Forgetting
from profiles.models import Account, Profile
from tracking.models import Message

# Logins and rights are nobody's own.
_SHARED: Final = frozenset({"auth", "contenttypes"})
_LOGGED: Final = "SELECT id, content_type_id, object_id FROM django_admin_log WHERE content_type_id IS NOT NULL"
_ACCOUNT: Final = re.compile(r'"account":([0-9]+)')


def addresses_alone(order: Forgetting) -> list[str]:
    """The person's addresses that no other account has a profile or a message with."""
    known = Profile.objects.filter(address__in=order.addresses).exclude(account=order.account_id)
    others = set(known.values_list("address", flat=True))
    sent = Message.objects.alias(lowered=Lower("recipient")).filter(lowered__in=order.addresses)
    sent = sent.exclude(account=order.account_id).order_by()
    others |= {recipient.lower() for recipient in sent.values_list("recipient", flat=True).distinct()}
    return [address for address in order.addresses if address not in others]


def patterns_of_mails(order: Forgetting) -> list[str]:
    """By these an unread mail is known as one about the person's messages: none of another account is.

    An address proves nothing where this account has never sent a mail to it.
    """
    return list(patterns(addresses_alone(order) if order.messages else [], order.messages))


def own_entries(order: Forgetting, wanted: Sequence[str]) -> list[int]:
    """The log's entries that have one of these patterns, on what belongs to the order's account."""
    return _entries(order, [order.account_id], wanted)


def entries_of_others(order: Forgetting, wanted: Sequence[str]) -> list[int]:
    """The same on what belongs to any other account."""
    others = Account.objects.exclude(pk=order.account_id).order_by()
    return _entries(order, list(others.values_list("pk", flat=True)), wanted)


def _entries(order: Forgetting, accounts: Collection[int], wanted: Sequence[str]) -> list[int]:
    by_kind: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    given = numbered(wanted)
    with connection.cursor() as cursor:
        names = naming("change_message", "object_repr", patterns=given)
        cursor.execute(f"{_LOGGED} AND ({names})", {**given, **screening(order)})
        for entry, kind, subject in cursor.fetchall():
            by_kind[kind][subject or ""].append(entry)
    viewer = Viewer(None, frozenset(accounts))
    return [
        entry
        for kind, entries in by_kind.items()
        for subject in _owned(kind, list(entries), viewer)
        for entry in entries[subject]
    ]


def is_own_line(line: bytes, order: Forgetting, wanted: Sequence[str], *, or_nobodys: bool = False) -> bool:
    """Whether a line of a spool names the person, and is of the order's account.

    A torn one that says no account is if it names a message; `or_nobodys`: without that, too.
    """
    text = line.decode("latin-1")
    if not names(wanted, text):
        return False
    if found := _ACCOUNT.search(text):
        return int(found[1]) == order.account_id
    return or_nobodys or names(patterns([], order.messages), text)


def _owned(kind: int, subjects: Sequence[str], viewer: Viewer) -> Iterator[str]:
    model: Any = ContentType.objects.get_for_id(kind).model_class()
    if model is None or model._meta.app_label in _SHARED or model._meta.label_lower not in RULES:
        return
    keys = {key: subject for subject in subjects if (key := _key(model, subject)) is not None}
    rows = model._base_manager.filter(RULES[model._meta.label_lower](viewer), pk__in=list(keys)).order_by()
    yield from (keys[key] for key in rows.values_list("pk", flat=True))


def _key(model: Any, subject: str) -> Any:
    try:
        return model._meta.pk.to_python(subject)
    except ValidationError:
        return None
