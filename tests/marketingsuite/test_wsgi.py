import http.client
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import pytest
from django.db import connection

from marketingsuite import wsgi
from marketingsuite.devstack import Processes, Stack, free_port
from tests.tracking.samples import click_url, pixel_url, request, wait_until
from tracking.hits import Hit
from tracking.models import Event, Outbox

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = {"DATABASE_URL": "postgresql://nobody:secret-password@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}


class Web(NamedTuple):
    """A web process of its own."""

    port: int
    spool: Path
    processes: Processes

    def get(self, url: str, method: str = "GET", **headers: bytes) -> tuple[http.client.HTTPResponse, bytes, float]:
        """The answer, its body and its seconds."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        line.connect()
        start = perf_counter()
        line.putrequest(method, url)
        for name, value in headers.items():
            line.putheader(name.replace("_", "-"), value)
        line.endheaders()
        answer = line.getresponse()
        body = answer.read()
        seconds = perf_counter() - start
        line.close()
        return answer, body, seconds

    def spooled(self) -> list[Hit]:
        lines = [line for path in self.spool.glob("*.hits") for line in path.read_bytes().splitlines(keepends=True)]
        return sorted((Hit.from_line(line) for line in lines), key=lambda hit: hit.id)


@contextmanager
def web(stack: Stack, folder: Path, spool: Path, env: dict[str, str]) -> Iterator[Web]:
    port = free_port(21_000)
    own = stack.environ() | {"HOST": "127.0.0.1", "PORT": str(port), "SPOOL_DIR": str(spool)}
    processes = Processes(ROOT / "Procfile", own | env, folder)
    processes.start("web")
    try:
        wait_until(lambda: listens(port), seconds=30)
        yield Web(port, spool, processes)
    finally:
        processes.stop(timeout=5)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def web_alone(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """One that has found neither PostgreSQL nor Redis since it started."""
    folder = tmp_path_factory.mktemp("alone")
    with web(stack, folder, folder / "spool", NOWHERE) as alone:
        yield alone


def test_pixel_and_links_are_answered_without_any_server(web_alone: Web) -> None:
    before = len(web_alone.spooled())
    answers = [web_alone.get(click_url(index), User_Agent=b"Mail/1") for index in range(1, 11)]
    answers += [web_alone.get(pixel_url()) for _ in range(10)]
    assert {(answer.status, answer.getheader("Location")) for answer, _, _ in answers[:10]} == {
        (302, "https://example.com/")
    }
    assert {(answer.status, answer.getheader("Content-Type")) for answer, _, _ in answers[10:]} == {(200, "image/gif")}
    assert sorted(seconds for _, _, seconds in answers)[10] < 0.06
    assert max(seconds for _, _, seconds in answers) < 0.15
    kept = web_alone.spooled()[before:]
    assert [hit.data.get("link") for hit in kept] == [*range(1, 11), *[None] * 10]
    assert kept[0].data["useragent"] == "Mail/1"
    assert kept[0].data["ip"] == "127.0.0.1"


@pytest.mark.parametrize(("sent", "kept"), [(b"tab\there", "tabhere"), (b"x" * 5000, "x" * 1000), (b" \t", None)])
def test_a_header_comes_through_the_server_clean_and_capped(sent: bytes, kept: str | None, web_alone: Web) -> None:
    assert web_alone.get(click_url(), User_Agent=sent, Referer=b"https://mail.example/")[0].status == 302
    assert web_alone.spooled()[-1].data.get("useragent") == kept
    assert web_alone.spooled()[-1].data["referer"] == "https://mail.example/"


@pytest.mark.parametrize(("sent", "text"), [("Bücher 📬".encode(), "Bücher 📬"), (b"B\xfccher", "B\ufffdcher")])
def test_a_header_beyond_ascii_costs_at_most_itself(sent: bytes, text: str, web_alone: Web) -> None:
    """granian keeps such a header to itself, other servers hand it over."""
    assert web_alone.get(click_url(), User_Agent=sent, Referer=b"https://mail.example/")[0].status == 302
    assert web_alone.spooled()[-1].data.get("useragent", text) == text
    assert web_alone.spooled()[-1].data["referer"] == "https://mail.example/"


def test_what_the_server_itself_refuses_does_not_stop_it(web_alone: Web) -> None:
    for nonsense in (b"\x00\xff\r\n\r\n", b"GET /o/x HTTP/1.1\r\nHost: x\r\nUser-Agent: a\x00b\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", web_alone.port), timeout=10) as line:
            line.sendall(nonsense)
            assert line.recv(100).startswith(b"HTTP/1.1 400")
    assert web_alone.get(pixel_url())[0].status == 200


def test_head_has_the_headers_and_no_body(web_alone: Web) -> None:
    before = len(web_alone.spooled())
    answer, body, _ = web_alone.get(pixel_url(), "HEAD")
    assert (answer.status, answer.getheader("Content-Length"), body) == (200, "42", b"")
    answer, body, _ = web_alone.get(click_url(), "HEAD")
    assert (answer.status, answer.getheader("Location"), body) == (302, "https://example.com/", b"")
    assert len(web_alone.spooled()) == before


def test_the_dashboard_without_a_database_shows_no_trace_and_no_secret(web_alone: Web) -> None:
    answer, body, _ = web_alone.get("/admin/login/", Cookie=b"sessionid=x")
    assert answer.status in (200, 500)
    assert b"Traceback" not in body
    assert b"secret-password" not in body
    assert "secret-password" not in web_alone.processes.log("web").read_text()


def test_what_a_killed_process_spooled_is_recorded_by_the_next_one(
    stack: Stack, tmp_path: Path, transactional_db: None
) -> None:
    spool = tmp_path / "spool"
    with web(stack, tmp_path, spool, NOWHERE) as alone:
        for index in range(1, 21):
            assert alone.get(click_url(index))[0].status == 302
        alone.processes.kill("web", signal.SIGKILL)
    kept = alone.spooled()
    assert len(kept) == 20
    here = stack.database_url.rpartition("/")[0] + "/" + str(connection.settings_dict["NAME"])
    with web(stack, tmp_path, spool, {"DATABASE_URL": here}):
        wait_until(lambda: Event.objects.count() == 20)
        wait_until(lambda: not any(spool.iterdir()))
    events = Event.objects.order_by("id")
    assert [(event.id, event.occurred_at, event.data) for event in events] == [
        (hit.id, hit.occurred_at, hit.data) for hit in kept
    ]
    assert Outbox.objects.count() == 20


@pytest.mark.django_db
def test_everything_else_goes_to_the_dashboard() -> None:
    answer = request("/admin/login/", HTTP_HOST="localhost")
    assert answer.status == "200 OK"
    assert "X-Frame-Options" in answer.headers
    assert request("/", HTTP_HOST="localhost").headers["Location"] == "/admin/"
    assert request("/open/", HTTP_HOST="localhost").status == "404 Not Found"


def test_tracking_pays_for_no_middleware() -> None:
    headers = request("/c/x").headers
    assert not {"X-Frame-Options", "Vary", "Set-Cookie"} & headers.keys()


def test_the_dashboard_never_takes_every_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seats, answers = threading.BoundedSemaphore(1), []
    monkeypatch.setattr(wsgi, "_for_dashboard", seats)
    seats.acquire()

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        answers.append(status)

    [body] = wsgi.application({"PATH_INFO": "/admin/", "REQUEST_METHOD": "GET"}, start_response)
    assert b"busy" in body
    wsgi.application({"PATH_INFO": "/o/.gif", "REQUEST_METHOD": "GET"}, start_response)

    assert answers == ["503 Service Unavailable", "200 OK"]
    seats.release()
