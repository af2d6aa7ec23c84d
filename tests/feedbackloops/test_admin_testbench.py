"""The test bench of a loop: written as a form or as JSON, sent, and seen; without JavaScript."""

import json
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from pytest_django import DjangoCaptureOnCommitCallbacks

from feedbackloops import testcalls
from feedbackloops.models import FeedbackLoop, TestCall
from feedbackloops.protocol.catalogue import sample_of
from feedbackloops.protocol.payload import EVENT_TYPES
from tests.dashboard import Page, Rings, staff, text, url
from tests.factories import make_account, make_loop, make_test_call, make_verified_loop
from tests.http_server import HttpServer, status

pytestmark = pytest.mark.django_db
LOOP = "feedbackloops_feedbackloop"
SEES = "feedbackloops.view_feedbackloop"
CHANGES = "feedbackloops.change_feedbackloop"


@pytest.fixture
def client() -> Client:
    return staff(SEES, CHANGES, "feedbackloops.view_delivery")


@pytest.fixture
def loop(rings: Rings) -> FeedbackLoop:
    return make_verified_loop(make_account())


def bench(loop: FeedbackLoop) -> str:
    return url(LOOP, "bench", loop.pk)


def editor(page: str) -> dict[str, list[str]]:
    return dict(Page(page, "bench_form").values)


def pressed(client: Client, loop: FeedbackLoop, form: dict[str, list[str]], do: str, **typed: Any) -> Any:
    return client.post(bench(loop), form | typed | {"do": do})


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_a_sample_of_any_type_is_sent_as_it_stands(
    client: Client,
    loop: FeedbackLoop,
    rings: Rings,
    type: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    form = editor(text(client.get(bench(loop), {"type": type})))
    rings.clear()
    with django_capture_on_commit_callbacks(execute=True):
        answer = pressed(client, loop, form, "send")
    call = TestCall.objects.get()
    assert answer["Location"] == f"{url(LOOP, 'test_call', loop.pk, call.pk)}#result"
    assert (call.event_type, call.fields) == (type, sample_of(type))
    assert call.sender is not None
    assert rings == [("call_test", str(call.pk))]
    assert LogEntry.objects.get().change_message == f"Sent a test call ({type})."


def test_the_bench_says_what_the_loop_leaves_out(client: Client, loop: FeedbackLoop) -> None:
    words = "This loop leaves out of its calls"
    assert words not in text(client.get(bench(loop)))
    FeedbackLoop.objects.update(left_out=["ip", "recipient"], only_fields=["town", "city<b>"])
    page = text(client.get(bench(loop))).partition(words)[2].partition("</div>")[0]
    labels = ["The recipient’s e-mail address", "The IP address", "All fields of the profile but: city&lt;b&gt;, town"]
    assert re.findall("<li>(.*?)</li>", page) == labels


def test_what_was_typed_is_what_is_sent(client: Client, loop: FeedbackLoop) -> None:
    form = editor(text(client.get(bench(loop), {"type": "click"})))
    names, values = form["f-fields-name"], form["f-fields-value"]
    typed = {
        "f-original": "https://ü.example/?a=1&b",
        "f-tags": "one\r\ntwo\r\n",
        "f-fields-name": [*names[:2], "note"],
        "f-fields-value": [*values[:2], "a\r\nb"],
    }
    pressed(client, loop, form, "send", **typed)
    sent = TestCall.objects.get().fields
    assert (sent["original"], sent["tags"], sent["fields"]["note"]) == (
        "https://ü.example/?a=1&b",
        ["one", "two"],
        "a\nb",
    )


def test_switching_between_form_and_json_keeps_what_was_typed(client: Client, loop: FeedbackLoop) -> None:
    form = editor(text(client.get(bench(loop), {"type": "click"})))
    as_json = editor(text(pressed(client, loop, form, "json", **{"f-original": 'https://"q".example/'})))
    written = json.loads(as_json["text"][0])
    assert written == sample_of("click") | {"original": 'https://"q".example/'}
    changed = json.dumps(written | {"useragent": "<b>"})
    again = editor(text(pressed(client, loop, as_json, "form", text=changed)))
    assert (again["as"], again["f-original"], again["f-useragent"]) == (["form"], ['https://"q".example/'], ["<b>"])
    assert not TestCall.objects.exists()


def test_json_that_the_form_can_not_show_stays_json_and_says_why(client: Client, loop: FeedbackLoop) -> None:
    as_json = editor(text(client.get(bench(loop), {"type": "click"}))) | {"as": ["json"]}
    for typed, words in (
        ('{"tags": ["a\\nb"], "original": "x"}', "The form can’t show this"),
        ('{"colour": "red"}', "has no such field"),
        ('{"tags": ', "it can’t be read from line 1, column 10"),
    ):
        page = text(pressed(client, loop, as_json, "form", text=typed))
        assert words in page
        assert (editor(page)["as"], editor(page)["text"]) == (["json"], [typed])


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"ip": "nowhere"}, "ip", "Write an IPv4 or IPv6 address"),
        ({"profile": "many"}, "profile", "Write a whole number"),
        ({"original": ""}, "original", "Each real event of this type has it"),
        ({"fields-name": ["a]b"], "fields-value": ["x"]}, "fields", "PHP can’t hold the name “a]b”"),
        ({"useragent": "x" * 140_000}, "useragent", "Shorten this one, the longest."),
        ({"useragent": "a\0b"}, "useragent", "It holds a NUL"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_sent(
    client: Client, loop: FeedbackLoop, typed: dict[str, Any], field: str, words: str
) -> None:
    form = editor(text(client.get(bench(loop), {"type": "click"})))
    given = {f"f-{name}": value for name, value in typed.items()}
    page = text(pressed(client, loop, form, "send", **given))
    assert f'href="#f-{field}"' in page.partition('role="alert"')[2].partition("</div>")[0]
    at_field = page.partition(f'id="f-{field}-help"')[2].partition("</div>")[0]
    assert words in at_field
    assert not TestCall.objects.exists()
    for name, value in given.items():
        shown = value if isinstance(value, list) else [value]
        assert editor(page)[name][: len(shown)] == shown


@pytest.mark.parametrize("typed", ["", "[1]", '{"a": "\\ud800"}', '{"\\ud800": 1}', "[" * 5000, '{"a": NaN}', "{" * 9])
def test_bad_json_is_told_and_stays_as_it_was_typed(client: Client, loop: FeedbackLoop, typed: str) -> None:
    form = editor(text(client.get(bench(loop)))) | {"as": ["json"]}
    page = text(pressed(client, loop, form, "send", text=typed))
    assert 'role="alert"' in page
    assert editor(page)["text"] == [typed]
    assert not TestCall.objects.exists()


def test_a_loop_with_json_takes_names_that_php_can_not_hold(client: Client, loop: FeedbackLoop) -> None:
    FeedbackLoop.objects.update(body_format="json")
    form = editor(text(client.get(bench(loop), {"type": "click"})))
    pressed(client, loop, form, "send", **{"f-fields-name": ["a]b"], "f-fields-value": ["x"]})
    assert TestCall.objects.get().fields["fields"] == {"a]b": "x"}


def test_another_type_keeps_what_it_has_too_and_is_not_sent_unseen(client: Client, loop: FeedbackLoop) -> None:
    form = editor(text(client.get(bench(loop), {"type": "click"})))
    answer = pressed(client, loop, form, "send", type="bounce", **{"f-recipient": "bo@example.com"})
    shown = editor(text(answer))
    assert (shown["shown"], shown["f-recipient"], "f-original" in shown) == (["bounce"], ["bo@example.com"], False)
    assert "Nothing was sent yet" in said(answer)
    assert not TestCall.objects.exists()


def test_a_map_gets_more_rows_without_losing_any(client: Client, loop: FeedbackLoop) -> None:
    form = editor(text(client.get(bench(loop), {"type": "click"})))
    more = editor(text(pressed(client, loop, form, "more")))
    assert len(more["f-fields-name"]) > len(form["f-fields-name"])
    assert more["f-fields-name"][:2] == form["f-fields-name"][:2] == ["firstname", "city"]


def test_one_under_way_is_waited_for(client: Client, loop: FeedbackLoop) -> None:
    call = testcalls.begin(loop)
    page = text(client.get(url(LOOP, "test_call", loop.pk, call.pk)))
    assert f'<noscript><meta http-equiv="refresh" content="2;url={url(LOOP, "test_call", loop.pk, call.pk)}">' in page
    assert "bench_form" not in page
    answer = pressed(client, loop, editor(text(client.get(bench(loop)))), "send")
    assert "a test call to this loop is under way" in said(answer)
    assert TestCall.objects.count() == 1
    part = text(client.get(url(LOOP, "test_call", loop.pk, call.pk), {"part": "result"}))
    assert "data-waiting" in part
    assert "<html" not in part
    call.end(now(), outcome="accepted")
    assert "data-waiting" not in text(client.get(url(LOOP, "test_call", loop.pk, call.pk), {"part": "result"}))


def test_the_page_of_a_call_shows_the_exact_request_and_the_exact_answer(client: Client, server: HttpServer) -> None:
    loop = make_verified_loop(make_account(), url=server.url("/script.php?key=1"))
    server.behaviour = status(403, b"<i>no</i>", [("X-Script", "7.4")])
    call = make_test_call(loop, event_type="click", fields=sample_of("click") | {"useragent": "<script>"})
    page = text(client.get(url(LOOP, "test_call", loop.pk, call.pk)))
    for shown in ("POST /script.php?key=1 HTTP/1.1", "webhook-test", "HTTP/1.1 403 Some Words", "X-Script", "7.4"):
        assert shown in page
    assert "&lt;i&gt;no&lt;/i&gt;" in page
    assert "&lt;script&gt;" in page
    assert dict(call.headers)["webhook-signature"] in page
    assert "does not accept our signature" in page
    assert editor(page)["f-useragent"] == ["<script>"]


def test_a_place_that_is_not_verified_gets_nothing(client: Client, rings: Rings) -> None:
    loop = make_loop(make_account())
    page = text(client.get(bench(loop)))
    assert "Nothing can be sent yet" in page
    answer = pressed(client, loop, editor(page), "send")
    assert "not verified yet" in said(answer)
    assert not TestCall.objects.exists()


def test_the_bench_is_for_those_who_may_change_the_loop(loop: FeedbackLoop) -> None:
    call = testcalls.begin(loop)
    viewer = staff(SEES, "feedbackloops.view_delivery")
    for address in (bench(loop), url(LOOP, "test_call", loop.pk, call.pk)):
        assert viewer.get(address).status_code == 403
        assert staff(SEES, CHANGES, accounts=[make_account()]).get(address).status_code in (302, 404)
    assert viewer.post(bench(loop), {"do": "send"}).status_code == 403
    page = text(viewer.get(url(LOOP, "change", loop.pk)))
    assert "Test call" in page
    assert bench(loop) not in page


def test_a_call_of_another_loop_is_not_there(client: Client, loop: FeedbackLoop) -> None:
    call = testcalls.begin(make_verified_loop(loop.account))
    assert client.get(url(LOOP, "test_call", loop.pk, call.pk)).status_code == 404
    assert client.post(url(LOOP, "test_call", call.loop_id, call.pk)).status_code == 405


def test_the_bench_asks_as_much_with_one_call_as_with_many(client: Client, loop: FeedbackLoop) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            text(client.get(address))
        return len(captured)

    addresses = [bench(loop), url(LOOP, "change", loop.pk)]
    testcalls.begin(loop).end(now(), outcome="rejected")
    [queries(each) for each in addresses]
    few = [queries(each) for each in addresses]
    for _ in range(20):
        testcalls.begin(loop).end(now(), outcome="rejected")
    assert [queries(each) for each in addresses] == few
