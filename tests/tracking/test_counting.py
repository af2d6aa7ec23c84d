import logging
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import Error, connection

from marketingsuite.devstack import any_free_port
from tests.tracking.samples import make_hit
from tracking.accepted import accepted_on, forget_counts, spooled_on, store_counts
from tracking.counting import Counting, tell_for_the_dead
from tracking.models import HitCount
from tracking.spool import Spool
from tracking.tally import DayCount, Tally

pytestmark = pytest.mark.django_db

DAY = date(2026, 7, 29)
NUMBER = DAY.toordinal()


def stored() -> dict[UUID, tuple[date, int, int]]:
    return {row.process: (row.day, row.accepted, row.lost) for row in HitCount.objects.all()}


def abandoned(folder: Path, kept: int) -> UUID:
    """The tally that a process left which has been killed."""
    tally = Tally.in_folder(folder)
    for _ in range(kept):
        tally.keep(NUMBER)
    (path,) = folder.glob(f"{tally.id.hex}*")
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    return tally.id


def test_what_was_counted_is_told_and_told_again_when_it_grows(tmp_path: Path) -> None:
    counting = Counting(tmp_path)
    for kept in (1, 2):
        counting.tally.keep(NUMBER)
        counting.tell()
        assert stored() == {counting.tally.id: (DAY, kept, 0)}
    counting.tally.lose(NUMBER)
    counting.tell()
    assert stored() == {counting.tally.id: (DAY, 2, 1)}


def test_what_was_told_is_not_told_again(tmp_path: Path) -> None:
    counting = Counting(tmp_path)
    counting.tally.keep(NUMBER)
    counting.tell()
    HitCount.objects.all().delete()
    counting.tell()
    assert stored() == {}


def test_what_is_stored_never_goes_back() -> None:
    process = uuid4()
    store_counts(process, [DayCount(NUMBER, 5, 2)])
    store_counts(process, [DayCount(NUMBER, 4, 3), DayCount(NUMBER + 1, 1, 0)])
    assert accepted_on([DAY, DAY + timedelta(days=1)]) == {DAY: (5, 3), DAY + timedelta(days=1): (1, 0)}


def test_the_counts_of_all_processes_are_added_up_and_a_day_without_any_is_there() -> None:
    for _ in range(3):
        store_counts(uuid4(), [DayCount(NUMBER, 5, 1)])
    assert accepted_on([DAY, DAY - timedelta(days=1)]) == {DAY: (15, 3), DAY - timedelta(days=1): (0, 0)}
    assert accepted_on([]) == {}


def test_what_a_dead_process_counted_is_told_and_its_file_goes(tmp_path: Path) -> None:
    dead = abandoned(tmp_path, kept=7)
    counting = Counting(tmp_path)
    counting.tell()
    assert stored() == {dead: (DAY, 7, 0)}
    assert [path.stem for path in tmp_path.iterdir()] == [counting.tally.id.hex]


def test_the_tally_of_a_living_process_is_its_own(tmp_path: Path) -> None:
    living = Tally.in_folder(tmp_path)
    living.keep(NUMBER)
    assert tell_for_the_dead(tmp_path) == 0
    assert stored() == {}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_damaged_tally_is_set_aside_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / f"{uuid4().hex}.tally").write_bytes(b"half")
    dead = abandoned(tmp_path, kept=1)
    with caplog.at_level(logging.ERROR):
        assert tell_for_the_dead(tmp_path) == 1
    assert set(stored()) == {dead}
    assert [path.suffix for path in tmp_path.iterdir()] == [".unreadable"]
    assert "is no tally" in caplog.text


def test_where_the_disk_takes_no_file_the_counts_are_in_memory_until_it_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "spool"
    folder.touch()
    counting = Counting(folder)
    first = counting.tally
    first.lose(NUMBER)
    counting.tell()
    assert (first.is_on_disk, counting.tally is first, stored()) == (False, True, {first.id: (DAY, 0, 1)})
    folder.unlink()
    counting.tell()
    assert counting.tally.is_on_disk
    first.keep(NUMBER)
    counting.tally.keep(NUMBER)
    counting.tell()
    assert stored() == {first.id: (DAY, 1, 1), counting.tally.id: (DAY, 1, 0)}
    assert caplog.text.count("counted in memory") == 1


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_nothing_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(tmp_path)
    dead = abandoned(tmp_path, kept=7)
    counting.tally.keep(NUMBER)
    connection.close()
    with monkeypatch.context() as elsewhere:
        elsewhere.setitem(connection.settings_dict, "PORT", str(any_free_port()))
        for _ in range(2):
            with pytest.raises(Error):
                counting.tell()
    counting.tell()
    assert stored() == {counting.tally.id: (DAY, 1, 0), dead: (DAY, 7, 0)}


def test_what_is_spooled_is_counted_by_the_day_of_the_hit(tmp_path: Path) -> None:
    hits = [make_hit() for _ in range(5)]
    Spool(tmp_path).append_all(hits[:2])
    (tmp_path / "dead.hits").write_bytes(hits[2].to_line() + b"half a line")
    (tmp_path / "dead.refused").write_bytes(hits[3].to_line())
    (tmp_path / "dead.unreadable").write_bytes(hits[4].to_line())
    assert spooled_on(tmp_path) == Counter(hit.occurred_at.date() for hit in hits[:4])
    assert spooled_on(tmp_path / "none") == {}


def test_counts_of_days_that_are_no_longer_kept_go() -> None:
    store_counts(uuid4(), [DayCount(NUMBER - 1, 1, 0), DayCount(NUMBER, 2, 0)])
    forget_counts(DAY)
    assert list(HitCount.objects.values_list("day", flat=True)) == [DAY]
