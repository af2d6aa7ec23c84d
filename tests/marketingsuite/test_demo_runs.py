"""The demo as whole: it is run."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import requests

from marketingsuite.demo.printing import WIDTH
from marketingsuite.devstack import BASE_DIR
from tracking.models import EventType
from tracking.rewriting import find_links

# An open, two clicks and an unsubscribe; four reports of mails; three changes of a profile, and three of a subprofile.
OK = re.compile(r"demo: ok - 14 events, 14 posts received, 14 signatures valid, slowest \d+ ms")


@contextmanager
def demo(folder: Path, **env: str) -> Iterator["subprocess.Popen[str]"]:
    """`manage.py demo` against the servers of this run, with its files in `folder`."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=BASE_DIR,
        env={**os.environ, "MARKETINGSUITE_VAR": str(folder), "PYTHONWARNINGS": "default", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with ExitStack() as stack:
        stack.callback(process.communicate)
        stack.callback(process.terminate)
        yield process


def read_until(process: "subprocess.Popen[str]", text: str) -> str:
    """The output up to a line with this text."""
    assert process.stdout
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} was never printed:\n{seen}")


def test_the_demo_shows_the_whole_way_and_ends_by_itself(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demo(tmp_path, DEMO_ONCE="1", PORT=str(port)) as process:
            output, _ = process.communicate(timeout=55)
    assert process.returncode == 0, output
    assert OK.fullmatch(output.splitlines()[-1]), output
    assert f"http://localhost:{port}/" not in output
    assert "The server says that the file is not there (status 404)." in output
    assert len(re.findall(r"attempt 1 · signature valid · digest valid$", output, re.MULTILINE)) == 14
    arrived = set(re.findall(r"^  (\w+(?: of a \w+)?) +\d\d:.* signature valid", output, re.MULTILINE))
    changes = {
        f"{change} of a {what}" for change in ("create", "update", "delete") for what in ("profile", "subprofile")
    }
    assert arrived == set(EventType.values) - {"create", "update", "delete"} | changes
    assert re.findall(r"^    verdict +(\w+)$", output, re.MULTILINE) == ["human"] * 3
    assert "ville.naissance = Châlons-sur-Marne 🚲" in output
    assert "whsec_" not in output
    assert max(map(len, output.splitlines())) <= WIDTH


def test_the_demo_stays_shows_what_else_comes_in_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        output = read_until(process, "Ctrl-C")
        assert any(OK.fullmatch(line) for line in output.splitlines()), output
        dashboard = re.search(r"(http://localhost:\d+)/admin/   login (\S+)   password (\S+)", output)
        assert dashboard
        assert logs_in(*dashboard.groups())
        links = [link.url for link in find_links((tmp_path / "mail.html").read_text())]
        tracked = next(link for link in links if link.startswith(dashboard[1]))
        with browser() as session:
            assert session.get(tracked, allow_redirects=False, timeout=10).status_code == 302
        assert "signature valid" in read_until(process, "ms after the hit")
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert "every process has ended" in process.communicate(timeout=30)[0]
    assert process.returncode == 0
    assert len(children) > 5
    assert psutil.wait_procs(children, timeout=5)[1] == []


def browser() -> requests.Session:
    """A session that no proxy of the environment comes between."""
    session = requests.Session()
    session.trust_env = False
    return session


def logs_in(url: str, name: str, password: str) -> bool:
    with browser() as session:
        page = session.get(f"{url}/admin/login/", timeout=10)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token
        form = {"username": name, "password": password, "csrfmiddlewaretoken": token[1], "next": "/admin/"}
        answer = session.post(f"{url}/admin/login/", data=form, allow_redirects=False, timeout=10)
        return answer.status_code == 302 and answer.headers["Location"] == "/admin/"


def test_a_process_that_dies_fails_the_demo_with_its_last_words(tmp_path: Path) -> None:
    with demo(tmp_path, DEMO_ONCE="1", WEB_WORKERS="none") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    failure = output[output.index("demo: failed - ") :]
    assert failure.startswith("demo: failed - The process 'web' ended with exit code 2. The end of ")
    assert "'none' is not a valid integer range" in failure
    assert "Traceback" not in output


def test_what_can_not_be_done_is_said_in_a_sentence(tmp_path: Path) -> None:
    with demo(tmp_path, PORT="abc") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert output.endswith("demo: failed - PORT is 'abc'; give a number from 1 to 65535, or leave it out.\n")
