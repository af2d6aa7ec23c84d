"""Which messages are refused: those that were sent to be tracked, to profiles that are not to be tracked now.

Each change bears the number of its transaction: whoever asks for what has changed since the oldest one that was under
way misses nothing, and nobody waits for anybody.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.timezone import now

from tracking.ids import first_id_at

_STORE = """
INSERT INTO tracking_refusal (message_id, refused, version)
SELECT id, refused, pg_current_xact_id()::text::bigint FROM ({wanted}) wanted
WHERE refused OR EXISTS (SELECT FROM tracking_refusal known WHERE known.message_id = wanted.id)
ON CONFLICT (message_id) DO UPDATE SET refused = excluded.refused, version = excluded.version
WHERE tracking_refusal.refused <> excluded.refused
"""
_TO = """
SELECT m.id, NOT p.tracked AS refused FROM tracking_message m JOIN profiles_profile p ON p.id = m.profile_id
WHERE m.tracked AND {condition}
"""
_NAMED = "SELECT id, true AS refused FROM unnest(%(ids)s::uuid[]) AS id"


def follow_profiles(profiles: Collection[int]) -> None:
    """Refuse the messages to these profiles, or no longer, as each of them now wants it."""
    _follow("p.id = ANY(%(ids)s)", ids=list(profiles))


def follow_database(database: int) -> None:
    """Refuse the messages to the profiles of a database, or no longer, as each of them now wants it."""
    _follow("p.database_id = %(database)s", database=database)


def follow_messages(messages: Collection[UUID]) -> None:
    """Refuse those of these messages whose profile has changed its mind while they were being registered."""
    _follow("m.id = ANY(%(ids)s) AND NOT p.tracked", ids=list(messages))


def follow_lately(period: timedelta) -> None:
    """Refuse what was registered within this period to profiles that are not to be tracked: what a crash left out."""
    _follow("m.id > %(since)s AND NOT p.tracked", since=first_id_at(now() - period))


def refuse(messages: Collection[UUID]) -> None:
    """Refuse these messages for good, whoever they were sent to. In the caller's transaction."""
    _store(_NAMED, ids=list(messages))


def _follow(condition: str, **parameters: Any) -> None:
    _store(_TO.format(condition=condition), **parameters)


def _store(wanted: str, **parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_STORE.format(wanted=wanted), parameters)
