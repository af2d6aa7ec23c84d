"""Ten thousand hostile hits: no error of the server, each answered hit an event or spooled once, nothing in the log."""

import logging
import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketingsuite.devstack import Processes, Stack, any_free_port
from tests.hostile.attacks import MARKER, Attack, attack_from
from tests.tracking.samples import Answer, all_of, asked, in_loop, wait_until
from tracking.hits import Hit
from tracking.models import Event

pytestmark = pytest.mark.usefixtures("spool_folder")

ROOT = Path(__file__).resolve().parents[2]
IN_PROCESS, OVER_THE_WIRE = 8000, 2000
AT_ONCE = 100


def in_sets(number: int) -> settings:
    """So many attacks altogether; a seed stands for a set, which hypothesis could not hold."""
    return settings(max_examples=number // AT_ONCE, suppress_health_check=[HealthCheck.function_scoped_fixture])


def attacks_from(seed: int) -> list[Attack]:
    random = Random(seed)
    return [attack_from(random) for _ in range(AT_ONCE)]


def answered_hits(attacks: Iterable[Attack], statuses: Iterable[int]) -> Counter[UUID]:
    return Counter(each.message for each, status in zip(attacks, statuses, strict=True) if each.message and status)


def kept(spool: Path) -> Counter[UUID]:
    """How often each message's hit is an event or a line of the spool.

    Where PostgreSQL was slow one may be both, under the same id, until the spool is replayed.
    """
    spooled = {hit.id: hit.message for path in spool.glob("*.hits") for hit in hits_in(path)}
    # Looked at last: what is replayed meanwhile is an event by now.
    return Counter((spooled | dict(Event.objects.values_list("id", "message_id"))).values())


def hits_in(path: Path) -> list[Hit]:
    """The hits of a file of the spool; none where it is replayed and gone."""
    with suppress(FileNotFoundError):
        return [Hit.from_line(line) for line in path.read_bytes().splitlines(keepends=True)]
    return []


def check_answer(attack: Attack, answer: Answer) -> None:
    assert answer.status < 500
    if attack.message:
        assert answer.status == (302 if attack.path.startswith(b"/c/") else 200)
    else:
        assert "Location" not in answer.headers or not attack.path.startswith((b"/o/", b"/c/", b"/u/"))
    assert all(value.isprintable() for value in answer.headers.values())


def test_hostile_hits_in_process(spool_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sent: list[Attack] = []

    @in_sets(IN_PROCESS)
    @given(st.integers(0, 2**32))
    def attack(seed: int) -> None:
        some = attacks_from(seed)
        sent.extend(some)
        answers = in_loop(all_of([asked_as(each) for each in some]))
        for each, answer in zip(some, answers, strict=True):
            check_answer(each, answer)

    attack()

    assert len(sent) >= IN_PROCESS
    expected = answered_hits(sent, [200] * len(sent))
    wait_until(lambda: kept(spool_folder).total() >= expected.total())
    assert kept(spool_folder) == expected
    assert MARKER not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def asked_as(attack: Attack) -> Answer:
    """The answer to a request as a server hands it over: the path decoded, names of headers in lower case."""
    path = attack.path.decode("utf-8", "replace")
    headers = [*attack.headers]
    raw, query = attack.path, attack.query
    return await asked(
        "/", attack.method, path=path, raw_path=raw, query_string=query, headers=headers, body=attack.body
    )


@pytest.fixture
def web(stack: Stack, tmp_path: Path, spool_folder: Path) -> Iterator[tuple[int, Path]]:
    """The port of a web process of its own, with this test's database and spool, and its log."""
    port = any_free_port()
    database = stack.database_url.rpartition("/")[0] + f"/{connection.settings_dict['NAME']}"
    own = stack.environ() | {"DATABASE_URL": database, "SPOOL_DIR": str(spool_folder), "LOG_LEVEL": "DEBUG"}
    processes = Processes(ROOT / "Procfile", {**own, "HOST": "127.0.0.1", "PORT": str(port)}, tmp_path)
    processes.start("web")
    try:
        wait_until(lambda: is_open(port), seconds=30)
        yield port, processes.log("web")
        processes.check()
    finally:
        processes.stop(timeout=5)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_hostile_hits_over_the_wire(web: tuple[int, Path], spool_folder: Path) -> None:
    port, log = web
    sent: list[Attack] = []
    statuses: list[int] = []

    with ThreadPoolExecutor(8) as crowd:

        @in_sets(OVER_THE_WIRE)
        @given(st.integers(0, 2**32))
        def attack(seed: int) -> None:
            some = attacks_from(seed)
            got = list(crowd.map(lambda each: status_of(port, each.raw), some))
            assert max(got) < 500
            sent.extend(some)
            statuses.extend(got)

        attack()

    assert len(sent) >= OVER_THE_WIRE
    # The server itself refuses requests that are not HTTP: those count as answered by nobody.
    expected = answered_hits(sent, [status in (200, 302) for status in statuses])
    assert expected.total() > OVER_THE_WIRE / 20
    wait_until(lambda: kept(spool_folder).total() >= expected.total())
    assert kept(spool_folder) == expected
    assert MARKER not in log.read_text()
    assert "Traceback" not in log.read_text()


def status_of(port: int, request: bytes) -> int:
    """The status of the answer, 0 when there is none."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        try:
            line.sendall(request)
            answer = line.makefile("rb").read()
        except OSError:
            return 0
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.") else 0
