"""The proof: every column of every table that could name the person is searched, and so is this host's spool."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.db import connection

from feedbackloops.forgetting.needles import patterns as patterns_of
from feedbackloops.forgetting.owning import addresses_alone, entries_of_others, is_own_line
from feedbackloops.forgetting.screening import naming, numbered, screening
from feedbackloops.forgetting.slices import Slice, cut
from feedbackloops.models import Forgetting
from tracking.spoolclearing import is_in_spool
from tracking.spoolfiles import spool_files

# The order itself, until it is done. Refusals and blocks keep bare ids of messages, by which late hits are known: they
# lead to nobody any more.
_OWN: Final = "feedbackloops_forgetting"
_BARE: Final = frozenset({"tracking_refusal", "tracking_block"})
_TEXTS: Final = frozenset({"text", "character varying", "json", "jsonb", "ARRAY"})
_COLUMNS: Final = """
SELECT c.oid::regclass::text, coalesce(parent.relname, c.relname), pg_table_size(c.oid), a.attname,
    format_type(a.atttypid, NULL)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class parent ON parent.oid = i.inhparent
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
ORDER BY 1, a.attnum
"""
# Another account may know the same person, which is none of this one's business.
_OF_LOOPS: Final = "t.loop_id IN (SELECT id FROM feedbackloops_feedbackloop WHERE account_id = %(account)s)"
_OF_TOKENS: Final = "t.token_id IN (SELECT id FROM api_apitoken WHERE account_id = %(account)s)"
_OF_EVENTS: Final = (
    "NOT EXISTS (SELECT FROM tracking_event e WHERE e.id = {key} AND e.account_id <> %(account)s AND {within})"
)
_WHOSE: Final = {
    "feedbackloops_snapshot": _OF_EVENTS.replace("{key}", "t.id"),
    "feedbackloops_parkedevent": _OF_EVENTS.replace("{key}", "t.event_id"),
    "django_admin_log": "NOT t.id = ANY(%(others)s::int[])",
}
_UNREAD: Final = "tracking_unreadmail"


class Table(NamedTuple):
    """A table, or a slice of a partition of `name`, with its columns and their types."""

    relation: str
    name: str
    columns: dict[str, str]
    piece: Slice | None = None


def search(order: Forgetting, patterns: Sequence[str], spool: Path) -> dict[str, int]:
    """How many rows still name the person, by `table.column`, and which files of the spool; nothing where none does.

    Reads every table from end to end, large ones in slices. Raises OSError where the spool can't be read.
    """
    left: dict[str, int] = defaultdict(int)
    # Of the house's mails, those that name an address which others know may be theirs.
    of_mails = list(patterns_of(addresses_alone(order), order.messages))
    others = entries_of_others(order, patterns)
    for table in _tables():
        order.touch()
        wanted = of_mails if table.name == _UNREAD else patterns
        for column, number in _found(table, order, wanted, others).items():
            left[f"{table.name}.{column}"] += number
    for file in spool_files(spool):
        if is_in_spool(file.path, lambda line: is_own_line(line, order, patterns, or_nobodys=True)):
            left[f"spool/{file.path.name}"] += 1
    return dict(left)


def _tables() -> Iterator[Table]:
    found: dict[tuple[str, str, int], dict[str, str]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        for relation, name, size, column, kind in cursor.fetchall():
            found[relation, name, size][column] = kind
    for (relation, name, size), columns in found.items():
        pieces = cut(relation, size) if relation != name else [None]
        yield from (Table(relation, name, columns, piece) for piece in pieces if name != _OWN)


def _found(table: Table, order: Forgetting, patterns: Sequence[str], others: Sequence[int]) -> dict[str, int]:
    given: dict[str, Any] = {"account": order.account_id, "profiles": order.profiles, "messages": order.messages}
    given |= {"others": others, **screening(order), **(named := numbered(patterns))}
    tests = {column: test for column, kind in table.columns.items() if (test := _test(table, column, kind, [*named]))}
    if not tests:
        return {}
    counts = ", ".join(f"count(*) FILTER (WHERE {test})" for test in tests.values())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts} FROM {table.relation} t WHERE {_where(table)}", given)
        return {column: number for column, number in zip(tests, cursor.fetchone(), strict=True) if number}


def _test(table: Table, column: str, kind: str, named: Sequence[str]) -> str:
    """The condition under which a value of this column names the person; "" where it can't. `named`: the patterns."""
    value = f't."{column}"'
    if kind == "uuid":
        return f"{value} = ANY(%(messages)s::uuid[])" if table.name not in _BARE else ""
    if kind == "bigint" and column == "profile_id":
        return f"{value} = ANY(%(profiles)s::bigint[])"
    if kind == "bytea":
        text = f"encode({value}, 'escape')"
    elif kind in _TEXTS or kind.endswith("[]"):
        text = f"{value}::text"
    else:
        return ""
    if table.name in _BARE:
        return ""
    tests = [naming(text, patterns=named)]
    if kind == "jsonb":
        tests.append(f"{value} -> 'profile' IN (SELECT to_jsonb(unnest(%(profiles)s::bigint[])))")
    if table.name == "django_admin_log" and column == "object_id":
        tests.append(_LOGGED.format(value=value))
    return " OR ".join(tests)


_LOGGED: Final = (
    "{value} = ANY(%(profiles)s::bigint[]::text[]) AND content_type_id ="
    " (SELECT id FROM django_content_type WHERE app_label = 'profiles' AND model = 'profile')"
)


def _where(table: Table) -> str:
    within = table.piece.covers("t.id") if table.piece else "true"
    return f"{within} AND {_whose(table)}"


def _whose(table: Table) -> str:
    if table.name in _WHOSE:
        # An event and its snapshot share their id: else all events would be gone through for each slice.
        return _WHOSE[table.name].replace("{within}", table.piece.covers("e.id") if table.piece else "true")
    if "account_id" in table.columns:
        return "t.account_id IS NOT DISTINCT FROM %(account)s"
    if "loop_id" in table.columns:
        return _OF_LOOPS
    if "token_id" in table.columns:
        return _OF_TOKENS
    return "true"
