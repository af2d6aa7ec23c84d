"""Test calls with fields of a program's own."""

import json
import re
from base64 import b64decode
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from feedbackloops import doorbell, testcalls
from feedbackloops.models import FeedbackLoop, ProgramAct, TestCall
from feedbackloops.protocol.catalogue import sample_of
from feedbackloops.protocol.drafts import LARGEST
from tests.api.program import Program, faults, problem, told
from tests.dashboard import Rings
from tests.factories import make_verified_loop
from tests.http_server import HttpServer

pytestmark = pytest.mark.django_db
CLICK = sample_of("click")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"


@pytest.fixture
def loop(program: Program, monkeypatch: pytest.MonkeyPatch) -> FeedbackLoop:
    monkeypatch.setattr(doorbell, "_doorbell", Rings)
    return make_verified_loop(program.account)


def test_what_is_written_is_what_the_script_gets(program: Program, loop: FeedbackLoop, settings: Settings) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    written = CLICK | {"original": "https://example.com/ours", "tags": ["one", "two"]}
    with HttpServer() as server:
        ours = make_verified_loop(program.account, url=server.url("/script.php"), body_format="json")
        made = told(program.post(f"/loops/{ours.pk}/test", {"event_type": "click", "fields": written}), 202)
        testcalls.make(TestCall.objects.get().pk)
        (request,) = server.requests
    sent = json.loads(request.body)
    assert {name: sent[name] for name in written} == written
    assert (sent["type"], sent["event"], request.values("webhook-test")) == ("click", made["id"], ["1"])
    seen = told(program.get(f"/loops/{ours.pk}/tests/{made['id']}"))
    assert (seen["stage"], seen["event_type"], seen["status"]) == ("accepted", "click", 200)
    assert (seen["url"], seen["body"], seen["fields"]) == (ours.url, request.body.decode(), written)
    assert seen["headers"]["webhook-signature"] == request.values("webhook-signature")[0]
    assert seen["head"].startswith("HTTP/1.1 200")
    assert (b64decode(seen["answer"]), seen["is_cut"]) == (bytes(TestCall.objects.get().answer), False)
    assert [act.words for act in ProgramAct.objects.filter(loop=ours)] == ["Sent a test call (click)."]


@pytest.mark.parametrize(
    ("given", "type", "fields"),
    [
        (None, "open", sample_of("open")),
        ({}, "open", sample_of("open")),
        ({"event_type": "bounce"}, "bounce", sample_of("bounce")),
        ({"fields": sample_of("open") | {"ip": "2001:db8::7"}}, "open", sample_of("open") | {"ip": "2001:db8::7"}),
        ({"event_type": "click", "fields": CLICK | {"type": "click", "time": 1, "event": "x"}}, "click", CLICK),
    ],
)
def test_what_is_left_out_is_a_sample_of_the_loops_first_type(
    program: Program, loop: FeedbackLoop, given: Any, type: str, fields: Any
) -> None:
    assert told(program.post(f"/loops/{loop.pk}/test", given), 202)["event_type"] == type
    call = TestCall.objects.get()
    assert (call.event_type, call.fields, call.sender) == (type, fields, None)


@pytest.mark.parametrize(
    ("changed", "where", "words"),
    [
        ({"ip": "nowhere"}, "body.fields.ip", "Write an IPv4 or IPv6 address"),
        ({"profile": "many"}, "body.fields.profile", "Write a whole number"),
        ({"original": ""}, "body.fields.original", "Each real event of this type has it"),
        ({"fields": {"a]b": "x"}}, "body.fields.fields", "PHP can’t hold the name “a]b”"),
        ({"useragent": "x" * LARGEST}, "body.fields.useragent", "Shorten this one, the longest."),
        ({"useragent": "a\0b"}, "body.fields.useragent", "It holds a NUL"),
        ({"x" * 100: 1}, f"body.fields.{'x' * 80}", "This type of event has no such field."),
        ({"type": "open"}, "body.fields.type", "It says “open”"),
    ],
)
def test_what_the_test_bench_refuses_is_refused_by_its_field(
    program: Program, loop: FeedbackLoop, changed: dict[str, Any], where: str, words: str
) -> None:
    response = program.post(f"/loops/{loop.pk}/test", {"event_type": "click", "fields": CLICK | changed})
    assert faults(response) == [where]
    assert words in problem(response, 422)["errors"][0]["detail"]
    assert not TestCall.objects.exists()


@pytest.mark.parametrize(
    ("body", "where", "words"),
    [
        (b'{"fields": {"ip": "192.0.2.1", "ip": "192.0.2.2"}}', "body", "“ip” stands there twice"),
        (b'{"fields": {"tags": ' + b"[" * 900 + b"]" * 900 + b"}}", "body", "it goes too deep"),
        (b'{"event_type": "explosion"}', "body.event_type", "Input should be"),
        (b'{"fields": []}', "body.fields", "Input should be a valid dictionary"),
        (b'{"sender": "me"}', "body.sender", "Extra inputs are not permitted"),
    ],
)
def test_a_body_that_can_not_be_is_refused(
    program: Program, loop: FeedbackLoop, body: bytes, where: str, words: str
) -> None:
    response = program.post(f"/loops/{loop.pk}/test", body)
    assert faults(response) == [where]
    assert words in problem(response, 422)["errors"][0]["detail"]
    assert not TestCall.objects.exists()


def test_the_example_in_the_document_is_taken(program: Program, loop: FeedbackLoop) -> None:
    (example,) = re.findall(r"```json\n({[^`]*\"event_type\"[^`]*})\n```", DOCUMENT.read_text())
    told(program.post(f"/loops/{loop.pk}/test", example.encode()), 202)


def test_no_more_faults_are_named_than_an_answer_holds(program: Program, loop: FeedbackLoop) -> None:
    fields = {f"field{number}": "x" for number in range(200)}
    assert len(faults(program.post(f"/loops/{loop.pk}/test", {"fields": fields}))) == 100


def test_a_loop_with_json_takes_names_that_php_can_not_hold(program: Program, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(body_format="json")
    given = {"event_type": "click", "fields": CLICK | {"fields": {"a]b": "x"}}}
    told(program.post(f"/loops/{loop.pk}/test", given), 202)
    assert TestCall.objects.get().fields["fields"] == {"a]b": "x"}
