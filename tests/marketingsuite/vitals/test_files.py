import os
import subprocess
import sys
from pathlib import Path

from marketingsuite.vitals import files


def test_a_process_that_has_just_moved_was_seen_just_now(tmp_path: Path) -> None:
    place = files.folder(tmp_path)
    files.touch(place, "worker")
    files.touch(place, "worker")
    (sign,) = files.signs(place)
    assert sign.name == "worker"
    assert 0 <= sign.age < 1


def test_a_clock_that_is_set_makes_nobody_older(tmp_path: Path) -> None:
    files.touch(tmp_path, "worker")
    # Were it the time of day, this would be decades.
    assert (tmp_path / "worker.alive").stat().st_mtime < 10 * 365 * 86_400


def test_a_sign_from_before_the_machine_started_counts_as_none(tmp_path: Path) -> None:
    files.touch(tmp_path, "worker")
    os.utime(tmp_path / "worker.alive", (2**33, 2**33))
    assert files.signs(tmp_path)[0].age == float("inf")


def test_a_folder_that_is_not_there_has_no_signs(tmp_path: Path) -> None:
    assert files.signs(tmp_path / "none") == []
    assert list(files.counts(tmp_path / "none")) == []


def test_the_processes_of_a_kind_are_found_by_it_and_no_others(tmp_path: Path) -> None:
    for name in ("web-1", "web-22", "webs-3", "worker", "worker2"):
        files.touch(tmp_path, name)
    found = files.signs(tmp_path)
    assert [sign.name for sign in files.of_kind(found, "web")] == ["web-1", "web-22"]
    assert [sign.name for sign in files.of_kind(found, "worker")] == ["worker"]


def test_who_was_killed_is_forgotten_and_who_lives_is_not(tmp_path: Path) -> None:
    alive, dead = "web-4194305", f"web-{os.getpid()}"
    files.touch(tmp_path, alive)
    # Its id is another's by now.
    code = (
        "import os; from marketingsuite.vitals import files;"
        f"files.touch(files.Path({str(tmp_path)!r}), {dead!r}); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    for name in (alive, dead):
        files.write_counts(tmp_path, name, {"hits": {"open": 1}})
    assert len(files.signs(tmp_path)) == 2
    files.forget_dead(tmp_path, "web")
    assert [sign.name for sign in files.signs(tmp_path)] == [alive]
    assert [name for name, _ in files.counts(tmp_path)] == [alive]


def test_counts_are_read_as_they_were_written_and_half_a_file_is_passed_over(tmp_path: Path) -> None:
    files.write_counts(tmp_path, "worker", {"attempts": {"accepted": 3}})
    (tmp_path / "odd.counts").write_text('{"att')
    assert list(files.counts(tmp_path)) == [("worker", {"attempts": {"accepted": 3}})]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["odd.counts", "worker.counts"]
