"""An upgrade under load: what migrations may do to tables that are large and in use."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from django.apps import apps
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import models
from django.db.migrations import AddConstraint, AddField, AddIndex, AlterField, Migration, RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.models.functions import Now

from profiles.indexing import AddIndexInUse
from tracking.positions import Position

# They grow with what goes through the house, not with what staff set up.
LARGE: Final = frozenset(
    {
        *(("tracking", name) for name in ("event", "message", "linkseen", "refusal")),
        *(("feedbackloops", name) for name in ("snapshot", "delivery", "attempt")),
        *(("profiles", name) for name in ("profile", "subprofile")),
        ("api", "keptanswer"),
    }
)
# Nothing was released before these: they meet tables that are empty.
FIRST: Final = {"access": 3, "api": 2, "esp": 2, "feedbackloops": 14, "profiles": 8, "staff": 2, "tracking": 10}


def later_migrations() -> Iterator[tuple[str, Migration]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    for (app, name), migration in loader.disk_migrations.items():
        if app in FIRST and int(name[:4]) > FIRST[app]:
            yield f"{app}.{name}", migration


def faults(migration: Migration) -> list[str]:
    """What in it would have those who use a large table wait."""
    found = [(operation, fault(migration.app_label, operation)) for operation in migration.operations]
    return [f"{operation.describe()}: {words}" for operation, words in found if words]


def fault(app: str, operation: Operation) -> str:
    """Why this would be waited for; nothing where it isn't, as far as can be seen."""
    if isinstance(operation, RunSQL):
        return _fault_of_sql(str(operation.sql))
    if (app, getattr(operation, "model_name", "").lower()) not in LARGE:
        return ""
    match operation:
        case AddIndexInUse() | AddConstraintNotValid():
            return ""
        case AddIndex():
            return "use profiles.indexing.AddIndexInUse"
        case AddConstraint():
            return "use AddConstraintNotValid, and ValidateConstraint in a migration of its own"
        case AddField(field=field):
            return _fault_of_field(field)
        case AlterField(field=field) if _is_indexed(field):
            return "an index comes with it: add it by AddIndexInUse"
    return ""


def _is_indexed(field: models.Field) -> bool:  # type: ignore[type-arg]
    return field.unique or bool(getattr(field, "db_index", False))


def _fault_of_field(field: models.Field) -> str:  # type: ignore[type-arg]
    if _is_indexed(field):
        return "an index comes with it: add it by AddIndexInUse"
    if not field.null and not field.has_db_default():
        return "the processes of the release before leave it out: give it a db_default"
    if field.has_db_default() and not isinstance(field.db_default, str | int | bool | float | models.Value | Now):
        return "the table is written anew if this default is not the same for all rows"
    return ""


def _fault_of_sql(sql: str) -> str:
    made = re.search(r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)[^;]* ON (ONLY )?(\w+)", sql, re.IGNORECASE)
    if made and not made[2] and tuple(made[3].split("_", 1)) in LARGE:
        return "make the index CONCURRENTLY"
    return ""


def test_no_migration_has_those_wait_who_use_large_tables() -> None:
    assert {name: found for name, migration in later_migrations() if (found := faults(migration))} == {}


INDEX = models.Index(fields=["type"], name="some")
CHECK = models.CheckConstraint(condition=models.Q(type="open"), name="some")


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (AddIndex("event", INDEX), "AddIndexInUse"),
        (AddIndexInUse("event", INDEX), ""),
        (AddIndex("block", INDEX), ""),
        (AddConstraint("event", CHECK), "AddConstraintNotValid"),
        (AddConstraintNotValid("event", CHECK), ""),
        (AddField("event", "some", models.TextField(db_default="")), ""),
        (AddField("event", "some", models.TextField(null=True)), ""),
        (AddField("event", "some", models.TextField(default="")), "db_default"),
        (AddField("event", "some", models.TextField(null=True, db_index=True)), "index"),
        (AddField("event", "some", models.BigIntegerField(db_default=Position())), "written anew"),
        (AlterField("event", "some", models.SlugField()), "index"),
        (RunSQL("CREATE INDEX some ON tracking_event (type)"), "CONCURRENTLY"),
        (RunSQL("CREATE INDEX CONCURRENTLY some ON tracking_event_default (type)"), ""),
        (RunSQL("CREATE INDEX some ON tracking_block (type)"), ""),
    ],
    ids=lambda value: value.describe() if isinstance(value, Operation) else value or "nothing",
)
def test_what_would_be_waited_for_is_noticed(operation: Operation, words: str) -> None:
    found = fault("tracking", operation)
    assert words in found if words else not found


def test_each_large_table_is_one() -> None:
    assert {(app, model) for app, model in LARGE if apps.get_model(app, model)} == LARGE
