import json
from dataclasses import replace
from pathlib import Path

import pytest

from chaos import report
from chaos.ledgers import Hit, Loss, Missing
from chaos.verdicts import Account, Window

LOSS = Loss(Hit(0, 1, 5.0, 5.01), None, Missing.EVENT)
ONE = Account(Window(("kill-web",), 0.0, 1.0, back=0.5), events=1200, unanswered=3, delay=2.5, slowest=0.0123)
PAIR = Account(Window(("kill-web", "freeze-valkey"), 2.0, 3.0), events=300, duplicates=2)
FULL = Account(replace(ONE.window, names=("disk-full",)), events=9, excused=[LOSS], lost=[LOSS])
LEFT_OUT = {"clock-jumps": "libfaketime is not installed"}


def test_a_fault_counts_all_its_strikes_and_the_last_row_each_strike_once() -> None:
    rows = {row["fault"]: row for row in report.rows([ONE, PAIR, FULL], LEFT_OUT)}

    assert list(rows) == ["kill-web", "freeze-valkey", "disk-full", "clock-jumps", "all"]
    assert (rows["kill-web"]["times"], rows["kill-web"]["events"], rows["kill-web"]["duplicates"]) == (2, 1500, 2)
    assert (rows["freeze-valkey"]["events"], rows["freeze-valkey"]["caught_up"]) == (300, None)
    assert (rows["all"]["events"], rows["all"]["lost"], rows["all"]["excused"]) == (1509, 1, 1)
    assert [rows[name]["verdict"] for name in ("kill-web", "disk-full", "all")] == ["kept", "broken", "broken"]


def test_the_table_is_markdown_and_tells_what_was_left_out() -> None:
    lines = report.table(report.rows([ONE, PAIR, FULL], LEFT_OUT)).splitlines()

    assert len({len(line) for line in lines}) == 1
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[2] == ["kill-web", "2", "1,500", "3", "0", "2", "2.5 s", "12 ms", "0.5 s", "kept"]
    assert cells[4][4] == "1 (and 1 told)"
    assert cells[5][-1] == "left out: libfaketime is not installed"


@pytest.mark.parametrize(
    ("struck", "problems", "words"),
    [
        (33, 0, "every promise was kept under 33 of 33 faults"),
        (20, 0, "every promise was kept under 20 of 33 faults; 13 were left out, see above"),
        (33, 2, "something is broken, see above (33 of 33 faults struck)"),
        (0, 0, "NOTHING WAS PUT TO THE TEST: none of 33 faults struck, see above"),
    ],
)
def test_the_last_line_counts_the_faults_that_struck_and_those_that_were_left_out(
    struck: int, problems: int, words: str
) -> None:
    assert report.closing(struck, 33, problems) == words


def test_a_run_in_which_few_faults_struck_says_aloud_that_it_proves_little() -> None:
    words = report.closing(13, 33, 0)

    assert words.startswith("every promise was kept under 13 of 33 faults; 20 were left out, see above")
    assert "THIS PROVES LITTLE" in words


def test_the_results_are_written_with_what_the_run_was_like(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    report.write(report.rows([FULL], {}), ["disk-full: lost"], {"seed": 7}, file)

    written = json.loads(file.read_text())
    assert (written["seed"], written["problems"]) == (7, ["disk-full: lost"])
    assert [row["fault"] for row in written["faults"]] == ["disk-full", "all"]
    assert written["date"].endswith("+00:00")
