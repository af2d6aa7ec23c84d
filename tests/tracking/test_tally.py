import signal
import stat
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from tracking.tally import PAGE_SIZE, DayCount, Tally, read_tally

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 7, 29).toordinal()
# Counts for ever, and says now and then how far it is.
COUNT = """
import sys
from pathlib import Path
from tracking.tally import Tally

tally, number = Tally.in_folder(Path(sys.argv[1])), 0
while True:
    tally.keep(700_000)
    number += 1
    if number % 1000 == 0:
        print(number, flush=True)
"""


def left_in(folder: Path) -> list[DayCount]:
    (path,) = folder.iterdir()
    return read_tally(path.read_bytes())


@pytest.mark.parametrize("on_disk", [True, False])
def test_each_hit_is_counted_on_its_day(tmp_path: Path, on_disk: bool) -> None:
    tally = Tally.in_folder(tmp_path) if on_disk else Tally.in_memory()
    assert (tally.is_on_disk, tally.counts()) == (on_disk, [])
    for day in (TODAY, TODAY, TODAY + 1, TODAY):
        tally.keep(day)
    tally.lose(TODAY + 1)
    assert set(tally.counts()) == {DayCount(TODAY, 3, 0), DayCount(TODAY + 1, 1, 1)}


def test_the_counts_are_in_the_file_that_bears_the_tallys_id(tmp_path: Path) -> None:
    tally = Tally.in_folder(tmp_path / "spool")
    tally.keep(TODAY)
    path = tmp_path / "spool" / f"{tally.id.hex}.tally"
    assert read_tally(path.read_bytes()) == tally.counts() == [DayCount(TODAY, 1, 0)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_process_that_lives_for_years_has_the_last_days_in_its_page(tmp_path: Path) -> None:
    tally = Tally.in_folder(tmp_path)
    for number in range(1000):
        tally.keep(TODAY + number)
    assert {count.day for count in tally.counts()} == set(range(TODAY + 830, TODAY + 1000))
    assert {(count.kept, count.lost) for count in tally.counts()} == {(1, 0)}
    assert len(left_in(tmp_path)) == 170


def test_a_kill_forgets_no_count(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as counting:
        assert counting.stdout
        said = [int(counting.stdout.readline()) for _ in range(50)]
        counting.send_signal(signal.SIGKILL)
        said += [int(line) for line in counting.stdout.read().split()]
    ((day, kept, lost),) = left_in(tmp_path)
    assert (day, lost) == (700_000, 0)
    assert said[-1] <= kept


def test_a_folder_that_takes_no_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        Tally.in_folder(tmp_path / "file" / "spool")


@pytest.mark.parametrize("content", [b"", b"tally 1\n", b"\0" * PAGE_SIZE, b"tally 2\n".ljust(PAGE_SIZE, b"\0")])
def test_what_is_no_tally_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError, match="is no tally"):
        read_tally(content)


def test_every_day_of_the_calendar_has_a_place() -> None:
    tally = Tally.in_memory()
    for day in (date.min, date.max - timedelta(days=1), date.max):
        tally.keep(day.toordinal())
        assert DayCount(day.toordinal(), 1, 0) in tally.counts()
