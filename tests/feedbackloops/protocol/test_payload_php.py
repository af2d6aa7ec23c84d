"""What PHP makes of the body: a model of it, and the real one where it is installed."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedbackloops.protocol import payload
from tests.feedbackloops.protocol.payloads import SEEN, SNAPSHOT, event

from . import php

PHP = shutil.which("php")
needs_php = pytest.mark.skipif(PHP is None, reason="PHP is not installed")
HELD_WITH_CARE = [
    *("a.b", "a b", " a", "a ", "  ", "[", "a[b", "[[", "é", "0", "10", "010", "-1", "=", "&", "+"),
    *("%5D", "\u00a0", "\\", "__Host", "a__Host-"),
]


def holdable_names() -> st.SearchStrategy[str]:
    text = st.text(max_size=20) | st.text(alphabet="[].= \t\n&+%0a-é", max_size=6)
    return text.filter(payload.form_can_hold)


@pytest.fixture(scope="module")
def real_php() -> Iterator[Callable[[bytes], php.Php]]:
    assert PHP
    with php.real_parser(PHP) as parser:
        yield parser


@pytest.fixture(scope="module")
def php_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a script, in a real PHP server, that answers with its $_POST."""
    assert PHP
    root = tmp_path_factory.mktemp("php")
    (root / "script.php").write_text(php.PAGE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [PHP, "-n", "-S", f"127.0.0.1:{port}", "-t", str(root)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}/script.php"
        server.terminate()


def wait_for_port(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("PHP's server did not start within 5 seconds.")


@pytest.mark.parametrize("name", HELD_WITH_CARE)
def test_php_holds_odd_names_exactly(name: str) -> None:
    assert payload.form_can_hold(name)
    (held,) = php.parse(payload.form({"fields": {name: "value"}}))["fields"].items()
    assert (str(held[0]), held[1]) == (name, "value")


@pytest.mark.parametrize("name", ["", *" \t\n\v\f\r\0]", "a]b", "a\0b", "__Host-a", "__Secure-"])
def test_names_that_php_cannot_hold_are_told_and_left_out_of_the_form_but_not_of_json(name: str) -> None:
    assert payload.unholdable(["a", name, "b"]) == [name]
    assert payload.form({"fields": {"a": "1", name: "lost"}}) == b"fields%5Ba%5D=1"
    assert json.loads(payload.json_body({"fields": {name: "kept"}})) == {"fields": {name: "kept"}}


@given(name=st.lists(st.sampled_from([*" \t\n\v\f\r\0[]a.é", "__Host-", "__Secure-"]), max_size=4).map("".join))
def test_exactly_the_names_that_would_come_out_wrong_are_unholdable(name: str) -> None:
    body = f"fields[{name}]=v".encode().replace(b"\0", b"%00")
    parsed = php.parse(body)
    assert payload.form_can_hold(name) == (parsed == {"fields": {name: "v"}})


@given(fields=st.dictionaries(holdable_names(), st.text()), tags=st.lists(st.text()))
def test_php_gets_the_same_names_and_values_for_any_map_and_list(fields: dict[str, str], tags: list[str]) -> None:
    parsed = php.parse(payload.form({"type": "open", "time": 5, "fields": fields, "tags": tags}))
    assert parsed["type"] == "open"
    assert parsed["time"] == "5"
    assert {str(name): value for name, value in parsed.get("fields", {}).items()} == fields
    assert list(parsed.get("tags", {}).items()) == list(enumerate(tags))


@needs_php
@settings(deadline=None)
@given(fields=st.dictionaries(holdable_names(), st.text(max_size=20)))
def test_real_php_gets_the_same_names_and_values(real_php: Callable[[bytes], php.Php], fields: dict[str, str]) -> None:
    parsed = real_php(payload.form({"fields": fields}))
    assert {str(name): value for name, value in parsed.get("fields", {}).items()} == fields


@needs_php
@settings(deadline=None)
@given(body=st.lists(st.sampled_from([*"ab[]& .=\t_-01é", "%00", "%0A", "__Host-"]), max_size=30).map("".join))
def test_the_model_of_php_reads_every_body_as_real_php_does(real_php: Callable[[bytes], php.Php], body: str) -> None:
    assert php.parse(body.encode()) == real_php(body.encode())


@needs_php
def test_the_post_array_of_a_real_script_holds_the_whole_event(php_page: str) -> None:
    fields = {name: f"value of {name}\r\n\0 ü" for name in HELD_WITH_CARE}
    built = payload.build(
        event("click", **SEEN, original="https://example.com/?a=1&b=é"), SNAPSHOT | {"fields": fields}
    )
    request = urllib.request.Request(php_page, payload.form(built), {"Content-Type": payload.FORM_TYPE})
    with urllib.request.urlopen(request, timeout=10) as answer:
        post = php.from_pairs(json.load(answer))
    expected = {
        **built,
        "fields": {int(name) if name in ("0", "10", "-1") else name: text for name, text in fields.items()},
    }
    assert post == {
        name: dict(enumerate(value)) if isinstance(value, list) else str(value) if isinstance(value, int) else value
        for name, value in expected.items()
    }
