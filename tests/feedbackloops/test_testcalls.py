import pytest
from standardwebhooks import Webhook

from feedbackloops.models import Attempt, Delivery, FeedbackLoop
from feedbackloops.testcalls import call_test
from tests.factories import make_account, make_verified_loop
from tests.http_server import HttpServer, status
from tracking.models import EventType

pytestmark = pytest.mark.django_db


@pytest.fixture
def loop(server: HttpServer) -> FeedbackLoop:
    return make_verified_loop(make_account(), url=server.url("/script.php"))


@pytest.mark.parametrize("event_type", EventType.values)
@pytest.mark.parametrize("body_format", ["form", "json"])
def test_a_test_call_is_a_signed_sample_that_says_so(
    server: HttpServer, loop: FeedbackLoop, event_type: str, body_format: str
) -> None:
    FeedbackLoop.objects.update(event_types=[event_type], body_format=body_format)
    loop.refresh_from_db()

    attempt = call_test(loop)

    [request] = server.requests
    assert request.values("webhook-test") == ["1"]
    assert f"{event_type}" in request.body.decode()
    headers = {name.lower(): value for name, value in request.headers}
    Webhook(loop.secret).verify(request.body, headers, json_parse=False)
    assert (attempt.outcome, attempt.status, attempt.delivery_id) == ("accepted", 200, None)
    assert Attempt.objects.get().total > 0


def test_a_test_call_changes_nothing_but_its_own_attempt(server: HttpServer, loop: FeedbackLoop) -> None:
    server.behaviour = status(410)

    attempt = call_test(loop)

    loop.lane.refresh_from_db()
    assert attempt.outcome == "gone"
    assert attempt.message.endswith("(status 410); a real call would stop the loop.")
    assert (loop.lane.stopped, loop.lane.troubles) == (None, 0)
    assert not Delivery.objects.exists()


def test_no_test_call_goes_to_a_place_that_is_not_verified(server: HttpServer, loop: FeedbackLoop) -> None:
    loop.url = server.url("/other/script.php")
    loop.save()

    attempt = call_test(loop)

    assert server.requests == []
    assert "not verified" in attempt.message
    assert attempt.outcome == "blocked"
