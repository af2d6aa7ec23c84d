import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
import requests
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol import payload, signing
from feedbackloops.protocol.payload import EventFacts
from marketingsuite.demo.php_form import parse_form
from marketingsuite.demo.printing import WIDTH, body_lines, head_line
from marketingsuite.demo.receiver import Received, Receiver, Script
from marketingsuite.devstack import BASE_DIR
from tests.feedbackloops.protocol import php

SECRET = "whsec_" + "A" * 32
EVENT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OPEN = EventFacts(EVENT, "open", NOW, {"ip": "192.0.2.1"}, EVENT)
SNAPSHOT = {"recipient": "zoë@example.com", "tags": ["a", "b & c"], "profile": 1, "database": 2, "fields": {"ü": "1"}}
POST = {
    "type": "open",
    "timestamp": "2026-01-02 03:04:05",
    "time": "1767323045",
    "event": str(EVENT),
    "id": str(EVENT),
    "recipient": "zoë@example.com",
    "tags": ["a", "b & c"],
    "ip": "192.0.2.1",
    "profile": "1",
    "database": "2",
    "fields": {"ü": "1"},
}
# Loops' own servers never stand behind a proxy that this machine's environment names.
session = requests.Session()
session.trust_env = False


def call(url: str, *, secret: str = SECRET, as_json: bool = False, now: datetime | None = None) -> dict[str, Any]:
    """What a delivery of ours is, for requests.post()."""
    fields = payload.build(OPEN, SNAPSHOT)
    content_type = payload.JSON_TYPE if as_json else payload.FORM_TYPE
    body = payload.json_body(fields) if as_json else payload.form(fields)
    request = signing.SignedRequest(url, content_type, body, str(EVENT), 7, 2, (signing.decode_secret(secret),))
    headers = signing.headers(request, now=now or datetime.now(UTC), nonce="1", user_agent="Test/1")
    return {"url": url, "data": body, "headers": dict(headers)}


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


KEYS = st.text("ab 0-é.[&=+%", min_size=1).filter(payload.form_can_hold)


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]), st.text() | st.lists(st.text()) | st.dictionaries(KEYS, st.text())
    )
)
def test_a_form_is_decoded_to_what_was_encoded(fields: dict[str, Any]) -> None:
    told = {name: value for name, value in fields.items() if value not in ([], {})}
    assert parse_form(payload.form(fields)) == json.loads(json.dumps(told).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "body",
    [
        b"a=1&a=2",
        b"a&b=&=c&&d==e",
        b"t[]=1&t%5B%5D=2",
        b"t[]=1&t[k]=2&t[]=3",
        b"t[k]=1&t[]=2&t[7]=3&t[]=4",
        b"t=1&t[]=2&t=3",
        b"t[]=1&t=2",
        b"f[a+b]=1&f[a.b]=2&f[a[b]=%2B&f[a]b]=4",
        b"f[%E2%82%AC]=%C3%A9",
    ],
)
def test_a_form_is_decoded_as_php_does(body: bytes) -> None:
    assert as_php(parse_form(body)) == php.parse(body)


def as_php(fields: dict[str, Any]) -> php.Php:
    """PHP has one type for lists and maps, and integers for keys that look like one."""
    maps = {name: dict(enumerate(value)) if isinstance(value, list) else value for name, value in fields.items()}
    return {name: integer_keys(value) if isinstance(value, dict) else value for name, value in maps.items()}


def integer_keys(items: dict[Any, str]) -> php.Php:
    return {int(key) if str(key).isdigit() else key: value for key, value in items.items()}


def test_bytes_that_are_not_utf_8_are_shown_as_such() -> None:
    assert parse_form(b"a=%FF") == {"a": "\N{REPLACEMENT CHARACTER}"}


def received(**changes: Any) -> Received:
    made = Received(0.5, "/", "e", "open", "1", "valid", "valid", duplicate=False, test=False, answered=200, post={})
    return replace(made, **changes)


def test_a_post_is_headed_by_what_came_of_the_checks() -> None:
    assert head_line(received()).endswith(":00.500 · attempt 1 · signature valid · digest valid")
    line = head_line(received(signature="INVALID", duplicate=True, test=True, answered=500), 12)
    assert line.endswith(":00.500 · DUPLICATE · a test · 12 ms after the hit · attempt 1 · signature INVALID ·…")
    assert len(line) == WIDTH
    assert head_line(received(answered=500)).endswith(" · digest valid · answered 500")


def test_the_fields_of_a_post_are_aligned_cut_and_can_not_steer_the_terminal() -> None:
    post = {"type": "open", "tags": ["a", "b"], "fields": {"e": "1", "name": "\x1b[2J\n"}, "mime": "x" * 200}
    assert body_lines(received(post=post, problem="Odd.")) == [
        "    Odd.",
        "    type        open",
        "    tags        a, b",
        "    fields      e    = 1",
        "                name = \N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}",
        "    mime        " + "x" * 83 + "…",
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--secret", "abc"], "A signing secret is whsec_ followed by"),
        (["--file", "/nowhere/file.txt"], "There is no file or folder /nowhere/file.txt."),
        (["--port", "70000"], "Port 70000 of 127.0.0.1 can't be had"),
        (["--answer", "100"], "a status is a number from 200 to 599"),
        (["--quiet", "--json"], "not allowed with argument"),
    ],
)
def test_bad_arguments_are_explained(arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError) as error:
        call_command("receive", *arguments)
    assert says in str(error.value)


def test_a_port_that_is_taken_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} of 127.0.0.1 can't be had .*; choose another"):
            call_command("receive", "--port", str(port))


@pytest.fixture
def command(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """`manage.py receive` with arguments that the test names; it serves tmp_path/a.txt."""
    (tmp_path / "a.txt").write_text("proof")
    words = [sys.executable, "manage.py", "receive", "--port=0", f"--file={tmp_path / 'a.txt'}", *request.param]
    env = {**os.environ, "RECEIVE_SECRET": SECRET}
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=BASE_DIR, env=env, stdout=pipe, stderr=pipe, text=True) as process:
        yield process
        process.kill()


def url_of(process: "subprocess.Popen[str]") -> str:
    assert process.stderr
    return process.stderr.readline().split()[0].replace("localhost", "127.0.0.1")


@pytest.mark.parametrize("command", [["--json", "--answer=503"]], indirect=True)
def test_the_command_prints_json_lines_answers_as_told_and_ends_with_the_counts(
    command: "subprocess.Popen[str]",
) -> None:
    url = url_of(command)
    assert session.get(url.replace("script.php", "a.txt")).text == "proof"
    assert [session.post(**call(url)).status_code for _ in range(2)] == [503, 503]
    command.send_signal(signal.SIGINT)
    output, errors = command.communicate(timeout=10)
    first, second = (Received.from_json(line) for line in output.splitlines())
    assert (first.post, first.signature, first.answered) == (POST, "valid", 503)
    assert not second.duplicate
    assert errors.splitlines()[-1] == "2 POSTs, 2 signatures valid, 0 duplicates"
    assert command.returncode == 0


@pytest.mark.parametrize("command", [[]], indirect=True)
def test_the_command_prints_each_post_for_people(command: "subprocess.Popen[str]") -> None:
    url = url_of(command)
    session.post(**call(url))
    session.post(**call(url))
    command.send_signal(signal.SIGTERM)
    output, errors = command.communicate(timeout=10)
    assert "\n    recipient   zoë@example.com\n    tags        a, b & c\n" in output
    assert output.count("DUPLICATE") == 1
    assert errors.splitlines()[-1] == "2 POSTs, 2 signatures valid, 1 duplicates"
    assert "\x1b" not in output


@pytest.mark.parametrize("command", [["--quiet"]], indirect=True)
def test_a_quiet_command_only_counts(command: "subprocess.Popen[str]") -> None:
    session.post(**call(url_of(command)))
    command.send_signal(signal.SIGINT)
    output, errors = command.communicate(timeout=10)
    assert output == ""
    assert errors.splitlines()[-1] == "1 POSTs, 1 signatures valid, 0 duplicates"
