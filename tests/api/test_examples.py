"""The examples of docs/api.md, run against a server."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now
from pytest_django.live_server_helper import LiveServer

from feedbackloops.models import Delivery, TestCall
from profiles.models import Profile
from tests.api.program import Program
from tests.factories import make_account, make_database, make_message, make_verified_loop, owe
from tracking.models import Message

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"
PHP = shutil.which("php")
FIELDS = {"id": "019d38e3-2a10-7d44-9a31-7c2f10b4e5d6", "recipient": "ann@example.com", "ip": "192.0.2.10"}
PYTHON_USE = """
import sys
database, loop, moment, fields = json.loads(sys.argv[1])
people = tell_of_people(database, [{"fields": {"email": "ann@example.com"}}])
mails = register_mails(["ann@example.com", "bob@example.com"], "<p>Hello</p>")
record_delivery(mails[0]["id"], moment)
events, cursor = read_events()
later, _ = read_events(cursor)
print(json.dumps([people, mails, events, later, make_loop("https://example.com/x.php"),
    send_failed_again(loop, "2026-01-01T00:00:00Z"), send_test_call(loop, "open", fields)]))
"""
PHP_USE = """
[$database, $loop, $moment, $fields] = json_decode($argv[1], true);
$people = tell_of_people($database, [['fields' => ['email' => 'ann@example.com']]]);
$mails = register_mails(['ann@example.com', 'bob@example.com'], '<p>Hello</p>');
record_delivery($mails[0]['id'], $moment);
[$events, $cursor] = read_events();
[$later, $cursor] = read_events($cursor);
echo json_encode([$people, $mails, $events, $later, make_loop('https://example.com/x.php'),
    send_failed_again($loop, '2026-01-01T00:00:00Z'), send_test_call($loop, 'open', $fields)]);
"""


def example(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


def php_with_curl() -> bool:
    return bool(PHP) and b"curl" in subprocess.run([str(PHP), "-m"], capture_output=True, check=False).stdout


@pytest.mark.parametrize(
    ("command", "language", "use", "name"),
    [
        pytest.param([sys.executable], "python", PYTHON_USE, "example.py", id="Python"),
        pytest.param(
            [PHP],
            "php",
            PHP_USE,
            "example.php",
            id="PHP",
            marks=pytest.mark.skipif(not php_with_curl(), reason="PHP with curl is not installed"),
        ),
    ],
)
def test_the_example_does_each_main_thing(
    command: list[Any], language: str, use: str, name: str, tmp_path: Path, live_server: LiveServer
) -> None:
    program = Program(make_account())
    database, loop = make_database(program.account), make_verified_loop(program.account)
    owe(make_message(account=program.account), 2)
    Delivery.objects.update(state="given_up")
    (tmp_path / name).write_text(example(language) + use)
    environment = os.environ | {"API_TOKEN": program.text, "API_URL": f"{live_server.url}/api/v1"}
    arguments = json.dumps([database.pk, loop.pk, now().isoformat(), FIELDS])
    done = subprocess.run(
        [*command, str(tmp_path / name), arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    people, mails, events, later, made, expected, test = json.loads(done.stdout)
    assert people == [{"id": Profile.objects.get().pk, "action": "create"}]
    assert len(mails) == 2
    assert "<img" in mails[0]["html"]
    assert Message.objects.count() == 3
    assert [event["type"] for event in events] == ["open", "open", "create", "delivery"]
    assert later == []
    assert made[1].endswith(".txt")
    assert expected == 2
    call = TestCall.objects.get()
    assert (str(call.pk), call.event_type, call.fields) == (test, "open", FIELDS)
