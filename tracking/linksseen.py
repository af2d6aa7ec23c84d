"""Upkeep of what was seen of links, and what HEAD requests tell of them."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from tracking import arrays, partitions
from tracking.statements import run

AT_ONCE: Final = 10_000

# In the order in which fan-outs lock the rows. A process may not know yet who was forgotten a moment ago.
_HEADED: Final = """
INSERT INTO tracking_linkseen AS known (message_id, link, headed, head_ip)
SELECT DISTINCT ON (1, 2) * FROM unnest(%(messages)s::uuid[], %(links)s::int[], %(moments)s::bigint[], %(ips)s::text[])
    AS head (message_id)
WHERE NOT EXISTS (SELECT FROM tracking_refusal r WHERE r.message_id = head.message_id AND r.refused)
ORDER BY 1, 2, 3 DESC
ON CONFLICT (message_id, link) DO UPDATE SET headed = excluded.headed, head_ip = excluded.head_ip
WHERE known.headed < excluded.headed
"""
_FORGET: Final = """
WITH old AS (SELECT message_id, link FROM tracking_linkseen WHERE message_id < %(before)s ORDER BY 1, 2 LIMIT %(most)s),
gone AS (DELETE FROM tracking_linkseen seen USING old
    WHERE seen.message_id = old.message_id AND seen.link = old.link RETURNING 1)
SELECT count(*) FROM gone
"""


class Head(NamedTuple):
    """A HEAD request for a link of a message (0: its pixel); `ms` since 1970, `ip` as an event would keep it."""

    message: UUID
    link: int
    ms: int
    ip: str


def note_heads(heads: Sequence[Head]) -> None:
    """Write down that these links were asked for by HEAD. Raises django.db.Error."""
    run(
        _HEADED,
        messages=arrays.ids(head.message for head in heads),
        links=arrays.numbers(head.link for head in heads),
        moments=arrays.numbers(head.ms for head in heads),
        ips=arrays.texts(head.ip for head in heads),
    )


def forget_links(before: date) -> int:
    """Let go of the links of messages that are older than this day, in small sets; how many."""
    low, _ = partitions.id_range(before)
    gone = 0
    while count := run(_FORGET, before=low, most=AT_ONCE)[0][0]:
        gone += count
    return gone
