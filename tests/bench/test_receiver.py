import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import requests
from standardwebhooks import Webhook, WebhookVerificationError

from bench import bare
from bench.load import fire, launch
from bench.receiver import Received, Receiver, Sample, receiving

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
BODY = b"type=open&" + b"x" * 1300


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def sample(body: bytes = BODY, secret: str = SECRET) -> Sample:
    at = datetime.now(UTC)
    signature = Webhook(secret).sign("event-1", at, body.decode())
    stamps = {"webhook-id": "event-1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    return Sample(stamps, body)


def post(url: str, id: str, body: bytes = BODY) -> int:
    return requests.post(url, data=body, headers={"Webhook-Id": id}, timeout=10).status_code


def test_a_script_counts_posts_and_tells_duplicates_by_the_event(receiver: Receiver) -> None:
    before = time.monotonic()
    for id in ("a", "b", "a"):
        assert post(receiver.url("counted"), id) == 200

    received = receiver.report("counted")
    assert (received.posts, received.distinct, received.duplicates) == (3, 2, 1)
    assert before < received.first < received.last < time.monotonic()
    assert received.per_second == pytest.approx(2 / (received.last - received.first))
    assert receiver.posts("counted") == 3
    assert receiver.report("never called") == Received(0, 0, 0, 0, [], [])


def test_scripts_answer_by_their_path(receiver: Receiver) -> None:
    assert post(receiver.url("failing", "error"), "a") == 500
    with pytest.raises(requests.ReadTimeout):
        requests.post(receiver.url("hanging", "hang"), data=BODY, headers={"webhook-id": "a"}, timeout=0.2)

    assert (receiver.posts("failing"), receiver.posts("hanging")) == (1, 1)


def test_a_receiver_can_begin_anew(receiver: Receiver) -> None:
    post(receiver.url("again"), "a")
    receiver.forget()

    assert receiver.posts("again") == 0


def test_the_latency_is_the_time_since_the_stamp_in_the_body(receiver: Receiver) -> None:
    stamp = time.monotonic() - 0.5
    post(receiver.url("late"), "a", b"ip=127.0.0.1&referer=bench%%2F%015d&x=1" % int(stamp * 1e6))

    (latency,) = receiver.report("late").latencies
    assert 500 <= latency <= 1000 * (time.monotonic() - stamp)


def test_the_first_of_every_thousand_posts_is_kept_in_full(receiver: Receiver) -> None:
    bare.post(receiver.url("kept"), [sample()], number=1001, connections=8)

    received = receiver.report("kept")
    assert (received.posts, received.distinct) == (1001, 1)
    assert [each.body for each in received.samples] == [BODY, BODY]
    received.check_samples(SECRET)
    assert receiver.cpu_seconds() > 0


def test_a_long_body_comes_in_parts(receiver: Receiver) -> None:
    body = b"y" * 200_000
    assert post(receiver.url("long"), "a", body) == 200

    (kept,) = receiver.report("long").samples
    assert kept.body == body
    assert kept.headers["webhook-id"] == "a"


def test_waiting_for_posts_says_how_many_came(receiver: Receiver) -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit(post, receiver.url("awaited"), "a")
        receiver.await_posts("awaited", 1, 10)

    with pytest.raises(TimeoutError, match=r"1 of 2 POSTs for 'awaited' came within 0\.1 s"):
        receiver.await_posts("awaited", 2, 0.1)


def test_samples_are_signed_and_have_their_size() -> None:
    sample().check(SECRET)
    with pytest.raises(WebhookVerificationError):
        sample(secret="whsec_" + "A" * 44).check(SECRET)
    with pytest.raises(ValueError, match="1200 bytes or more; one has 1199"):
        sample(b"x" * 1199).check(SECRET)
    with pytest.raises(ValueError, match="No POST came"):
        Received(0, 0, 0, 0, [], []).check_samples(SECRET)


def test_the_bare_loop_posts_bodies_with_their_headers_in_turn(receiver: Receiver) -> None:
    other = Sample({"Webhook-Id": "event-2"}, b"z" * 1500)
    bare.post(receiver.url("bare"), [sample(), other], number=5, connections=2)

    received = receiver.report("bare")
    assert (received.posts, received.distinct) == (5, 2)


def test_the_bare_loop_says_that_a_post_was_refused(receiver: Receiver) -> None:
    with pytest.raises(ChildProcessError, match="not answered by 200"):
        bare.post(receiver.url("refused", "error"), [sample()], number=1, connections=1)


def test_a_closed_loop_asks_for_the_urls_in_turn(receiver: Receiver) -> None:
    urls = [receiver.url("one"), receiver.url("two")]
    fired = fire(urls, number=300, connections=7, body_bytes=1300)

    assert (fired.answered, fired.failed) == (300, 0)
    assert [receiver.posts("one"), receiver.posts("two")] == [150, 150]
    assert fired.per_second == pytest.approx(300 / (fired.last_answered - fired.first_sent))
    assert fired.cpu_seconds > 0


def test_an_open_loop_keeps_its_pace(receiver: Receiver) -> None:
    fired = fire([receiver.url("paced")], number=100, rate=200, body_bytes=100)

    received = receiver.report("paced")
    assert fired.answered == 100
    assert received.last - received.first == pytest.approx(99 / 200, abs=0.1)


def test_an_open_loop_goes_on_while_nobody_answers(receiver: Receiver) -> None:
    firing = launch([receiver.url("stuck", "hang")], number=100, connections=2, rate=500, body_bytes=100)
    try:
        receiver.await_posts("stuck", 100, 10)
    finally:
        firing.stop()


def test_what_is_answered_by_an_error_has_failed(receiver: Receiver) -> None:
    fired = fire([receiver.url("failing", "error")], number=10, connections=2, body_bytes=100)

    assert (fired.answered, fired.failed) == (0, 10)


def test_a_load_generator_that_breaks_down_says_why() -> None:
    with pytest.raises(ChildProcessError, match="refused"):
        fire(["http://127.0.0.1:9/o/x.gif"], number=1)
