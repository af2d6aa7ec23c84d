"""Indexes on tables that are large and in use, partitioned or not: nobody who writes waits for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.contrib.postgres.operations import NotInTransactionMixin
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex, RunSQL
from django.db.migrations.operations.base import Operation

_WITHOUT: Final = """
SELECT inhrelid::regclass::text FROM pg_inherits part WHERE inhparent = %s::regclass AND NOT EXISTS (
    SELECT 1 FROM pg_index i JOIN pg_inherits attached ON attached.inhrelid = i.indexrelid
    WHERE i.indrelid = part.inhrelid AND attached.inhparent = %s::regclass
) ORDER BY 1
"""
_IS_PARTITIONED: Final = "SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass"
_IS_VALID: Final = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


class AddIndexInUse(NotInTransactionMixin, AddIndex):
    """AddIndex, made CONCURRENTLY; in a partitioned table, which has no such way, on one partition after another.

    The migration needs `atomic = False`. One that failed or was broken off can be run again, and goes on.
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _Making(schema_editor, model, self.index).make()

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            _Making(schema_editor, model, self.index).drop()


class DropIndexInUse(NotInTransactionMixin, RunSQL):
    """Drops CONCURRENTLY the index that a field had by itself; `field` is the operation that says so of the model.

    AlterField alone would have the field's foreign keys checked anew. The migration needs `atomic = False`; one that
    was broken off can be run again. No partitioned table has a way to do this.
    """

    def __init__(self, name: str, table: str, column: str, field: Operation) -> None:
        made = f"CREATE INDEX CONCURRENTLY {name} ON {table} ({column})"
        super().__init__(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", made, state_operations=[field])

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        with _unhurried(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        with _unhurried(schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class _Making:
    def __init__(self, editor: BaseDatabaseSchemaEditor, model: type[models.Model], index: models.Index) -> None:
        self._editor, self._model, self._index = editor, model, index
        self._table = model._meta.db_table

    def make(self) -> None:
        if not self._ask(_IS_PARTITIONED, self._table):
            self._make_on(self._table, self._index.name)
            return
        # Partitions that are made from now on have it from the start.
        if self._ask(_IS_VALID, self._index.name) is None:
            self._editor.execute(self._statement(f"ONLY {self._table}", self._index.name))
        for partition in self._partitions_without():
            name = f"{self._index.name}_{partition.removeprefix(f'{self._table}_')}"
            self._make_on(partition, name)
            self._editor.execute(f"ALTER INDEX {self._index.name} ATTACH PARTITION {name}")

    def drop(self) -> None:
        # Those of the partitions go with it, at once: there is no CONCURRENTLY for them.
        way = "" if self._ask(_IS_PARTITIONED, self._table) else "CONCURRENTLY"
        self._editor.execute(f"DROP INDEX {way} IF EXISTS {self._index.name}")

    def _make_on(self, table: str, name: str) -> None:
        valid = self._ask(_IS_VALID, name)
        if valid:
            return
        with _unhurried(self._editor):
            # One that was broken off is of no use, and in the way.
            if valid is False:
                self._editor.execute(f"DROP INDEX CONCURRENTLY {name}")
            self._editor.execute(self._statement(table, name, concurrently=True))

    def _statement(self, table: str, name: str, **how: Any) -> str:
        statement: Any = self._index.create_sql(self._model, self._editor, **how)
        statement.parts |= {"table": table, "name": name}
        return str(statement)

    def _partitions_without(self) -> list[str]:
        with self._editor.connection.cursor() as cursor:
            cursor.execute(_WITHOUT, [self._table, self._index.name])
            return [name for (name,) in cursor.fetchall()]

    def _ask(self, query: str, name: str) -> Any:
        return _ask(self._editor, query, name)


def _ask(editor: BaseDatabaseSchemaEditor, query: str, name: str) -> Any:
    with editor.connection.cursor() as cursor:
        cursor.execute(query, [name])
        found = cursor.fetchone()
    return found[0] if found else None


@contextmanager
def _unhurried(editor: BaseDatabaseSchemaEditor) -> Iterator[None]:
    """CONCURRENTLY waits for transactions that were there before, holding up nobody, so it may wait for long."""
    patience = _ask(editor, "SELECT current_setting(%s)", "lock_timeout")
    editor.execute("SET lock_timeout = 0")
    try:
        yield
    finally:
        editor.execute(f"SET lock_timeout = '{patience}'")
