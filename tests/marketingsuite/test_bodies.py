"""Clients that send slowly, send no end, or only hold a connection: nobody else waits for them."""

import socket
from asyncio import get_running_loop
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from marketingsuite import asgi, bodies, rooms
from marketingsuite.devstack import Stack
from tests.marketingsuite.test_asgi import NOWHERE, Web, web
from tests.tracking.samples import in_loop, pixel_url, scope_of

HALF_A_FORM = b"POST /nowhere/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nname=Ann&"


@pytest.fixture(scope="module")
def busy_web(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("busy")
    with web(stack, folder, folder / "spool", NOWHERE) as busy:
        yield busy


def asked(*parts: Mapping[str, Any], hangs: bool = False) -> list[Mapping[str, Any]]:
    """What the web process says to a request that comes in these parts; one that hangs sends no more."""
    said: list[Mapping[str, Any]] = []
    messages = iter([{"type": "http.request", **part} for part in parts])

    async def receive() -> Mapping[str, Any]:
        if (message := next(messages, None)) is None and hangs:
            await get_running_loop().create_future()
        return message or {"type": "http.disconnect"}

    async def send(message: Mapping[str, Any]) -> None:
        said.append(message)

    async def ask() -> None:
        await asgi.application(scope_of("/nowhere/", "POST"), receive, send)

    in_loop(ask())
    return said


def part(size: int, *, more_body: bool = True) -> dict[str, Any]:
    return {"body": b"x" * size, "more_body": more_body}


def status(said: Sequence[Mapping[str, Any]]) -> int:
    return int(said[0]["status"])


def test_clients_that_send_half_a_form_do_not_hold_up_the_dashboard(busy_web: Web) -> None:
    with ExitStack() as open_:
        for _ in range(len(asgi._dashboard_room.seats) + 1):
            line = open_.enter_context(socket.create_connection(("127.0.0.1", busy_web.port), timeout=5))
            line.sendall(HALF_A_FORM)
        assert busy_web.get("/nowhere/")[0].status == 404
        answer, _, _ = busy_web.get("/nowhere/", "POST", Content_Length=b"0")
        assert answer.status == 404


def test_clients_that_only_hold_a_connection_keep_nobody_out(busy_web: Web) -> None:
    with ExitStack() as open_:
        for _ in range(1500):
            open_.enter_context(socket.create_connection(("127.0.0.1", busy_web.port), timeout=5))
        assert busy_web.get(pixel_url())[0].status == 200


def test_a_form_that_comes_in_parts_is_read_whole() -> None:
    async def receive() -> Mapping[str, Any]:
        return next(parts)

    parts: Iterator[Mapping[str, Any]] = iter(
        [{"type": "http.request", "body": b"a=1", "more_body": True}, {"type": "http.request", "body": b"&b"}]
    )
    assert in_loop(bodies.whole_body(receive, 1000)) == b"a=1&b"
    assert status(asked(part(3), part(2, more_body=False))) == 404


def test_a_form_without_an_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    assert status(asked(part(9), hangs=True)) == 408
    assert status(asked(hangs=True)) == 408


def test_a_form_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "DASHBOARD_BYTES", 100)
    assert status(asked(part(60), part(41), hangs=True)) == 413
    assert status(asked(part(60), part(40, more_body=False))) == 404


def test_a_client_that_goes_away_in_the_middle_of_its_form_is_forgotten() -> None:
    seats = list(asgi._dashboard_room.seats)
    assert asked(part(9)) == []
    assert asgi._dashboard_room.seats == seats
