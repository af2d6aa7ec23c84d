import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest
from standardwebhooks import Webhook

from feedbackloops import lanes
from feedbackloops.calls import Contents, Script, call_for, contents_of_test
from feedbackloops.models import FeedbackLoop
from feedbackloops.protocol import signing
from feedbackloops.protocol.catalogue import sample_of
from tests.factories import make_account, make_verified_loop
from tracking.ids import new_id
from tracking.models import EventType

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def loop() -> FeedbackLoop:
    return make_verified_loop(make_account())


def contents() -> Contents:
    return Contents(contents_of_test("click", new_id(), NOW, sample_of("click")).event, {})


def test_a_lane_and_its_loop_give_the_same_script(loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(rsa_private_key="")
    [facts] = lanes.facts([loop.pk])

    assert Script.from_facts(facts) == Script.from_loop(loop)


def test_loops_that_want_the_same_format_share_one_body(loop: FeedbackLoop) -> None:
    told, other = contents(), make_verified_loop(loop.account)

    calls = [call_for(Script.from_loop(each), told, now=NOW) for each in (loop, other)]

    assert calls[0].body is calls[1].body


def test_a_loop_that_leaves_something_out_has_a_body_of_its_own(loop: FeedbackLoop) -> None:
    narrow = {"only_fields": ["city"], "left_out": ["ip", "useragent"]}
    narrowed, same = (make_verified_loop(loop.account, **narrow) for _ in range(2))
    told = contents()
    told.snapshot |= {"profile": 1, "database": 2, "fields": {"city": "Oss", "email": "ann@example.com"}}
    told = Contents(told.event._replace(data={**told.event.data, "fields": told.snapshot["fields"], "profile": 1}), {})
    [facts] = lanes.facts([narrowed.pk])

    whole, short, again = (
        call_for(script, told, now=NOW)
        for script in (Script.from_loop(loop), Script.from_facts(facts), Script.from_loop(same))
    )

    sent, left = (parse_qs((call.body or b"").decode()) for call in (whole, short))
    gone = {"ip", "useragent", "client", "os", "device", "fields[email]"}
    assert {name: values for name, values in sent.items() if name not in gone} == left
    assert {"ip", "useragent", "fields[email]"} <= sent.keys()
    assert left["fields[city]"] == ["Oss"]
    assert short.body is again.body


def test_a_call_says_which_attempt_it_is_and_keeps_the_id_of_the_event() -> None:
    loop = make_verified_loop(make_account())
    told = contents()

    headers = dict(call_for(Script.from_loop(loop), told, 3, now=NOW).headers)

    assert headers["webhook-attempt"] == "3"
    assert headers["webhook-id"] == str(told.event.id)
    assert headers["X-Copernica-ID"] == f"account-{loop.account_id}"
    assert "webhook-test" not in headers


@pytest.mark.parametrize(("body_format", "media_type"), [("form", "x-www-form-urlencoded"), ("json", "json")])
def test_the_body_is_written_as_the_loop_asks(loop: FeedbackLoop, body_format: str, media_type: str) -> None:
    loop.body_format = body_format

    call = call_for(Script.from_loop(loop), contents(), now=NOW)

    assert media_type in dict(call.headers)["Content-Type"]
    assert call.body
    assert (call.body.startswith(b"{")) is (body_format == "json")
    if body_format == "form":
        assert parse_qs(call.body.decode())["fields[city]"] == ["Málaga"]


@pytest.mark.parametrize("event_type", EventType.values)
def test_a_sample_is_of_nobody(loop: FeedbackLoop, event_type: str) -> None:
    loop.body_format = "json"

    sample = contents_of_test(event_type, new_id(), NOW, sample_of(event_type))
    body = json.loads(call_for(Script.from_loop(loop), sample, now=NOW).body or b"")

    assert (body["profile"], body["database"]) == (0, 0)
    assert ("id" in body) is (event_type not in ("create", "update", "delete"))
    assert body.get("id") != body["event"]


def test_during_a_rotation_both_secrets_sign(loop: FeedbackLoop) -> None:
    old, loop.secret = loop.secret, signing.new_secret()
    loop.previous_secret = old
    loop.save()
    [facts] = lanes.facts([loop.pk])

    call = call_for(Script.from_facts(facts), contents(), now=datetime.now(UTC))

    headers = {name.lower(): value for name, value in call.headers}
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (old, loop.secret):
        Webhook(secret).verify(call.body or b"", headers, json_parse=False)


def test_a_loop_with_an_rsa_key_signs_with_it_too(loop: FeedbackLoop) -> None:
    loop.rsa_private_key, loop.rsa_key_id = signing.generate_rsa_key(), "ms._domainkey.example.com"
    loop.save()
    [facts] = lanes.facts([loop.pk])

    headers = dict(call_for(Script.from_facts(facts), contents(), now=NOW).headers)

    assert headers["Signature"].startswith('keyId="ms._domainkey.example.com"')


def test_no_secret_shows_when_a_script_is_printed(loop: FeedbackLoop) -> None:
    script = Script.from_loop(loop)

    assert repr(script.secrets[0]) not in repr(script)
