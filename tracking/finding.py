"""Which message is meant: by our id, the ESP's id, the Message-ID or the recipient, in sets."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from profiles.addresses import normal_address
from tracking.ids import first_id_at
from tracking.mailids import normal_message_id
from tracking.models import Message
from tracking.statements import run

T = TypeVar("T")

# Longer than mail servers try to deliver (RFC 5321, 4.5.4.1: four to five days), and than reports take.
WINDOW: Final = timedelta(days=30)


class Trace(NamedTuple):
    """What somebody says of a message; what is not known is left empty.

    `message` is our id, `esp_id` the ESP's, `header` the Message-ID. They are tried in this order; `recipient` alone
    gives the newest message to that address.
    """

    message: UUID | None = None
    esp_id: str = ""
    header: str = ""
    recipient: str = ""


# The newest message to each address, unless that would be a guess between accounts.
_NEWEST = """
SELECT newest.id
FROM unnest(%(addresses)s::text[]) AS wanted (address)
CROSS JOIN LATERAL (
    SELECT id, account_id FROM tracking_message
    WHERE lower(recipient) = wanted.address AND id >= %(first)s AND id < %(last)s
        AND (%(account)s::bigint IS NULL OR account_id = %(account)s::bigint)
    ORDER BY id DESC LIMIT 1
) newest
WHERE %(account)s::bigint IS NOT NULL OR NOT EXISTS (
    SELECT FROM tracking_message other
    WHERE lower(other.recipient) = wanted.address AND other.id >= %(first)s AND other.id < %(last)s
        AND other.account_id <> newest.account_id
)
"""


def find_messages(
    traces: Sequence[Trace], *, account: int | None, before: datetime, window: timedelta = WINDOW
) -> list[Message | None]:
    """The message that each trace means, or None; four queries for the whole set.

    With an `account` nothing of others is found. Without one (a mail server that knows none) an ESP's id says nothing,
    and where a Message-ID or an address fits messages of several accounts, none of them is meant. By recipient only
    messages are found that were registered within `window` before `before` (aware).
    """
    by_id = {message.pk: message for message in _among(account).filter(pk__in=_known(t.message for t in traces))}
    found = [by_id.get(trace.message) if trace.message else None for trace in traces]
    for look_up in (_by_esp_id, _by_header):
        _fill(found, traces, look_up(_missing(found, traces), account))
    _fill(found, traces, _by_recipient(_missing(found, traces), account, before, window))
    return found


def _among(account: int | None) -> QuerySet[Message]:
    rows = Message.objects.select_related("account")
    return rows if account is None else rows.filter(account_id=account)


def _missing(found: Sequence[Message | None], traces: Sequence[Trace]) -> list[Trace]:
    return [trace for trace, message in zip(traces, found, strict=True) if message is None]


def _fill(found: list[Message | None], traces: Sequence[Trace], known: dict[Trace, Message]) -> None:
    found[:] = [message or known.get(trace) for trace, message in zip(traces, found, strict=True)]


def _by_esp_id(traces: Sequence[Trace], account: int | None) -> dict[Trace, Message]:
    wanted = {trace for trace in traces if trace.esp_id}
    if account is None or not wanted:
        return {}
    rows = _among(account).filter(esp_message_id__in=_known(trace.esp_id for trace in wanted))
    by_id = _grouped(rows, lambda message: message.esp_message_id)
    return {trace: message for trace in wanted if (message := _best(by_id.get(trace.esp_id, []), trace.recipient))}


def _best(messages: Sequence[Message], recipient: str) -> Message | None:
    """Some ESPs have one id for all recipients of a mail."""
    address = normal_address(recipient)
    fitting = [message for message in messages if normal_address(message.recipient) == address]
    return max(fitting or (messages if len(messages) == 1 else ()), key=lambda message: message.pk, default=None)


def _by_header(traces: Sequence[Trace], account: int | None) -> dict[Trace, Message]:
    wanted = {trace: id for trace in traces if (id := normal_message_id(trace.header))}
    if not wanted:
        return {}
    rows = _among(account).filter(internet_message_id__in=_known(wanted.values()))
    by_id = _grouped(rows, lambda message: message.internet_message_id)
    return {trace: message for trace, id in wanted.items() if (message := _only(by_id.get(id, []), trace.recipient))}


def _only(messages: Sequence[Message], recipient: str) -> Message | None:
    """Whoever sends mail chooses its Message-ID: one that two accounts have used names neither's."""
    return _best(messages, recipient) if len({message.account_id for message in messages}) == 1 else None


def _by_recipient(
    traces: Sequence[Trace], account: int | None, before: datetime, window: timedelta
) -> dict[Trace, Message]:
    wanted = {trace: normal_address(trace.recipient) for trace in traces if trace.recipient}
    if not wanted:
        return {}
    # Those of that very millisecond are among them.
    first, last = first_id_at(before - window), first_id_at(before + timedelta(milliseconds=1))
    rows = run(_NEWEST, addresses=_known(wanted.values()), account=account, first=first, last=last)
    messages = {normal_address(each.recipient): each for each in _among(account).filter(pk__in=[id for (id,) in rows])}
    return {trace: messages[address] for trace, address in wanted.items() if address in messages}


def _known(values: Iterable[T | None]) -> list[T]:
    return list({value for value in values if value})


def _grouped(rows: Iterable[Message], key: Callable[[Message], str]) -> dict[str, list[Message]]:
    groups: dict[str, list[Message]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups
