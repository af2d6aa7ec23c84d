import queue
import time
from collections.abc import Iterator

import pytest

from feedbackloops.outbound.resolver import Resolution, Resolver, without_lookup
from tests.dns_server import DnsServer
from tests.promptness import within


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


def resolver_for(dns: DnsServer, *, deadline: float = 5.0, negative_ttl: float = 5.0, max_names: int = 100) -> Resolver:
    return Resolver(["127.0.0.1"], dns.port, deadline=deadline, negative_ttl=negative_ttl, max_names=max_names)


@pytest.fixture
def resolver(dns: DnsServer) -> Iterator[Resolver]:
    resolver = resolver_for(dns)
    yield resolver
    resolver.close()


def look_up(resolver: Resolver, host: str) -> Resolution:
    answers: queue.SimpleQueue[Resolution] = queue.SimpleQueue()
    resolver.resolve(host, answers.put)
    return answers.get(timeout=5)


def test_a_name_resolves_to_all_its_addresses(dns: DnsServer, resolver: Resolver) -> None:
    dns.table["script.test"] = ["127.0.0.2", "127.0.0.1", "::1"]
    resolution = look_up(resolver, "script.test")
    assert sorted(resolution.addresses) == ["127.0.0.1", "127.0.0.2", "::1"]
    assert resolution.problem == ""


def test_localhost_needs_no_name_server(resolver: Resolver, dns: DnsServer) -> None:
    assert "127.0.0.1" in look_up(resolver, "localhost").addresses
    assert dns.asked == []


def test_a_name_is_not_looked_for_in_the_search_domains(dns: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALDOMAIN", "test")
    dns.table["script.test"] = ["127.0.0.1"]
    resolver = resolver_for(dns)
    assert look_up(resolver, "script").problem == "the name script does not exist"
    resolver.close()


@pytest.mark.parametrize(
    ("host", "address"),
    [("192.0.2.7", "192.0.2.7"), ("[::1]", "::1"), ("::1", "::1"), ("[2001:db8::0:7]", "2001:db8::7")],
)
def test_an_address_is_its_own_resolution(host: str, address: str, resolver: Resolver, dns: DnsServer) -> None:
    assert look_up(resolver, host).addresses == (address,)
    assert dns.asked == []


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "0x",
        "1.2.3.4.5",
        "1.2.3.256",
        "a.1",
        "127.1.",
        "127.0.0.1.",
    ],
)
def test_a_host_that_ends_in_a_number_is_refused_unless_it_is_a_plain_address(host: str, resolver: Resolver) -> None:
    resolution = look_up(resolver, host)
    assert resolution.addresses == ()
    assert "write an IPv4 address as four decimal numbers" in resolution.problem


@pytest.mark.parametrize(
    "host", ["example.com", "1.example.com", "0x7f.example.com", "123abc", "xn--mnchen-3ya.de", "a.0xg"]
)
def test_a_host_name_needs_a_look_up(host: str) -> None:
    assert without_lookup(host) is None


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("nowhere.test", "the name nowhere.test does not exist"),
        ("empty.test", "the name empty.test has no address"),
        ("failing.test", "the name servers for failing.test failed"),
        ("a..b", "a..b is not a valid host name"),
        ("a" * 70 + ".test", "is not a valid host name"),
        ("münch\udcffen.test", "is not a valid host name"),
    ],
)
def test_a_name_without_addresses_gets_a_reason(host: str, words: str, dns: DnsServer, resolver: Resolver) -> None:
    dns.table["empty.test"] = []
    dns.failing.add("failing.test")
    resolution = look_up(resolver, host)
    assert resolution.addresses == ()
    assert words in resolution.problem


def test_a_name_that_hangs_is_given_up_at_the_deadline(dns: DnsServer) -> None:
    dns.silent.add("silent.test")
    resolver = resolver_for(dns, deadline=0.2)
    with within(1, at_least=0.15):
        resolution = look_up(resolver, "silent.test")
    assert resolution.problem == "the name silent.test did not resolve within 0.2 s"
    resolver.close()


def test_five_hundred_names_that_hang_do_not_hold_up_a_healthy_one(dns: DnsServer, resolver: Resolver) -> None:
    names = [f"silent{number}.test" for number in range(500)]
    dns.silent.update(names)
    dns.table["healthy.test"] = ["127.0.0.1"]
    give_up = time.monotonic() + 40
    for number, name in enumerate(names):
        resolver.resolve(name, lambda _: None)
        # No faster than the server reads: what overflows its socket buffer is lost.
        while len(dns.asked) < number - 50:
            assert time.monotonic() < give_up
            time.sleep(0.001)
    with within(1):
        assert look_up(resolver, "healthy.test").addresses == ("127.0.0.1",)


def test_simultaneous_look_ups_of_a_name_are_one_query(dns: DnsServer, resolver: Resolver) -> None:
    dns.delays["script.test"] = 0.1
    dns.table["script.test"] = ["127.0.0.1"]
    answers: queue.SimpleQueue[Resolution] = queue.SimpleQueue()
    for _ in range(20):
        resolver.resolve("script.test", answers.put)
    for _ in range(20):
        assert answers.get(timeout=5).addresses == ("127.0.0.1",)
    assert dns.asked == ["script.test"]


def test_an_answer_is_kept_for_its_time_to_live_and_no_longer(dns: DnsServer, resolver: Resolver) -> None:
    dns.ttl = 1
    dns.table["script.test"] = ["127.0.0.1"]
    assert look_up(resolver, "script.test").addresses == ("127.0.0.1",)
    dns.table["script.test"] = ["127.0.0.2"]
    assert look_up(resolver, "script.test").addresses == ("127.0.0.1",)
    time.sleep(1.1)
    assert look_up(resolver, "script.test").addresses == ("127.0.0.2",)


def test_a_failure_is_kept_for_a_moment(dns: DnsServer) -> None:
    resolver = resolver_for(dns, negative_ttl=0.3)
    assert look_up(resolver, "late.test").addresses == ()
    dns.table["late.test"] = ["127.0.0.1"]
    assert look_up(resolver, "late.test").addresses == ()
    time.sleep(0.35)
    assert look_up(resolver, "late.test").addresses == ("127.0.0.1",)
    resolver.close()


def test_an_answer_after_the_deadline_serves_the_next_look_up(dns: DnsServer) -> None:
    dns.delays["slow.test"] = 0.2
    dns.table["slow.test"] = ["127.0.0.1"]
    dns.ttl = 60
    resolver = resolver_for(dns, deadline=0.1)
    assert look_up(resolver, "slow.test").addresses == ()
    give_up = time.monotonic() + 5
    while not (known := resolver.known("slow.test")) or not known.addresses:
        assert time.monotonic() < give_up
        time.sleep(0.01)
    resolver.close()


def test_names_asked_for_least_recently_are_forgotten_first(dns: DnsServer) -> None:
    dns.ttl = 60
    dns.table |= {name: ["127.0.0.1"] for name in ("a.test", "b.test", "c.test")}
    resolver = resolver_for(dns, max_names=2)
    for name in ("a.test", "b.test", "a.test", "c.test"):
        look_up(resolver, name)
    assert resolver.known("a.test")
    assert resolver.known("c.test")
    assert resolver.known("b.test") is None
    resolver.close()


def test_a_callback_that_fails_does_not_harm_the_others(
    dns: DnsServer, resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    dns.delays["script.test"] = 0.1
    dns.table["script.test"] = ["127.0.0.1"]
    answers: queue.SimpleQueue[Resolution] = queue.SimpleQueue()
    resolver.resolve("script.test", lambda resolution: 1 / 0)  # type: ignore[arg-type]
    resolver.resolve("script.test", answers.put)
    assert answers.get(timeout=5).addresses == ("127.0.0.1",)
    assert "A callback for the name script.test failed" in caplog.text


def test_closing_fails_the_look_ups_in_flight_and_those_to_come(dns: DnsServer) -> None:
    dns.silent.add("silent.test")
    resolver = resolver_for(dns)
    answers: queue.SimpleQueue[Resolution] = queue.SimpleQueue()
    resolver.resolve("silent.test", answers.put)
    resolver.close()
    assert answers.get(timeout=1).problem == "the resolver was closed"
    assert look_up(resolver, "script.test").problem == "the resolver was closed"
