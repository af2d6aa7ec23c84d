import http.client
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import pytest
import requests
from django.contrib.auth import get_user_model
from django.db import connection

from marketingsuite import asgi
from marketingsuite.devstack import Processes, Stack, any_free_port
from tests.promptness import measured
from tests.tracking.samples import click_url, in_loop, pixel_url, request, wait_until
from tracking.blocks import Blocks
from tracking.hits import Hit
from tracking.intake import intake
from tracking.models import Event, Outbox
from tracking.privacy import Privacy

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
    port = any_free_port()
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
    with measured() as lateness:
        answers = [web_alone.get(click_url(index), User_Agent=b"Mail/1") for index in range(1, 11)]
        answers += [web_alone.get(pixel_url()) for _ in range(10)]
    assert {(answer.status, answer.getheader("Location")) for answer, _, _ in answers[:10]} == {
        (302, "https://example.com/")
    }
    assert {(answer.status, answer.getheader("Content-Type")) for answer, _, _ in answers[10:]} == {(200, "image/gif")}
    assert sorted(seconds for _, _, seconds in answers)[10] < 0.06 + lateness.allowance / len(answers)
    assert max(seconds for _, _, seconds in answers) < 0.15 + lateness.allowance
    kept = web_alone.spooled()[before:]
    assert [hit.data.get("link") for hit in kept] == [*range(1, 11), *[None] * 10]
    assert kept[0].data["useragent"] == "Mail/1"
    assert kept[0].data["ip"] == "127.0.0.1"


@pytest.mark.parametrize(("sent", "kept"), [(b"tab\there", "tabhere"), (b"x" * 5000, "x" * 1000), (b" \t", None)])
def test_a_header_comes_through_the_server_clean_and_capped(sent: bytes, kept: str | None, web_alone: Web) -> None:
    assert web_alone.get(click_url(), User_Agent=sent, Referer=b"https://mail.example/")[0].status == 302
    assert web_alone.spooled()[-1].data.get("useragent") == kept
    assert web_alone.spooled()[-1].data["referer"] == "https://mail.example/"


@pytest.mark.parametrize(("sent", "kept"), [("Bücher 📬".encode(), "Bücher 📬"), (b"B\xfccher", "B\ufffdcher")])
def test_a_header_beyond_ascii_comes_through_the_server(sent: bytes, kept: str, web_alone: Web) -> None:
    assert web_alone.get(click_url(), User_Agent=sent)[0].status == 302
    assert web_alone.spooled()[-1].data["useragent"] == kept


def test_a_body_that_nobody_asked_for_is_not_waited_for(web_alone: Web) -> None:
    with socket.create_connection(("127.0.0.1", web_alone.port), timeout=10) as line:
        line.sendall(b"POST /o/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nthe beginning")
        assert line.recv(100).startswith(b"HTTP/1.1 405")


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
        wait_until(lambda: not list(spool.glob("*.hits")))
    events = Event.objects.order_by("id")
    assert [(event.id, event.occurred_at, event.data) for event in events] == [
        (hit.id, hit.occurred_at, hit.data) for hit in kept
    ]
    assert Outbox.objects.count() == 20


def test_a_client_that_goes_away_has_its_hit_recorded(stack: Stack, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hangs = {"DATABASE_URL": f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none", "HIT_WAIT_MS": "500"}
        with web(stack, tmp_path, tmp_path / "spool", NOWHERE | hangs) as patient:
            with socket.create_connection(("127.0.0.1", patient.port), timeout=10) as line:
                line.sendall(f"GET {click_url()} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                time.sleep(0.1)
                assert not patient.spooled()
            wait_until(lambda: len(patient.spooled()) == 1)


def test_a_process_asked_to_end_answers_what_it_was_asked_before(stack: Stack, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hangs = {"DATABASE_URL": f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none", "HIT_WAIT_MS": "1500"}
        with web(stack, tmp_path, tmp_path / "spool", NOWHERE | hangs) as leaving:
            with socket.create_connection(("127.0.0.1", leaving.port), timeout=10) as line:
                line.sendall(f"GET {click_url()} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                time.sleep(0.3)
                leaving.processes.kill("web", signal.SIGTERM)
                assert line.recv(100).startswith(b"HTTP/1.1 302")
            wait_until(lambda: not listens(leaving.port), seconds=8)
            assert len(leaving.spooled()) == 1


def test_only_the_header_with_hyphens_tells_of_the_client(stack: Stack, tmp_path: Path) -> None:
    """Many proxies hand on what a client wrote into X_Forwarded_For."""
    with web(stack, tmp_path, tmp_path / "spool", NOWHERE | {"TRUSTED_PROXIES": "1"}) as proxied:
        with socket.create_connection(("127.0.0.1", proxied.port), timeout=10) as line:
            lines = "X-Forwarded-For: 192.0.2.9\r\nX_Forwarded_For: 6.6.6.6\r\nX-FORWARDED-FOR: 203.0.113.9"
            line.sendall(f"GET {click_url()} HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n".encode())
            assert line.recv(100).startswith(b"HTTP/1.1 302")
        assert [hit.data["ip"] for hit in proxied.spooled()] == ["203.0.113.9"]


def test_the_dashboard_works_through_the_server_without_a_warning(
    stack: Stack, tmp_path: Path, transactional_db: None
) -> None:
    get_user_model().objects.create_superuser("ann", password="a password")
    here = {"DATABASE_URL": stack.database_url.rpartition("/")[0] + "/" + str(connection.settings_dict["NAME"])}
    with web(stack, tmp_path, tmp_path / "spool", here | {"PYTHONWARNINGS": "always"}) as dashboard:
        place, session = f"http://127.0.0.1:{dashboard.port}", requests.Session()
        page = session.get(f"{place}/admin/", timeout=10)
        form = {"username": "ann", "password": "a password", "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        assert b"Log out" in session.post(page.url, form, timeout=10).content
        assert session.get(f"{place}/admin/feedbackloops/delivery/", timeout=10).status_code == 200
        style = session.get(f"{place}/static/marketingsuite/dashboard.css", timeout=10)
        assert (style.status_code, style.headers["Content-Type"]) == (200, 'text/css; charset="utf-8"')
        assert style.content == (ROOT / "marketingsuite/static/marketingsuite/dashboard.css").read_bytes()
        log = dashboard.processes.log("web").read_text()
    assert "Warning" not in log
    assert "Traceback" not in log


@pytest.mark.usefixtures("transactional_db")
def test_everything_else_goes_to_the_dashboard() -> None:
    answer = request("/admin/login/")
    assert answer.status == 200
    assert "X-Frame-Options" in answer.headers
    assert request("/").headers["Location"] == "/admin/"
    assert request("/open/").status == 404


def test_tracking_pays_for_no_middleware() -> None:
    headers = request("/c/x").headers
    assert not {"X-Frame-Options", "Vary", "Set-Cookie"} & headers.keys()


def test_a_dashboard_that_is_busy_says_so_and_pixels_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi._dashboard_room, "seats", [])
    answer = request("/admin/")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert b"The dashboard is busy." in answer.body
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "style-src 'sha256-" in answer.headers["Content-Security-Policy"]
    assert request("/o/.gif").status == 200


def test_where_esps_find_no_seat_nobody_else_has_to_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi._rooms["/esp/"], "seats", [])
    answer = request("/esp/postmark/x/")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert b"Nothing was recorded" in answer.body
    assert [request(path).status for path in ("/o/.gif", "/open/", "/api/v1/nothing")] == [200, 404, 404]


def test_the_api_answers_head_with_the_length_of_what_get_has_and_nothing_else(web_alone: Web) -> None:
    _, body, _ = web_alone.get("/api/v1/openapi.json")
    with socket.create_connection(("127.0.0.1", web_alone.port), timeout=10) as line:
        line.sendall(b"HEAD /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head = b"".join(iter(lambda: line.recv(65536), b"")).lower()
    assert head.startswith(b"http/1.1 200")
    assert f"content-length: {len(body)}\r\n".encode() in head
    assert head.endswith(b"\r\n\r\n")


def test_a_seat_is_free_again_after_each_request() -> None:
    seats = list(asgi._dashboard_room.seats)
    for _ in range(3):
        assert request("/open/").status == 404
    assert asgi._dashboard_room.seats == seats


def test_the_process_starts_and_stops_as_its_server_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, said = iter(["lifespan.startup", "lifespan.shutdown"]), list[Any]()
    monkeypatch.setattr(intake(), "get_ready", lambda: said.append("ready for hits"))
    monkeypatch.setattr(asgi, "keep_fresh", lambda standing: said.append([type(each) for each in standing]))

    async def receive() -> dict[str, Any]:
        return {"type": next(asked)}

    async def send(message: Mapping[str, Any]) -> None:
        said.append(message["type"])

    async def live() -> None:
        await asgi.application({"type": "lifespan"}, receive, send)

    in_loop(live())
    assert said == ["ready for hits", [Blocks, Privacy], "lifespan.startup.complete", "lifespan.shutdown.complete"]
