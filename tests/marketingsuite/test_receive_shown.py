"""What the receiver shows of a call, and the command that does."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol import payload
from marketingsuite.demo.php_form import parse_form
from marketingsuite.demo.printing import WIDTH, body_lines, head_line
from marketingsuite.demo.receiver import Received
from marketingsuite.devstack import BASE_DIR
from tests.feedbackloops.protocol import php
from tests.marketingsuite.posting import POST, SECRET, call, session

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
