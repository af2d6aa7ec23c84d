"""The run itself: what is lost or doubled on purpose, behind the product's back, is found."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SABOTAGE = """
import json
from dataclasses import replace
from importlib import import_module
from chaos.faults import BY_NAME
from chaos.faults.fault import Fault, nothing
from chaos.plan import QUICK, Length
from chaos.site import running
import psycopg

LOSE = ("WITH gone AS (DELETE FROM tracking_event"
        " WHERE id = (SELECT id FROM tracking_event ORDER BY 1 LIMIT 1) RETURNING id),"
        " fanned AS (DELETE FROM feedbackloops_delivery WHERE event_id IN (SELECT id FROM gone))"
        " DELETE FROM tracking_outbox WHERE event_id IN (SELECT id FROM gone)")
DOUBLE = ("UPDATE feedbackloops_delivery SET state = 'pending', next_attempt = now() WHERE id ="
          " (SELECT id FROM feedbackloops_delivery WHERE state = 'delivered' ORDER BY 1 DESC LIMIT 1)")

def doing(statement):
    def do(site):
        with psycopg.connect(site.database_url) as connection:
            connection.execute(statement)
    return do

faults = [Fault(name, doing(statement), nothing, frozenset(), Length.MOMENT)
          for name, statement in (("lose", LOSE), ("double", DOUBLE))]
timing = replace(QUICK, drain=15.0)
with running(timing) as site:
    run = import_module("chaos.run").Run(site, timing, 1, print)
    results = run.go([*faults, BY_NAME["flush-valkey"]], by_chance=False)
print(json.dumps({"lost": [str(loss.where) for each in results.accounts for loss in each.lost],
                  "duplicates": sum(each.duplicates for each in results.accounts),
                  "events": [each.events for each in results.accounts], "problems": results.problems}))
"""


@pytest.mark.timeout(300)
def test_what_is_lost_or_doubled_behind_the_products_back_is_found(tmp_path: Path) -> None:
    env = os.environ | {"MARKETINGSUITE_VAR": str(tmp_path)}
    command = [sys.executable, "-c", SABOTAGE]
    done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=290, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])

    assert found["lost"] == ["answered, but not in the database"]
    assert found["duplicates"] == 1
    assert any("1 duplicates have no crash, freeze or jump" in problem for problem in found["problems"])
    assert any("as fan-out counted them" in problem for problem in found["problems"])
    assert not any("flush-valkey: lost" in problem for problem in found["problems"])
    assert all(events > 10 for events in found["events"])
