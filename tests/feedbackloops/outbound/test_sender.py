"""Many calls at a time: that they come back, in sets, and that trouble stays where it is."""

import resource
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from feedbackloops.outbound import Answer, Call, Resolver, Sender
from feedbackloops.protocol.outcome import ErrorKind
from tests.dns_server import DnsServer
from tests.http_server import HttpServer, after, hang, ok, raw
from tests.promptness import measured, within

LOOPBACK = [ip_network("127.0.0.0/8")]


class Outcomes:
    """What a sender handed back, waited for."""

    def __init__(self) -> None:
        self.sets: list[list[tuple[Call, Answer]]] = []
        self.threads: set[str] = set()
        self._came = threading.Condition()

    def __call__(self, done: list[tuple[Call, Answer]]) -> None:
        with self._came:
            self.sets.append(done)
            self.threads.add(threading.current_thread().name)
            self._came.notify_all()

    @property
    def by_tag(self) -> dict[Any, Answer]:
        return {call.tag: answer for done in self.sets for call, answer in done}

    def wait(self, count: int, seconds: float = 10.0) -> dict[Any, Answer]:
        with self._came:
            assert self._came.wait_for(lambda: sum(map(len, self.sets)) >= count, seconds), "the calls did not end"
            return self.by_tag


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture
def sender(outcomes: Outcomes, dns: DnsServer) -> Iterator[Sender]:
    resolver = Resolver(["127.0.0.1"], dns.port, max_ttl=0.1)
    sender = Sender(outcomes, allowed=LOOPBACK, resolver=resolver)
    sender.start()
    yield sender
    sender.stop(0)
    resolver.close()


def post(url: str, tag: Any = None, **options: Any) -> Call:
    return Call(url, body=b"type=open", tag=tag, **options)


def test_every_call_comes_back_once_with_its_own_answer(server: HttpServer, sender: Sender, outcomes: Outcomes) -> None:
    for number in range(300):
        server.at[f"/{number}"] = ok(str(number).encode())
    sender.submit(post(server.url(f"/{number}"), number) for number in range(300))
    answers = outcomes.wait(300)
    assert {tag: answer.body for tag, answer in answers.items()} == {n: str(n).encode() for n in range(300)}
    assert sum(map(len, outcomes.sets)) == 300


def test_outcomes_come_in_sets_from_the_senders_thread(server: HttpServer, sender: Sender, outcomes: Outcomes) -> None:
    sender.submit(post("ftp://127.0.0.1/", number) for number in range(100))
    outcomes.wait(100)
    assert len(outcomes.sets) < 20
    assert outcomes.threads == {"outbound-sender"}


def test_calls_one_after_another_share_a_connection(server: HttpServer, sender: Sender, outcomes: Outcomes) -> None:
    for number in range(5):
        sender.submit([post(server.url(), number)])
        outcomes.wait(number + 1)
    assert len(server.requests) == 5
    assert server.connections == 1
    assert outcomes.by_tag[4].timings.connect == 0


def test_a_connection_that_the_server_closed_is_replaced(
    server: HttpServer, sender: Sender, outcomes: Outcomes
) -> None:
    server.behaviour = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    for number in range(3):
        sender.submit([post(server.url(), number)])
        assert outcomes.wait(number + 1)[number].status == 200
    assert server.connections == 3


def test_an_idle_connection_that_its_server_closes_costs_nothing(sender: Sender, outcomes: Outcomes) -> None:
    with HttpServer() as server:
        sender.submit([post(server.url())])
        outcomes.wait(1)
    before = time.process_time()
    time.sleep(0.2)
    assert time.process_time() - before < 0.1


def test_post_and_get_may_follow_each_other_on_one_handle(
    server: HttpServer, sender: Sender, outcomes: Outcomes
) -> None:
    for number, body in enumerate([b"a", None, b"b"]):
        sender.submit([Call(server.url(), body=body)])
        outcomes.wait(1)
        outcomes.sets.clear()
        assert len(server.requests) == number + 1
    assert [(request.method, request.body) for request in server.requests] == [
        ("POST", b"a"),
        ("GET", b""),
        ("POST", b"b"),
    ]


def test_a_call_that_may_not_start_does_not(server: HttpServer, sender: Sender, outcomes: Outcomes) -> None:
    asked_in: list[str] = []

    def refuse() -> bool:
        asked_in.append(threading.current_thread().name)
        return False

    sender.submit([post(server.url(), "no", may_start=refuse), post(server.url(), "yes", may_start=lambda: True)])
    answers = outcomes.wait(2)
    assert (answers["no"].started, answers["no"].error, answers["no"].status) == (False, None, 0)
    assert (answers["yes"].started, answers["yes"].status) == (True, 200)
    assert len(server.requests) == 1
    assert asked_in == ["outbound-sender"]


def test_a_call_is_asked_for_after_its_name_is_known(
    server: HttpServer, sender: Sender, outcomes: Outcomes, dns: DnsServer
) -> None:
    dns.table["slow.test"] = ["127.0.0.1"]
    dns.delays["slow.test"] = 0.2
    asked_at: list[float] = []
    submitted = time.monotonic()
    sender.submit([post(server.url(host="slow.test"), may_start=lambda: not asked_at.append(time.monotonic()))])  # type: ignore[func-returns-value]
    outcomes.wait(1)
    assert asked_at[0] - submitted > 0.15


def test_a_call_that_cannot_be_set_up_costs_only_itself(
    server: HttpServer, sender: Sender, outcomes: Outcomes, caplog: pytest.LogCaptureFixture
) -> None:
    sender.submit([post(server.url(), "broken", may_start=lambda: 1 / 0 > 1), post(server.url(), "whole")])
    answers = outcomes.wait(2)
    assert (answers["broken"].started, answers["whole"].status) == (False, 200)
    assert "could not be set up" in caplog.text


def test_a_receiver_of_outcomes_that_fails_does_not_end_the_sender(
    server: HttpServer, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes = Outcomes()

    def receive(done: list[tuple[Call, Answer]]) -> None:
        outcomes(done)
        raise RuntimeError("the database is gone")

    sender = Sender(receive, allowed=LOOPBACK)
    sender.start()
    for number in range(2):
        sender.submit([post(server.url(), number)])
        outcomes.wait(number + 1)
    sender.stop(0)
    assert "The outcomes of 1 calls could not be handed over" in caplog.text


def test_calls_and_names_that_hang_do_not_hold_up_healthy_ones(
    server: HttpServer, sender: Sender, outcomes: Outcomes, dns: DnsServer
) -> None:
    server.at["/hang"] = hang
    dns.table["healthy.test"] = ["127.0.0.1"]
    dns.silent |= {f"silent{number}.test" for number in range(200)}
    sender.submit(post(server.url("/hang"), ("hanging", number)) for number in range(200))
    sender.submit(post(f"http://silent{number}.test/", ("nameless", number)) for number in range(200))
    give_up = time.monotonic() + 10
    while len(server.requests) < 200:
        assert time.monotonic() < give_up
        time.sleep(0.01)
    with measured() as lateness:
        sender.submit(post(server.url("/", "healthy.test"), ("healthy", number)) for number in range(50))
        answers = outcomes.wait(50)
    assert {kind for kind, _ in answers} == {"healthy"}
    assert max(answer.timings.total for answer in answers.values()) < 1.0 + lateness.allowance


def test_a_name_that_moves_to_a_private_address_is_not_called_there(dns: DnsServer, outcomes: Outcomes) -> None:
    resolver = Resolver(["127.0.0.1"], dns.port, max_ttl=0.1)
    sender = Sender(outcomes, allowed=[ip_network("127.0.0.1/32")], resolver=resolver)
    sender.start()
    with HttpServer() as public, HttpServer(host="127.0.0.2", port=public.port) as private:
        dns.table["rebinding.test"] = ["127.0.0.1"]
        sender.submit([post(public.url(host="rebinding.test"), "before")])
        outcomes.wait(1)
        dns.table["rebinding.test"] = ["127.0.0.2"]
        time.sleep(0.15)
        sender.submit([post(public.url(host="rebinding.test"), "after")])
        answers = outcomes.wait(2)
        sender.stop(0)
        assert (answers["before"].status, answers["after"].error) == (200, ErrorKind.BLOCKED)
        assert private.connections == 0
    resolver.close()


def test_a_name_that_moves_is_called_at_its_new_address(dns: DnsServer, sender: Sender, outcomes: Outcomes) -> None:
    closing = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    with HttpServer(closing) as old, HttpServer(host="127.0.0.2", port=old.port) as new:
        for number, address in enumerate(["127.0.0.1", "127.0.0.2"]):
            dns.table["moving.test"] = [address]
            sender.submit([post(old.url(host="moving.test"), address)])
            assert outcomes.wait(number + 1)[address].address == address
            time.sleep(0.15)
        assert (len(old.requests), len(new.requests)) == (1, 1)


def test_stopping_lets_calls_in_flight_end(server: HttpServer, outcomes: Outcomes) -> None:
    server.behaviour = after(0.2, ok())
    sender = Sender(outcomes, allowed=LOOPBACK)
    sender.start()
    sender.submit([post(server.url(), "slow")])
    while not server.requests:
        time.sleep(0.01)
    assert sender.stop(5) == []
    assert outcomes.by_tag["slow"].status == 200


def test_stopping_cuts_off_what_does_not_end_and_returns_it(
    server: HttpServer, outcomes: Outcomes, dns: DnsServer
) -> None:
    server.behaviour = hang
    dns.silent.add("silent.test")
    resolver = Resolver(["127.0.0.1"], dns.port)
    sender = Sender(outcomes, allowed=LOOPBACK, resolver=resolver)
    sender.start()
    hanging, nameless = post(server.url(), "hanging"), post("http://silent.test/", "nameless")
    sender.submit([hanging, nameless])
    while not server.requests:
        time.sleep(0.01)
    with within(1, at_least=0.15):
        assert sender.stop(0.2) == [hanging]
    assert {tag: answer.started for tag, answer in outcomes.by_tag.items()} == {"nameless": False}
    resolver.close()


def test_a_stopped_sender_takes_no_calls(outcomes: Outcomes) -> None:
    sender = Sender(outcomes)
    sender.start()
    sender.stop(0)
    with pytest.raises(RuntimeError, match="the sender is not running"):
        sender.submit([post("http://127.0.0.1/")])


def test_a_call_for_which_there_is_no_socket_left_was_not_started(
    server: HttpServer, sender: Sender, outcomes: Outcomes
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        sender.submit([post(server.url(), "poor")])
        answer = outcomes.wait(1)["poor"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert not answer.started
    assert "no socket left" in answer.error_message
    sender.submit([post(server.url(), "rich")])
    assert outcomes.wait(2)["rich"].status == 200


def test_calls_that_can_wait_leave_behind_those_that_cannot(
    server: HttpServer, sender: Sender, outcomes: Outcomes
) -> None:
    patient = [post(server.url("/patient"), number, can_wait=True) for number in range(100)]

    sender.submit([*patient, post(server.url("/urgent"), "urgent")])
    outcomes.wait(101)

    order = [request.path for request in server.requests]
    assert len(order) == 101
    assert order.index("/urgent") < 40
