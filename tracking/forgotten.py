"""Messages of people who were forgotten: gone, and refused for good."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from tracking import arrays
from tracking.hits import KINDS
from tracking.models import Refusal
from tracking.statements import run

# Stands for all processes at once, in the counts of hits that were accepted.
NOBODY: Final = UUID(int=0)
_DAY: Final = (
    "(to_timestamp(('x' || encode(uuid_send(e.id), 'hex'))::bit(48)::bigint / 1000::float8) AT TIME ZONE 'UTC')::date"
)
# The ledger compares accepted hits with the events that they became: these became none that is kept.
_DELETE: Final = f"""
WITH gone AS (DELETE FROM tracking_event e WHERE e.id = ANY(%(ids)s::uuid[]) RETURNING e.id, e.type, e.data),
taken AS (
    SELECT {_DAY} AS day, count(*) AS number FROM gone e
    WHERE e.type = ANY(%(kinds)s::text[]) AND NOT e.data ? 'source' GROUP BY 1
), counted AS (
    INSERT INTO tracking_hitcount AS kept (process, day, accepted, lost)
    SELECT %(nobody)s, day, -number, 0 FROM taken ORDER BY day
    ON CONFLICT (process, day) DO UPDATE SET accepted = kept.accepted + excluded.accepted
)
SELECT count(*) FROM gone
"""


def are_forgotten(messages: Collection[UUID]) -> set[UUID]:
    """Those of these messages, none of which is there any more, whose recipients were forgotten."""
    refused = Refusal.objects.filter(pk__in=messages, refused=True)
    return set(refused.values_list("pk", flat=True)) if messages else set()


def delete_events(ids: Collection[UUID]) -> int:
    """Delete these events as if they had never been, for the ledger as well; how many. In the caller's transaction."""
    if not ids:
        return 0
    return int(run(_DELETE, ids=arrays.ids(ids), kinds=arrays.texts(KINDS), nobody=NOBODY)[0][0])
