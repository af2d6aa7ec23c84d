"""What follows from the fields of profiles and is kept beside them, made anew as the rules of their database change.

It is no change of theirs, so nothing is told.
"""

from typing import Any, Final

from django.db import connection

from profiles.addresses import ADDRESS, LONGEST_ADDRESS
from profiles.consent import NO, OPT_IN, OPT_OUT, YES

_READDRESS: Final = f"""
WITH found AS (
    SELECT id, lower(btrim(coalesce(fields ->> %(field)s, ''))) AS address
    FROM profiles_profile WHERE database_id = %(database)s
)
UPDATE profiles_profile p SET address = f.address
FROM (SELECT id, CASE WHEN address ~ %(address)s AND length(address) <= {LONGEST_ADDRESS} THEN address ELSE '' END
    AS address FROM found) f
WHERE p.id = f.id AND p.address <> f.address
"""
# `consents`, in SQL.
_RECONSENT: Final = f"""
WITH asked AS (
    SELECT id, CASE %(rule)s
        WHEN '{OPT_OUT}' THEN NOT lower(btrim(coalesce(fields ->> %(field)s, ''), E' \\t\\n\\r')) = ANY(%(no)s)
        WHEN '{OPT_IN}' THEN lower(btrim(coalesce(fields ->> %(field)s, ''), E' \\t\\n\\r')) = ANY(%(yes)s)
        ELSE true END AS tracked
    FROM profiles_profile WHERE database_id = %(database)s
)
UPDATE profiles_profile p SET tracked = a.tracked FROM asked a WHERE p.id = a.id AND p.tracked <> a.tracked
"""


def follow_address(database: int, field: str) -> None:
    """Have the profiles' addresses be those in this field."""
    with connection.cursor() as cursor:
        cursor.execute(_READDRESS, {"field": field, "database": database, "address": ADDRESS})


def follow_consent(database: int, rule: str, field: str) -> None:
    """Have the profiles be tracked or not, by this rule and what their field of this name says."""
    asked: dict[str, Any] = {"database": database, "rule": rule, "field": field, "yes": [*YES], "no": [*NO]}
    with connection.cursor() as cursor:
        cursor.execute(_RECONSENT, asked)
