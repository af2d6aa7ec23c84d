"""The samples in the documents do what is said of them."""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from feedbackloops.protocol import payload, signing
from marketingsuite.devstack import any_free_port

ROOT = Path(__file__).resolve().parent.parent
RECEIVING = ROOT / "docs" / "receiving.md"
PHP = shutil.which("php")
SECRET, OLD_SECRET, PRIVATE_KEY = signing.new_secret(), signing.new_secret(), signing.generate_rsa_key()
EVENT = {
    "type": "click",
    "event": str(uuid4()),
    "time": 1772355907,
    "original": "https://example.com/?a=1&b=é",
    "fields": {"city": "Málaga", "a[b": "=&+", "empty": ""},
    "tags": ["spring", "sale"],
}
AS_TEXT = EVENT | {"time": "1772355907"}


def code_blocks(text: str) -> Iterator[tuple[str, str]]:
    for block in re.finditer(r"^( *)```(\w+)\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL):
        yield block[2], block[3]


def samples(language: str) -> list[str]:
    return [code for name, code in code_blocks(RECEIVING.read_text()) if name == language]


@pytest.fixture(scope="module")
def python_samples() -> dict[str, Callable[..., Any]]:
    names: dict[str, Any] = {}
    for code in samples("python"):
        exec(compile(code, str(RECEIVING), "exec"), names)
    return names


def signed(url: str, body: bytes, content_type: str, age: float = 0) -> dict[str, str]:
    """The headers of a call made `age` seconds ago, signed with the secret, the one before it, and the RSA key."""
    now = datetime.now(UTC) - timedelta(seconds=age)
    request = signing.SignedRequest(
        url=url,
        content_type=content_type,
        body=body,
        webhook_id=str(EVENT["event"]),
        account=7,
        attempt=1,
        secrets=(signing.decode_secret(SECRET), signing.decode_secret(OLD_SECRET)),
        rsa=signing.rsa_signer(PRIVATE_KEY, "loop._domainkey.example.com"),
    )
    return dict(signing.headers(request, now=now, nonce=signing.new_nonce(), user_agent="MarketingSuite/1"))


def received(body: bytes, age: float = 0) -> dict[str, str]:
    headers = signed("https://example.com/script", body, payload.FORM_TYPE, age)
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET], ids=["new", "old"])
def test_the_python_sample_takes_a_call_of_ours(python_samples: dict[str, Callable[..., Any]], secret: str) -> None:
    body = payload.form(EVENT)
    assert python_samples["is_genuine"](secret, received(body), body) is True


@pytest.mark.parametrize(
    ("secret", "changes", "added"),
    [
        pytest.param(signing.new_secret(), {}, b"", id="another secret"),
        pytest.param(SECRET, {}, b"&x=1", id="body"),
        pytest.param(SECRET, {"webhook-id": "another"}, b"", id="id"),
        pytest.param(SECRET, {"webhook-timestamp": "soon"}, b"", id="no timestamp"),
        pytest.param(SECRET, {"webhook-signature": "v1,é"}, b"", id="odd signature"),
        pytest.param(SECRET, {"webhook-signature": ""}, b"", id="no signature"),
    ],
)
def test_the_python_sample_refuses_what_is_not_ours(
    python_samples: dict[str, Callable[..., Any]], secret: str, changes: dict[str, str], added: bytes
) -> None:
    body = payload.form(EVENT)
    assert python_samples["is_genuine"](secret, received(body) | changes, body + added) is False


def test_the_python_sample_refuses_another_timestamp(python_samples: dict[str, Callable[..., Any]]) -> None:
    body = payload.form(EVENT)
    headers = received(body)
    later = {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}
    assert python_samples["is_genuine"](SECRET, headers | later, body) is False


def test_the_python_sample_refuses_an_old_call(python_samples: dict[str, Callable[..., Any]]) -> None:
    body = payload.form(EVENT)
    headers = received(body, age=600)
    assert python_samples["is_genuine"](SECRET, headers, body) is False


def test_the_python_sample_decodes_a_form(python_samples: dict[str, Callable[..., Any]]) -> None:
    assert python_samples["decode_form"](payload.form(EVENT)) == AS_TEXT


@contextmanager
def php_server(folder: Path, **environment: str) -> Iterator[str]:
    """The URL of PHP's own web server for the scripts in a folder."""
    assert PHP
    address = f"127.0.0.1:{any_free_port()}"
    command = [PHP, "-n", "-d", "display_errors=0", "-S", address, "-t", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, **environment}) as server:
        try:
            await_answer(f"http://{address}/", server)
            yield f"http://{address}"
        finally:
            server.terminate()


def await_answer(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while server.poll() is None and time.monotonic() < deadline:
        try:
            post(url, b"", {})
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("PHP's server does not answer")


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """The status and the body of the answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.skipif(PHP is None, reason="PHP is not installed")
@pytest.mark.parametrize(
    ("content_type", "write", "expected"),
    [(payload.FORM_TYPE, payload.form, AS_TEXT), (payload.JSON_TYPE, payload.json_body, EVENT)],
)
def test_the_php_sample_keeps_a_call_of_ours_once_and_refuses_others(
    tmp_path: Path, content_type: str, write: Callable[[Any], bytes], expected: dict[str, Any]
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    script, _ = samples("php")
    (tmp_path / "script.php").write_text(script)
    with php_server(tmp_path, WEBHOOK_SECRET=SECRET, INBOX=str(inbox)) as origin:
        url, body = f"{origin}/script.php", write(EVENT)
        headers = signed(url, body, content_type)
        assert post(url, body, headers | {"webhook-id": "another"})[0] == 403
        assert list(inbox.iterdir()) == []
        assert [post(url, body, headers), post(url, body, signed(url, body, content_type))] == [(204, "")] * 2
    (kept,) = inbox.iterdir()
    assert kept.name == f"{EVENT['event']}.json"
    assert json.loads(kept.read_text()) == expected


@pytest.mark.skipif(PHP is None, reason="PHP is not installed")
def test_the_php_sample_for_the_old_signature_takes_our_calls_only(tmp_path: Path) -> None:
    _, sample = samples("php")
    use = "echo json_encode(has_old_signature(getenv('RECORD'), file_get_contents('php://input')));"
    (tmp_path / "script.php").write_text(f"{sample}\n{use}")
    with php_server(tmp_path, RECORD=signing.dkim_record(PRIVATE_KEY)) as origin:
        url, body = f"{origin}/script.php?a=1", payload.form(EVENT)
        headers = signed(url, body, payload.FORM_TYPE)
        assert post(url, body, headers) == (200, "true")
        assert post(url + "0", body, headers) == (200, "false")
        assert post(url, body, headers | {"X-Nonce": "0"}) == (200, "false")
        assert post(url, body.replace(b"sale", b"sold"), headers) == (200, "false")
        assert post(url, body, {"Content-Type": payload.FORM_TYPE}) == (200, "false")
