import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from marketingsuite.demo.receiver import Received, Receiver, Script
from tests.marketingsuite.posting import EVENT, POST, SECRET, call, session


@pytest.fixture
def posts() -> list[Received]:
    return []


@pytest.fixture
def receiver(posts: list[Received], tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(0, Script(SECRET), [tmp_path], posts.append) as receiver:
        thread = Thread(target=receiver.serve_forever, args=(0.01,))
        thread.start()
        yield receiver
        receiver.shutdown()
        thread.join()


@pytest.fixture
def url(receiver: Receiver) -> str:
    return f"http://127.0.0.1:{receiver.server_port}/script.php"


def test_a_signed_form_is_decoded_and_found_valid(url: str, posts: list[Received]) -> None:
    before = datetime.now(UTC).timestamp()
    assert session.post(**call(url)).status_code == 200
    (received,) = posts
    assert received.post == POST
    assert before <= received.received_at <= datetime.now(UTC).timestamp()
    assert (received.path, received.event, received.type, received.attempt) == ("/script.php", str(EVENT), "open", "2")
    assert (received.signature, received.digest, received.answered) == ("valid", "valid", 200)
    assert (received.duplicate, received.test, received.problem) == (False, False, "")


def test_json_is_decoded_as_it_is(url: str, posts: list[Received]) -> None:
    session.post(**call(url, as_json=True))
    assert posts[0].post == POST | {"time": 1767323045, "profile": 1, "database": 2}
    assert posts[0].signature == "valid"


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "no comma"},
        {"webhook-signature": "v1,=A=é".encode()},
        {"webhook-id": "another"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": None},
    ],
)
def test_a_signature_that_does_not_fit_is_invalid(url: str, posts: list[Received], changes: dict[str, Any]) -> None:
    request = call(url)
    request["headers"] = {name: v for name, v in (request["headers"] | changes).items() if v is not None}
    assert session.post(**request).status_code == 200
    assert posts[0].signature == "INVALID"


def test_another_secret_another_body_and_another_day_are_invalid(url: str, posts: list[Received]) -> None:
    session.post(**call(url, secret="whsec_" + "B" * 32))
    session.post(**call(url) | {"data": b"\xff"})
    session.post(**call(url, now=datetime.now(UTC) - timedelta(days=1)))
    assert [post.signature for post in posts] == ["INVALID"] * 3
    assert [post.digest for post in posts] == ["valid", "INVALID", "valid"]


def test_without_a_secret_nothing_is_checked_and_a_digest_may_be_missing() -> None:
    received = Script().take("/", {}, b"", 0.0)
    assert (received.signature, received.digest) == ("not checked", "missing")


@pytest.mark.parametrize(
    ("content_type", "body", "says"),
    [
        ("text/plain", b"a=1", "text/plain"),
        ("", b"a=1", "missing"),
        ("application/json", b"{", "not JSON"),
        ("application/json", b"[" * 100_000, "not JSON"),
        ("application/json", b"[1]", "not an object"),
    ],
)
def test_a_body_that_can_not_be_decoded_is_pointed_out(content_type: str, body: bytes, says: str) -> None:
    received = Script().take("/", {"content-type": content_type}, body, 0.0)
    assert received.post == {}
    assert says in received.problem


def test_an_event_that_was_accepted_before_is_a_duplicate(url: str, posts: list[Received]) -> None:
    session.post(**call(url))
    session.post(**call(url))
    assert [post.duplicate for post in posts] == [False, True]


def test_an_event_that_was_refused_before_is_no_duplicate() -> None:
    script = Script(answer=500)
    assert [script.take("/", {"webhook-id": "1"}, b"", 0.0).duplicate for _ in range(2)] == [False, False]


def test_a_connection_serves_one_request_after_another(url: str, posts: list[Received]) -> None:
    request = call(url)
    with closing(HTTPConnection(url.split("/")[2])) as connection:
        connection.connect()
        connection.auto_open = 0
        for _ in range(2):
            connection.request("POST", "/script.php", request["data"], request["headers"])
            assert connection.getresponse().read() == b"ok\n"
    assert len(posts) == 2


def test_verification_files_are_served_and_nothing_else(url: str, receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_bytes(b"proof\r\n")
    (tmp_path / "secret.key").write_bytes(b"no")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file2.txt").write_bytes(b"no")
    root = url.removesuffix("script.php")
    assert session.get(f"{root}file.txt").content == b"proof\r\n"
    for path in ("secret.key", "inner/file2.txt", "%2e%2e/file.txt", "other.txt", ".txt", "script.php"):
        assert session.get(f"{root}{path}").status_code == 404


@pytest.mark.parametrize(("length", "status"), [(b"x", b"411"), (b"-1", b"411"), (b"99999999999", b"413")])
def test_a_body_without_a_sound_length_is_refused(receiver: Receiver, length: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", receiver.server_port)) as caller, caller.makefile("rb") as answer:
        caller.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\n")
        assert answer.read().startswith(b"HTTP/1.1 " + status)


def test_a_caller_that_hangs_up_in_the_middle_is_not_told(
    receiver: Receiver, url: str, posts: list[Received], capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", receiver.server_port)) as caller, caller.makefile("rb") as answer:
        caller.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        caller.shutdown(socket.SHUT_WR)
        assert answer.read() == b""
    session.post(**call(url))
    assert [post.event for post in posts] == [str(EVENT)]
    assert capfd.readouterr().err == ""
