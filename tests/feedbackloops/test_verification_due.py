"""When a verification file is looked for, and when again."""

from datetime import datetime, timedelta

import pytest
from django.utils.timezone import now

from feedbackloops import verification
from feedbackloops.models import FeedbackLoop, LoopStatus
from tests.factories import make_account, make_loop, make_verified_loop
from tests.feedbackloops.outbound.conftest import dns  # noqa: F401  (a fixture)
from tests.http_server import HttpServer, status

pytestmark = pytest.mark.django_db


@pytest.fixture
def loop(server: HttpServer) -> FeedbackLoop:
    server.behaviour = status(404)
    return make_loop(make_account(), url=server.url("/hooks/script.php"))


def wanted(loop: FeedbackLoop, since: datetime, last_look: datetime | None) -> None:
    FeedbackLoop.objects.filter(pk=loop.pk).update(looks_wanted_since=since, last_look=last_look)


@pytest.mark.parametrize(
    ("age", "since_last", "is_due"),
    [
        (0, None, True),
        (4, 4, False),
        (6, 6, True),
        (600, 100, False),
        (600, 151, True),
        (36_000, 899, False),
        (36_000, 901, True),
        (86_401, 86_401, False),
    ],
)
def test_looks_come_with_growing_pauses_for_a_day(
    loop: FeedbackLoop, age: float, since_last: float | None, is_due: bool
) -> None:
    moment = now()
    last = None if since_last is None else moment - timedelta(seconds=since_last)
    wanted(loop, moment - timedelta(seconds=age), last)

    assert verification.due(moment) == ([loop.pk] if is_due else [])


def test_a_loop_that_is_looked_at_is_not_due_again_meanwhile(loop: FeedbackLoop) -> None:
    moment = now()
    wanted(loop, moment - timedelta(minutes=1), moment - timedelta(minutes=1))

    assert verification.due(moment) == [loop.pk]
    assert verification.due(moment) == []


def test_asking_for_looks_starts_them_anew_with_the_one_that_the_asker_rings_for(loop: FeedbackLoop) -> None:
    moment = now()
    wanted(loop, moment - timedelta(days=3), moment - timedelta(days=2))
    assert verification.due(moment) == []

    loop.ask_for_looks(moment)

    assert verification.due(moment) == []
    assert verification.due(moment + timedelta(seconds=6)) == [loop.pk]


def test_a_new_place_is_looked_at_from_the_start_again(loop: FeedbackLoop) -> None:
    wanted(loop, now() - timedelta(days=3), now() - timedelta(days=2))
    loop.refresh_from_db()
    loop.url = "https://example.com/other/"
    loop.save(update_fields=["url"])

    assert verification.due(now()) == []
    assert verification.due(now() + timedelta(seconds=6)) == [loop.pk]


def test_a_verified_or_disabled_loop_is_never_due(loop: FeedbackLoop) -> None:
    make_verified_loop(make_account())
    FeedbackLoop.objects.filter(pk=loop.pk).update(status=LoopStatus.DISABLED)

    assert verification.due(now()) == []
