import logging
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from marketingsuite.devstack import any_free_port
from tests.tracking.samples import NO_ACCOUNT, make_hit
from tests.tracking.test_counting import abandoned, stored
from tracking.hits import Hit
from tracking.models import Event
from tracking.spool import Spool

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY = 65534
STRANGER = 65000


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    folder = settings.SPOOL_DIR = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    yield folder
    folder.chmod(0o700)


def spool(*arguments: str) -> str:
    output = StringIO()
    call_command("spool", *arguments, stdout=output)
    return output.getvalue()


def file_of(folder: Path, name: str, *hits: Hit, end: bytes = b"") -> Path:
    path = folder / name
    path.write_bytes(b"".join(hit.to_line() for hit in hits) + end)
    return path


def line_of(output: str, name: str) -> str:
    (line,) = [line for line in output.splitlines() if name in line]
    return " ".join(line.split())


def test_each_file_is_shown_with_its_state_its_hits_and_the_oldest(folder: Path) -> None:
    hits = [make_hit() for _ in range(3)]
    held = Spool(folder)
    held.append_all(hits)
    file_of(folder, "dead.hits", *hits, end=b"half a line")
    file_of(folder, "dead.refused", hits[1])
    file_of(folder, "dead.unreadable", end=b"x\ny\n")
    (folder / "beside.txt").touch()
    output = spool()
    size = sum(len(hit.to_line()) for hit in hits)
    oldest = f"oldest {hits[0].occurred_at:%Y-%m-%d %H:%M:%S} UTC"
    assert f"waiting {size + 11:,} bytes {oldest} 3 hits, 1 lines that hold none" in line_of(output, "dead.hits")
    assert f"held {size:,} bytes {oldest} 3 hits" in line_of(output, " held ")
    assert f"refused {len(hits[1].to_line()):,} bytes" in line_of(output, "dead.refused")
    assert "unreadable 4 bytes oldest - 0 hits, 2 lines" in line_of(output, "dead.unreadable")
    assert output.endswith(f"4 files in {folder}\n")


def test_an_empty_spool_and_one_that_is_not_there_are_no_trouble(folder: Path, settings: Settings) -> None:
    assert spool() == f"Nothing is spooled in {folder}.\n"
    settings.SPOOL_DIR = folder / "none"
    assert spool() == f"Nothing is spooled in {folder / 'none'}.\n"
    assert spool("replay") == "0 hits were stored.\n"


def test_replay_stores_what_nobody_holds_and_says_what_came_of_the_rest(folder: Path) -> None:
    held, hits = Spool(folder), [make_hit() for _ in range(4)]
    held.append_all(hits[:1])
    file_of(folder, "dead.hits", *hits[1:], make_hit(account=NO_ACCOUNT), end=b"half a line")
    dead = abandoned(folder, kept=7)
    output = spool("replay")
    assert set(Event.objects.values_list("id", flat=True)) == {hit.id for hit in hits[1:]}
    assert output.startswith("3 hits were stored.\n")
    assert "a living process holds it" in line_of(output, ".hits")
    assert "PostgreSQL refused" in line_of(output, "dead.refused")
    assert "set aside" in line_of(output, "dead.unreadable")
    assert set(stored()) == {dead}


def test_replay_without_a_database_ends_in_words_and_keeps_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(folder, "dead.hits", make_hit())
    connection.close()
    with monkeypatch.context() as elsewhere:
        elsewhere.setitem(connection.settings_dict, "PORT", str(any_free_port()))
        with pytest.raises(CommandError, match="stay in the spool"):
            spool("replay")
    assert path.exists()


def test_show_prints_the_hits_without_what_may_be_secret(folder: Path) -> None:
    target = "https://example.com/unsubscribe/secret?token=secret"
    click = make_hit(
        type="click", original=target, link=3, useragent="secret", referer="https://secret/", ip="192.0.2.9"
    )
    file_of(folder, "dead.refused", click, make_hit(type="o\x1b[31m"), end=b"secret\n")
    first, second, damaged = spool("show", "dead.refused").splitlines()
    assert f"click  hit {click.id}  message {click.message}  account 7  link 3 to example.com" in first
    assert "\\x1b" in second
    assert damaged == "and 1 lines that hold no whole hit"
    for hidden in ("secret", "192.0.2.9"):
        assert hidden not in first + second
    assert spool("show", str(folder / "dead.refused")).splitlines()[0] == first
    assert spool("show", os.path.relpath(folder / "dead.refused")).splitlines()[0] == first


def test_refused_hits_are_retried(folder: Path) -> None:
    hit = make_hit()
    file_of(folder, "dead.refused", hit)
    assert spool("retry", "dead.refused").startswith("dead.hits waits now")
    assert spool("replay") == "1 hits were stored.\n"
    assert Event.objects.get().pk == hit.id


def test_a_retry_never_overwrites_what_waits(folder: Path) -> None:
    file_of(folder, "dead.refused", make_hit())
    file_of(folder, "dead.hits", make_hit())
    spool("retry", "dead.refused")
    assert sorted(path.suffix for path in folder.iterdir()) == [".hits", ".hits"]
    assert spool("replay") == "2 hits were stored.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "none.hits"], "There is no none.hits"),
        (["show", "../elsewhere/dead.hits"], "not in the spool folder"),
        (["show", "/etc/passwd"], "not in the spool folder"),
        (["retry", "dead.hits"], "not a .refused file"),
        (["show"], "required: file"),
        (["shred"], "invalid choice: 'shred'"),
    ],
)
def test_bad_arguments_end_in_words(folder: Path, arguments: list[str], words: str) -> None:
    file_of(folder, "dead.hits", make_hit())
    with pytest.raises(CommandError, match=words):
        spool(*arguments)


@pytest.mark.parametrize("arguments", [["replay"], ["retry", "dead.refused"]])
def test_another_user_is_sent_to_the_one_that_the_spool_belongs_to(
    folder: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file_of(folder, "dead.refused", make_hit())
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    with pytest.raises(CommandError, match=f"run this as that user, not as user {STRANGER}"):
        spool(*arguments)


def test_a_folder_that_may_not_be_read_ends_in_words(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    file_of(folder, "dead.hits", make_hit())
    folder.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        with (
            caplog.at_level(logging.ERROR),
            pytest.raises(CommandError, match=r"Permission denied\. Run this as the user"),
        ):
            spool()
    finally:
        if root:
            os.seteuid(0)
