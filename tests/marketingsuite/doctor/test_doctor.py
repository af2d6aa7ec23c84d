"""The command as a whole and each of its looks, in a sound installation and in ones that are not."""

import json
import os
import time
from collections.abc import Iterable, Iterator
from io import StringIO
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import OperationalError
from pytest_django import Settings

from feedbackloops.models import ParkedEvent
from marketingsuite import probes
from marketingsuite.doctor import broker, database, host, network
from marketingsuite.doctor.findings import Finding, Level
from marketingsuite.management.commands import doctor
from marketingsuite.vitals import files
from tests.factories import make_account, make_events, make_loop, make_message
from tests.http_server import HttpServer, ok, status
from tracking.ids import new_id
from tracking.models import Outbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_host(settings: Settings, tmp_path: Path) -> None:
    """A data folder of the test's own, with nothing in it, and names that are asked for nowhere else."""
    settings.VAR_DIR, settings.SPOOL_DIR = tmp_path, tmp_path / "spool"
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    settings.ANSWER_SECONDS = 2.0


@pytest.fixture
def server(settings: Settings) -> Iterator[HttpServer]:
    with HttpServer(ok()) as server:
        settings.TRACKING_URL = server.url("")
        yield server


def by_subject(found: Iterable[Finding], level: Level) -> dict[str, str]:
    return {each.subject: f"{each.words} {each.advice}" for each in found if each.level is level}


def run(*arguments: str) -> tuple[str, str]:
    """What the command printed, and what it ended with."""
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


@pytest.mark.usefixtures("server")
def test_in_a_sound_installation_nothing_is_trouble() -> None:
    printed, error = run()
    assert error == ""
    assert "TROUBLE" not in printed
    assert all(line.startswith(("ok  ", "WARNING ", " " * 10)) for line in printed.splitlines())
    assert "PostgreSQL" in printed
    assert "Valkey" in printed or "Redis" in printed


@pytest.mark.usefixtures("server")
def test_trouble_ends_with_an_error_and_says_what_to_do(settings: Settings) -> None:
    settings.CELERY_BROKER_URL = "redis://:hush-hush@127.0.0.1:1/0"
    printed, error = run()
    assert "TROUBLE broker: " in printed
    assert "hush" not in printed
    assert error.endswith("findings are trouble.")


@pytest.mark.usefixtures("server")
def test_as_json_each_finding_is_an_object() -> None:
    found = json.loads(run("--json")[0])
    assert {"settings", "database", "broker", "spool"} <= {each["subject"] for each in found}
    assert all(each.keys() == {"subject", "level", "words", "advice"} for each in found)


def test_a_look_that_hangs_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PATIENCE_SECONDS", 0.1)

    def hang() -> Iterator[Finding]:
        time.sleep(1)
        yield from ()

    (finding,) = doctor.findings_of("database", hang)
    assert finding.level is Level.TROUBLE


def test_a_look_that_fails_is_a_finding_without_secrets() -> None:
    def fail() -> Iterator[Finding]:
        yield from ()
        raise OperationalError("postgresql://suite:hush@db/suite is away")

    (finding,) = doctor.findings_of("database", fail)
    assert (finding.level, finding.words) == (Level.TROUBLE, "postgresql://***@db/suite is away")


def test_migrations_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "_last_migrations", lambda: frozenset({("tracking", "9999_tomorrow")}))
    assert "tracking.9999_tomorrow" in by_subject(database.look(), Level.TROUBLE)["migrations"]


def test_partitions_that_nobody_makes_are_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracking.partitions.existing", lambda table: {})
    assert "0 days ahead" in by_subject(database.look(), Level.TROUBLE)["partitions"]


def test_an_outbox_that_nobody_empties_is_trouble_and_parked_events_are_told_of() -> None:
    make_events(make_message())
    Outbox.objects.update(created="2026-01-01T00:00:00Z")
    ParkedEvent.objects.create(event_id=new_id(), error="it failed")
    found = list(database.look())
    assert "waited" in by_subject(found, Level.TROUBLE)["outbox"]
    assert "1 could not" in by_subject(found, Level.WARNING)["parked events"]


class Full:
    """A broker that is nearly full, and drops what it holds."""

    def info(self) -> dict[str, Any]:
        return {"redis_version": "7.2", "maxmemory": 100, "used_memory": 90, "maxmemory_policy": "allkeys-lru"}

    def time(self) -> tuple[int, int]:
        return int(time.time()) + 100, 0


def test_a_broker_that_drops_what_it_holds_and_has_a_wrong_clock_is_told_of() -> None:
    found = list(broker._redis(Full()))  # type: ignore[arg-type]
    assert "behind" not in by_subject(found, Level.TROUBLE)["broker clock"]
    assert "noeviction" in " ".join(each.advice for each in found)


def test_a_broker_that_may_not_tell_of_itself_is_a_warning() -> None:
    class Mute(Full):
        def info(self) -> dict[str, Any]:
            raise redis.ResponseError("NOPERM")

    assert "NOPERM" in by_subject(broker._redis(Mute()), Level.WARNING)["broker"]  # type: ignore[arg-type]


def test_a_call_goes_through_the_door_to_the_url_that_was_named(server: HttpServer) -> None:
    assert "answered 200" in by_subject(network.look(server.url("/x")), Level.OK)["outbound calls"]
    assert [each.path for each in server.requests if each.method == "GET"] == ["/x"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/", "nothing listens"),
        ("ftp://example.com/", "can't be called"),
        ("http://10.0.0.1/", "10.0.0.1"),
    ],
)
def test_a_call_that_fails_says_why(url: str, words: str) -> None:
    assert words in by_subject(network.look(url), Level.TROUBLE)["outbound calls"]


def test_no_loop_is_called_that_was_not_named(server: HttpServer) -> None:
    make_loop(make_account(), url=server.url("/hooks/script.php"))
    assert "Not tried" in by_subject(network.look(), Level.OK)["outbound calls"]
    assert [each.method for each in server.requests] == ["HEAD"]


def test_names_of_loops_are_looked_up() -> None:
    make_loop(make_account(), url="https://127.0.0.1/hooks/script.php")
    assert by_subject(network.look(), Level.OK)["names"].startswith("All 1 ")


def test_pixels_that_do_not_answer_are_a_warning(server: HttpServer, settings: Settings) -> None:
    server.at["/o/.gif"] = status(502)
    assert "with 502" in by_subject(network.look(), Level.WARNING)["tracking links"]
    settings.TRACKING_URL = "http://127.0.0.1:1"
    assert "not reached" in by_subject(network.look(), Level.WARNING)["tracking links"]


def test_what_is_left_in_the_spool_is_told_of(settings: Settings) -> None:
    settings.SPOOL_DIR.mkdir(mode=0o755)
    settings.SPOOL_DIR.chmod(0o755)
    for name in ("a.hits", "b.refused"):
        (settings.SPOOL_DIR / name).touch()
    os.utime(settings.SPOOL_DIR / "a.hits", (0, 0))
    found = list(host.look_at_spool())
    assert "1 files with hits" in by_subject(found, Level.TROUBLE)["spool"]
    warnings = [each.words for each in found if each.level is Level.WARNING and each.subject == "spool"]
    assert any("Others may read" in words for words in warnings)
    assert "1 files are .refused." in warnings


def test_a_spool_that_cannot_be_made_is_trouble(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.SPOOL_DIR = tmp_path / "file" / "spool"
    assert "can't be written" in by_subject(host.look_at_spool(), Level.TROUBLE)["spool"]


def test_static_files_that_were_not_collected_are_trouble(settings: Settings, tmp_path: Path) -> None:
    settings.DEVELOPMENT, settings.STATIC_ROOT = False, tmp_path / "static"
    assert "collectstatic" in by_subject(host.look_at_files(), Level.TROUBLE)["static files"]
    settings.STATIC_ROOT.mkdir()
    (settings.STATIC_ROOT / "staticfiles.json").touch()
    assert "static files" in by_subject(host.look_at_files(), Level.OK)


def test_a_process_that_is_silent_is_trouble_and_one_that_is_elsewhere_is_not(tmp_path: Path) -> None:
    place = files.folder(tmp_path)
    files.touch(place, "worker")
    files.touch(place, "beat")
    os.utime(place / "beat.alive", (2**33, 2**33))
    found = list(host.look_at_processes())
    assert by_subject(found, Level.TROUBLE)["processes"].startswith("beat: not seen")
    assert "worker: alive, last seen 0 s ago." in [each.words for each in found]
    assert "Not on this host: web, events, looks." in [each.words for each in found]


def test_a_host_without_any_process_is_told_of_once() -> None:
    [finding] = host.look_at_processes()
    assert (finding.level, finding.words) == (Level.WARNING, "None of this data folder runs.")


def test_settings_are_held_to_the_checks_of_a_deployment(settings: Settings) -> None:
    settings.TRACKING_URL = "nonsense"
    assert "TRACKING_URL" in by_subject(host.look_at_settings(), Level.TROUBLE)["settings"]
