"""The backup that docs/backup.md describes: what is restored from a dump is what was dumped, and works on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection
from django.utils.timezone import now
from psycopg import sql

from feedbackloops.fanout import fan_out
from feedbackloops.models import Attempt, Delivery, FeedbackLoop
from marketingsuite.devstack import Stack
from marketingsuite.devstack.beside import database_beside
from marketingsuite.devstack.postgres import binary
from tests.factories import make_database, make_events, make_message, make_profile, make_verified_loop, owe
from tracking.ids import new_id

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db(transaction=True)

TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
# What a table is held to, and which part of history it is. (Of a check, PostgreSQL writes the words anew.)
DEFINED = """
SELECT conrelid::regclass::text, conname, CASE WHEN contype <> 'c' THEN pg_get_constraintdef(oid) END
    FROM pg_constraint WHERE conrelid <> 0
UNION ALL SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index WHERE indrelid::regclass::text NOT LIKE 'pg_%'
UNION ALL SELECT oid::regclass::text, 'partition', pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition
UNION ALL SELECT oid::regclass::text, 'storage', reloptions::text FROM pg_class
    WHERE reloptions IS NOT NULL AND relnamespace = 'public'::regnamespace
ORDER BY 1, 2, 3
"""


@pytest.fixture
def dumped(stack: Stack, tmp_path: Path) -> Path:
    """A dump of a database in which something of everything is: history, what is owed, what waits."""
    profile = make_profile(make_database(), city="Málaga")
    message = make_message(profile, tags=["spring"])
    make_verified_loop(message.account)
    owe(message, 10)
    make_events(message, 3)
    file = tmp_path / "suite.dump"
    use("pg_dump", "--format=custom", f"--file={file}", f"--dbname={here(stack)}")
    return file


@pytest.fixture
def restored(stack: Stack, dumped: Path) -> Iterator[str]:
    """The URL of an empty database, filled from the dump."""
    with database_beside(here(stack), "restored") as url:
        use("pg_restore", "--exit-on-error", "--no-owner", "--jobs=2", f"--dbname={url}", str(dumped))
        yield url


def here(stack: Stack) -> str:
    name = quote(str(connection.settings_dict["NAME"]))
    return urlunsplit(urlsplit(stack.database_url)._replace(path=f"/{name}"))


def use(program: str, *arguments: str) -> None:
    done = subprocess.run([binary(program), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def contents(url: str) -> dict[str, list[tuple[str, ...]]]:
    with psycopg.connect(url) as line:
        # This process goes on telling how many hits it has accepted.
        tables = [name for (name,) in line.execute(TABLES) if name != "tracking_hitcount"]
        rows = sql.SQL("SELECT t::text FROM {} t ORDER BY 1")
        return {name: line.execute(rows.format(sql.Identifier(name))).fetchall() for name in tables}


def definitions(url: str) -> list[tuple[str, ...]]:
    with psycopg.connect(url) as line:
        return line.execute(DEFINED).fetchall()


def test_a_restored_database_holds_every_row_and_every_rule(stack: Stack, restored: str) -> None:
    before = contents(here(stack))
    assert sum(map(len, before.values())) > 30
    assert contents(restored) == before
    assert definitions(restored) == definitions(here(stack))


def test_a_restored_database_has_all_its_migrations_and_goes_on(restored: str) -> None:
    code = "from feedbackloops import fanout; print(len(fanout.fan_out(fanout.waiting(9, 0))))"
    for arguments in (["migrate", "--check"], ["shell", "-v0", "-c", code]):
        command = [sys.executable, "manage.py", *arguments]
        env = os.environ | {"DATABASE_URL": restored}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "1"
    with psycopg.connect(restored) as line:
        assert line.execute("SELECT count(*) FROM feedbackloops_delivery").fetchone() == (13,)


def test_attempts_may_stay_out_of_a_dump(stack: Stack, dumped: Path, tmp_path: Path) -> None:
    Attempt.objects.create(id=new_id(), loop_id=1, account_id=1, number=1, started=now(), outcome="accepted")
    file, left_out = tmp_path / "small.dump", "--exclude-table-data=feedbackloops_attempt*"
    use("pg_dump", "--format=custom", left_out, f"--file={file}", f"--dbname={here(stack)}")
    with database_beside(here(stack), "restored") as url:
        use("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={url}", str(file))
        before, after = contents(here(stack)), contents(url)
    assert {name for name in before if before[name] != after[name]} == {
        name for name in before if name.startswith("feedbackloops_attempt_") and before[name]
    }


def test_events_that_are_fanned_out_once_more_after_a_restore_keep_their_deliveries_ids(stack: Stack) -> None:
    """What was sent after the moment of the backup is sent again under the same ids, so that it can be told."""
    message = make_message()
    loop: FeedbackLoop = make_verified_loop(message.account)
    (event,) = make_events(message)
    fan_out([event])
    (first,) = Delivery.objects.filter(loop=loop).values_list("pk", flat=True)
    Delivery.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO tracking_outbox (event_id) VALUES (%s)", [event])
    fan_out([event, new_id()])
    assert Delivery.objects.get(loop=loop).pk == first
