"""A request that is shown is the one that was sent, header by header; what can't be told any more is not made up."""

import shlex
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise

import pytest
from django.utils.timezone import now
from pytest_django import Settings
from standardwebhooks import Webhook

from feedbackloops.calls import Contents, Script, call_for, contents_of_test
from feedbackloops.lane import Lane
from feedbackloops.lanes import Lease
from feedbackloops.models import Attempt, FeedbackLoop
from feedbackloops.outbound.calls import Call
from feedbackloops.protocol import signing
from feedbackloops.protocol.catalogue import sample_of
from feedbackloops.story.requests import LONGEST_COMMAND, RequestShown, Today, command_for, request_of
from feedbackloops.versions import Versions
from tests.factories import make_account, make_verified_loop
from tracking.ids import new_id

pytestmark = pytest.mark.django_db

URL = "https://example.com:8443/in/script.php?key=s3cret"
UNTOLD = {"X-Nonce", "webhook-signature", "Signature"}


@pytest.fixture
def loop() -> FeedbackLoop:
    key = signing.generate_rsa_key()
    return make_verified_loop(make_account(), url=URL, rsa_private_key=key, rsa_key_id="key.example.com")


@pytest.fixture
def contents() -> Contents:
    return Contents(contents_of_test("click", new_id(), now(), sample_of("click")).event, {})


def sent(loop: FeedbackLoop, contents: Contents, number: int = 3) -> tuple[Attempt, Call]:
    """An attempt as an engine makes it, and its call."""
    lane = Lane.leased(Lease(loop.pk, 1, 0, 0.0), 0.0, 0.0)
    lane.script = Script.from_loop(FeedbackLoop.objects.get(pk=loop.pk))
    Versions().number([lane])
    started = datetime.now(UTC) - timedelta(hours=1)
    values = {"id": new_id(), "started": started, "number": number, "version_id": lane.script.version}
    attempt = Attempt(loop=loop, account_id=loop.account_id, **values)
    return attempt, call_for(lane.script, contents, number, now=started, id=attempt.id)


def shown(attempt: Attempt, contents: Contents) -> RequestShown:
    loop = FeedbackLoop.objects.filter(pk=attempt.loop_id).first()
    request = request_of(attempt, Today.of(loop), contents)
    assert request
    return request


def differing(call: Call, request: RequestShown) -> set[str]:
    """The headers that are not shown as they were sent; each of them has to say so."""
    told = {header.name: header for header in request.headers}
    assert list(told) == [name for name, _ in call.headers]
    differ = {name for name, value in call.headers if told[name].value != value}
    assert differ == {name for name, header in told.items() if not header.is_known}
    return differ


def test_what_was_left_out_then_is_left_out_where_it_is_shown(loop: FeedbackLoop, contents: Contents) -> None:
    FeedbackLoop.objects.update(left_out=["useragent"])
    attempt, call = sent(loop, contents)
    FeedbackLoop.objects.update(left_out=[])
    request = shown(attempt, contents)
    assert b"useragent" not in (call.body or b"")
    assert contents.body(request.body_format, request.narrowing)[1] == call.body
    assert differing(call, request) == set()
    assert request.notes == ["What the loop leaves out of its calls was changed since."]


@pytest.mark.parametrize("body_format", ["form", "json"])
def test_the_request_is_shown_as_it_was_sent(loop: FeedbackLoop, contents: Contents, body_format: str) -> None:
    FeedbackLoop.objects.update(body_format=body_format)
    attempt, call = sent(loop, contents)
    request = shown(attempt, contents)
    assert differing(call, request) == set()
    assert (request.body_format, request.notes) == (body_format, [])
    assert contents.body(request.body_format)[1] == call.body
    assert request.line == "POST /in/script.php?… HTTP/1.1"
    assert "s3cret" not in str(request)


def test_a_loop_that_was_changed_since_is_shown_as_it_was(loop: FeedbackLoop, contents: Contents) -> None:
    attempt, call = sent(loop, contents)
    FeedbackLoop.objects.update(url="https://other.example.com/", body_format="json")
    request = shown(attempt, contents)
    assert differing(call, request) == set()
    assert request.notes == ["The loop's URL was changed since.", "The loop's body format was changed since."]


def test_of_a_replaced_secret_nothing_is_made_up(loop: FeedbackLoop, contents: Contents) -> None:
    attempt, call = sent(loop, contents)
    loop.rotate_secret(now())
    assert differing(call, shown(attempt, contents)) == set()
    loop.end_overlap(now())
    request = shown(attempt, contents)
    assert differing(call, request) == UNTOLD
    assert "was replaced" in request.notes[0]


def test_during_an_overlap_both_signatures_are_shown_and_afterwards_the_one_that_is_known(
    loop: FeedbackLoop, contents: Contents
) -> None:
    loop.rotate_secret(now())
    attempt, call = sent(loop, contents)
    assert differing(call, shown(attempt, contents)) == set()
    loop.end_overlap(now())
    request = shown(attempt, contents)
    assert differing(call, request) == {"webhook-signature"}
    [told] = [header.value for header in request.headers if header.name == "webhook-signature"]
    assert told == dict(call.headers)["webhook-signature"].split(" ")[0] + " v1,…"


def test_another_rsa_key_signs_nothing_of_then(loop: FeedbackLoop, contents: Contents) -> None:
    attempt, call = sent(loop, contents)
    loop.rsa_private_key = signing.generate_rsa_key()
    loop.save()
    assert differing(call, shown(attempt, contents)) == {"Signature"}


def test_of_a_loop_that_is_gone_all_is_shown_but_what_its_keys_made(loop: FeedbackLoop, contents: Contents) -> None:
    attempt, call = sent(loop, contents)
    version = attempt.version
    assert version
    loop.delete()
    version.save(force_insert=True)
    assert differing(call, shown(attempt, contents)) == UNTOLD


def test_another_release_is_named(loop: FeedbackLoop, contents: Contents, settings: Settings) -> None:
    attempt, call = sent(loop, contents)
    settings.USER_AGENT = "MarketingSuite/99"
    request = shown(attempt, contents)
    assert differing(call, request) == set()
    assert "put together again by MarketingSuite/99" in request.notes[0]


def test_an_attempt_of_before_versions_were_kept_says_that_it_shows_today(
    loop: FeedbackLoop, contents: Contents
) -> None:
    attempt, _ = sent(loop, contents)
    attempt.version = None
    assert shown(attempt, contents).notes == [
        "How the loop was set then was not kept. This is what it would send as it is set today."
    ]
    assert request_of(attempt, None, contents) is None


@pytest.mark.parametrize("body_format", ["form", "json"])
def test_the_command_is_a_call_of_this_moment_that_receivers_take(
    loop: FeedbackLoop, contents: Contents, body_format: str
) -> None:
    loop.body_format = body_format
    told = Contents(contents.event._replace(data={"useragent": 'it\'s $HOME `id` "quoted" 😀\n!'}), contents.snapshot)
    attempt, _ = sent(loop, contents)
    command = command_for(attempt, Today(loop, Script.from_loop(loop)), told, now())
    words = [word for word in shlex.split(command.replace("\\\n", "")) if word]
    assert words[:5] == ["curl", "-i", "-X", "POST", URL]
    headers = dict(word.split(": ", 1) for option, word in pairwise(words) if option == "-H")
    body = words[words.index("--data-raw") + 1]
    if body_format == "json":
        Webhook(loop.secret).verify(body, headers)
    key = signing.decode_secret(loop.secret)
    stamp = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == signing.standard_webhooks_signature(
        [key], headers["webhook-id"], stamp, body.encode()
    )
    assert abs((parsedate_to_datetime(headers["Date"]) - now()).total_seconds()) < 60
    assert headers["webhook-attempt"] == "3"
    assert "webhook-test" not in headers
    assert loop.secret not in command


def test_a_body_that_no_command_line_takes_makes_no_command(loop: FeedbackLoop, contents: Contents) -> None:
    told = Contents(contents.event._replace(type="bounce", data={"mime": "x" * LONGEST_COMMAND}), {})
    assert command_for(None, Today(loop, Script.from_loop(loop)), told, now()) == ""
