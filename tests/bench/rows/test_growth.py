import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from bench.rows.growth import _old_snapshot, _sweep_ms

HOLDERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction' AND backend_xmin IS NOT NULL
"""


@pytest.fixture
def database_url(transactional_db: None) -> str:
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    return make_conninfo(**{name: connection.settings_dict[key] for name, key in names.items()})


def holders() -> int:
    """How many sessions do nothing and still keep what others delete."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS)
        return int(cursor.fetchone()[0])


def test_an_old_snapshot_is_held_open_while_others_work_and_no_longer(database_url: str) -> None:
    before = holders()

    with _old_snapshot(database_url):
        assert holders() == before + 1

    assert holders() == before


def test_a_sweep_where_nothing_waits_takes_little_time(transactional_db: None) -> None:
    assert 0 < _sweep_ms(10) < 1000
