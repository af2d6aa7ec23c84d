"""What the documents say, held against the code: links, names, settings, commands and samples."""

import ast
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
from honcho.environ import parse_procfile

from feedbackloops.protocol import payload, signing
from marketingsuite.devstack import any_free_port
from screens.pictures import MOST_BYTES

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
DOCS = [*(ROOT / name for name in PAGES), *sorted((ROOT / "docs").rglob("*.md"))]
GLOSSARY, RECEIVING, OPERATIONS = (ROOT / "docs" / name for name in ("glossary.md", "receiving.md", "operations.md"))
SETTINGS = ROOT / "marketingsuite" / "settings.py"
SCREENSHOTS = ROOT / "docs" / "screenshots"
PACKAGES = ("marketingsuite", "api", "esp", "staff", "feedbackloops", "tracking", "profiles", "access")
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


def prose(path: Path) -> str:
    return re.sub(r"^( *)```.*?^\1```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def headings(path: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links() -> Iterator[tuple[Path, str, Path, str]]:
    """Each relative link: the document, the text, the file that it leads to, the anchor there."""
    for document in DOCS:
        for text, target in re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", prose(document)):
            if "://" not in target:
                path, _, fragment = target.partition("#")
                file = (document.parent / path).resolve() if path else document
                yield document, " ".join(text.split()), file, fragment


def rows(path: Path) -> Iterator[list[str]]:
    """The rows of a document's tables, cell by cell."""
    for line in prose(path).splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def described_settings(path: Path) -> dict[str, str]:
    """What stands in the second cell of each row that begins with the name of a setting."""
    return {row[0].strip("`"): row[1] for row in rows(path) if re.fullmatch(r"`[A-Z_]+`", row[0])}


def settings_read() -> dict[str, ast.expr | None]:
    """The settings that settings.py reads, with their defaults."""
    calls = [node for node in ast.walk(ast.parse(SETTINGS.read_text())) if isinstance(node, ast.Call)]
    return {name: default_of(call) for call in calls if (name := name_read(call))}


def name_read(call: ast.Call) -> str | None:
    """The setting that `env.kind("NAME", …)` or `key_from(environ, "NAME", …)` reads."""
    if not re.fullmatch(r"env\.\w+|key_from", ast.unparse(call.func)):
        return None
    return next((str(each.value) for each in call.args if isinstance(each, ast.Constant)), None)


def default_of(call: ast.Call) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == "default"), None)


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_exist(document: Path) -> None:
    for source, text, target, fragment in links():
        if source == document:
            assert target.exists(), f"[{text}] leads to {target}"
            if fragment:
                assert fragment in map(anchor, headings(target)), f"[{text}] leads to #{fragment}"


def test_every_function_and_class_that_a_link_names_is_defined_in_its_file() -> None:
    named = [(re.fullmatch(r"`(\w+)(?:\(\))?`", text), target) for _, text, target, _ in links()]
    found = [(match[1], target) for match, target in named if match and target.suffix == ".py"]
    assert len(found) > 20
    for name, target in found:
        assert re.search(rf"^ *(?:(?:async )?def|class) {name}\b", target.read_text(), re.MULTILINE), (
            f"{name} in {target}"
        )


def pictures() -> set[Path]:
    """What the documents show: by `src` and `srcset`, or by a link to a picture."""
    named = {target for _, _, target, _ in links() if target.suffix == ".png"}
    for document in DOCS:
        shown = re.findall(r'(?:src|srcset)="([^"]+)"', prose(document))
        named.update((document.parent / path).resolve() for path in shown)
    return named


def test_every_picture_that_a_document_shows_exists_and_every_picture_is_shown() -> None:
    assert len(pictures()) > 60
    assert pictures() == set(SCREENSHOTS.glob("*.png"))


def test_no_picture_is_too_large_for_a_repository() -> None:
    assert [path.name for path in SCREENSHOTS.glob("*.png") if path.stat().st_size > MOST_BYTES] == []


def test_the_glossary_is_in_alphabetical_order() -> None:
    terms = headings(GLOSSARY)[1:]
    assert terms == sorted(terms)


def test_a_link_to_the_glossary_says_the_word_that_it_leads_to() -> None:
    for document, text, target, fragment in links():
        if target == GLOSSARY and fragment:
            said = text.lower().replace(" ", "-")
            words = (said, said.removesuffix("s"), said.removesuffix("es"), re.sub("ies$", "y", said))
            assert f"-{fragment}".endswith(tuple(f"-{each}" for each in words)), f"[{text}] in {document}"


def test_every_setting_is_described_with_its_default() -> None:
    described = described_settings(OPERATIONS)
    assert settings_read().keys() <= described.keys()
    for name, default in settings_read().items():
        if isinstance(default, ast.Constant) and default.value not in ("", None):
            value = str(default.value).lower() if isinstance(default.value, bool) else str(default.value)
            assert described[name] == f"`{value}`", name
        elif isinstance(default, ast.Constant | ast.List):
            assert not described[name].startswith("`"), name


def test_no_setting_is_described_that_nothing_reads() -> None:
    in_procfile = dict(re.findall(r"\$\{(\w+):-(\w[\w.]*)\}", (ROOT / "Procfile").read_text()))
    described = described_settings(OPERATIONS)
    assert described.keys() - settings_read().keys() == {*in_procfile, "DEMO_ONCE"}
    assert {name: described[name].strip("`") for name in in_procfile} == in_procfile


def test_the_readme_has_a_selection_of_the_settings_with_the_same_defaults() -> None:
    everything = described_settings(OPERATIONS)
    for name, default in described_settings(ROOT / "README.md").items():
        assert name in everything
        if default.startswith("`"):
            assert everything[name].startswith(default), name


def test_every_process_of_the_procfile_is_described() -> None:
    processes = parse_procfile((ROOT / "Procfile").read_text()).processes
    for document in (OPERATIONS, ROOT / "docs" / "flow.md"):
        assert set(processes) <= {row[0].strip("`") for row in rows(document)}


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = [text for path in DOCS for _, text in code_blocks(path.read_text())]
    code += [text for path in DOCS for text in re.findall(r"`([^`]+)`", prose(path))]
    named = {target for text in code for target in re.findall(r"^(?:\w+=\w+ )?make ([a-z]+)", text, re.MULTILINE)}
    assert {"demo", "test", "run", "check"} <= named <= targets


def test_every_log_line_that_is_explained_is_one_that_the_code_writes() -> None:
    code = "\n".join(path.read_text() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    _, table = OPERATIONS.read_text().split("## Log lines that matter")
    lines = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    assert len(lines) > 10
    for line in lines:
        assert line in code


def test_the_documents_tell_the_same_retry_schedule_as_the_code() -> None:
    units = {"": "s", "m": "min", "h": "h"}
    pauses = re.findall(r"([0-9]+)([a-z]?)", described_settings(OPERATIONS)["RETRY_SCHEDULE"])
    *first, last = [f"{number} {units[unit]}" for number, unit in pauses]
    for document in (RECEIVING, ROOT / "docs" / "flow.md"):
        assert f"{', '.join(first)} and {last}" in " ".join(document.read_text().split())


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
