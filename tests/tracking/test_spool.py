import fcntl
import os
import stat
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from tests.tracking.samples import make_hit, wait_until
from tests.tracking.spooled import names, stored_by
from tracking.hits import Hit
from tracking.spool import AT_ONCE, Spool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "spool"


def file_of(folder: Path, *lines: bytes) -> Path:
    """A file that a dead process left."""
    folder.mkdir(parents=True)
    path = folder / "dead.hits"
    path.write_bytes(b"".join(lines))
    return path


def test_what_was_appended_is_replayed_as_it_was(folder: Path) -> None:
    hits = [make_hit(useragent='é 📬 \\ "\n'), make_hit(type="click", original="https://example.com/", link=3)]
    spool = Spool(folder)
    for hit in hits:
        spool.append_all([hit])
    assert stored_by(spool) == hits
    assert names(folder) == []
    assert stored_by(spool) == []


def test_nothing_to_replay_is_no_trouble(folder: Path) -> None:
    assert stored_by(Spool(folder)) == []


def test_hits_after_a_replay_are_replayed_as_well(folder: Path) -> None:
    spool = Spool(folder)
    for hit in (make_hit(), make_hit()):
        spool.append_all([hit])
        assert stored_by(spool) == [hit]


def test_nobody_else_may_read_the_spool(folder: Path) -> None:
    previous = os.umask(0)
    try:
        spool = Spool(folder)
        spool.append_all([make_hit(account=1)])
        spool.append_all([make_hit(account=2)])
        (path,) = folder.iterdir()
        assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(path.stat().st_mode)) == (0o700, 0o600)
        with path.open("ab") as file:
            file.write(b"half a li")
        spool.replay(lambda hits: hits[:1])
        assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}
        assert names(folder) == [".refused", ".unreadable"]
    finally:
        os.umask(previous)


def test_a_line_is_on_the_disk_before_append_all_returns(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def watched(file: int) -> None:
        fsync(file)
        synced.append(os.fstat(file).st_size if stat.S_ISREG(os.fstat(file).st_mode) else -1)

    monkeypatch.setattr(os, "fsync", watched)
    spool = Spool(folder)
    written = 0
    for _ in range(3):
        hit = make_hit()
        spool.append_all([hit])
        written += len(hit.to_line())
        assert synced[-1] == written
    assert -1 in synced, "the folder, which has the file's name"


def test_a_file_that_is_not_locked_yet_is_nobody_elses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock, late = fcntl.flock, iter([True])

    def flock_late(file: int, operation: int) -> None:
        if next(late, False):
            assert stored_by(Spool(folder)) == []
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock_late)
    spool, hit = Spool(folder), make_hit()
    spool.append_all([hit])
    assert stored_by(spool) == [hit]


def test_half_a_line_is_set_aside_and_the_others_are_stored(folder: Path) -> None:
    hits, half = [make_hit(), make_hit()], make_hit().to_line()[:-20]
    path = file_of(folder, *(hit.to_line() for hit in hits), half)
    assert stored_by(Spool(folder)) == hits
    assert path.with_suffix(".unreadable").read_bytes() == half
    assert names(folder) == [".unreadable"]


@pytest.mark.parametrize("damage", [b"\n", b"\0" * 4096 + b"\n", b'{"id":1}\n', b"\xff\xfe\n"])
def test_a_damaged_line_in_the_middle_is_set_aside(
    damage: bytes, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hits = [make_hit(), make_hit()]
    path = file_of(folder, hits[0].to_line(), damage, hits[1].to_line())
    assert stored_by(Spool(folder)) == hits
    assert path.with_suffix(".unreadable").read_bytes() == damage
    assert str(path.with_suffix(".unreadable")) in caplog.text


def test_refused_hits_are_kept_apart(folder: Path) -> None:
    hits = [make_hit() for _ in range(5)]
    path = file_of(folder, *(hit.to_line() for hit in hits))
    assert Spool(folder).replay(lambda batch: [batch[1], batch[3]]) == 3
    kept = path.with_suffix(".refused").read_bytes().splitlines(keepends=True)
    assert [Hit.from_line(line) for line in kept] == [hits[1], hits[3]]
    assert names(folder) == [".refused"]


def test_what_can_not_be_stored_yet_stays_whole(folder: Path) -> None:
    hits = [make_hit() for _ in range(AT_ONCE + 1)]
    path = file_of(folder, b"damage\n", *(hit.to_line() for hit in hits))
    stored: list[Hit] = []

    def store_one_batch(batch: list[Hit]) -> list[Hit]:
        if stored:
            raise ZeroDivisionError
        stored.extend(batch)
        return batch[:1]

    for _ in range(3):
        stored.clear()
        with pytest.raises(ZeroDivisionError):
            Spool(folder).replay(store_one_batch)
    assert names(folder) == [".hits"]
    assert stored_by(Spool(folder)) == hits
    assert path.with_suffix(".unreadable").read_bytes() == b"damage\n"


def test_one_file_that_can_not_be_read_does_not_hold_up_the_others(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hit = make_hit()
    file_of(folder, hit.to_line())
    (folder / "a-folder.hits").mkdir()
    assert stored_by(Spool(folder)) == [hit]
    assert "a-folder.hits" in caplog.text


def test_a_file_goes_to_the_store_in_parts(folder: Path) -> None:
    file_of(folder, *(make_hit().to_line() for _ in range(2 * AT_ONCE + 1)))
    sizes: list[int] = []

    def store(batch: list[Hit]) -> list[Hit]:
        sizes.append(len(batch))
        return []

    assert Spool(folder).replay(store) == 2 * AT_ONCE + 1
    assert sizes == [AT_ONCE, AT_ONCE, 1]


def test_threads_that_append_while_others_replay_lose_nothing(folder: Path) -> None:
    spool, stored, lock = Spool(folder), Counter[UUID](), threading.Lock()

    def append(_: int) -> list[Hit]:
        hits = [make_hit() for _ in range(25)]
        for hit in hits:
            spool.append_all([hit])
        return hits

    def store(batch: list[Hit]) -> list[Hit]:
        with lock:
            stored.update(hit.id for hit in batch)
        return []

    with ThreadPoolExecutor(10) as threads:
        appending = [threads.submit(append, number) for number in range(8)]
        while not all(each.done() for each in appending):
            spool.replay(store)
    spool.replay(store)
    assert stored == Counter(hit.id for each in appending for hit in each.result())
    assert names(folder) == []


def test_a_place_that_can_not_be_written_to_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        Spool(tmp_path / "file" / "spool").append_all([make_hit()])


def test_when_the_disk_fails_all_that_waited_for_it_are_told_and_the_next_get_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, real, failures = Spool(tmp_path), os.fsync, [OSError(5, "Input/output error")]
    spool.append_all([make_hit()])

    def fail_once_both_have_written(file: int) -> None:
        if failures:
            wait_until(lambda: spool._written == 3)
            raise failures.pop()
        real(file)

    def append(_: int) -> str:
        try:
            spool.append_all([make_hit()])
        except OSError:
            return "refused"
        return "kept"

    monkeypatch.setattr(os, "fsync", fail_once_both_have_written)
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(append, range(2))) == ["refused", "refused"]

    assert append(0) == "kept"
    assert len(list(tmp_path.glob("*.hits"))) == 2


def test_a_folder_that_can_not_be_synced_leaves_no_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tracking.ownfiles.sync_folder", refuse)
    spool, before = Spool(tmp_path), len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with pytest.raises(OSError, match="No space"):
            spool.append_all([make_hit()])

    assert len(os.listdir("/proc/self/fd")) < before + 5
