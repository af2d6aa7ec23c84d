"""One call to places that are hard to reach, or never called: names, addresses, proxies, certificates."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import trustme

from feedbackloops.outbound import Answer, Call, Resolver, perform
from feedbackloops.protocol.certificates import TlsFault
from feedbackloops.protocol.outcome import ErrorKind
from tests.dns_server import DnsServer
from tests.http_server import (
    HttpServer,
    after,
    hang,
    in_turn,
    ok,
    raw,
)
from tests.promptness import within

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


@pytest.fixture
def resolver(dns: DnsServer) -> Iterator[Resolver]:
    resolver = Resolver(["127.0.0.1"], dns.port, deadline=0.5, max_ttl=0.1)
    yield resolver
    resolver.close()


def post(url: str, body: bytes | None = b"type=open", **options: Any) -> Answer:
    on_the_way = {name: options.pop(name) for name in ("resolver", "ca_file") if name in options}
    allowed = options.pop("allowed", LOOPBACK)
    return perform(Call(url, body=body, **options), allowed=allowed, **on_the_way)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_port_without_a_listener_refuses() -> None:
    answer = post(f"http://127.0.0.1:{free_port()}/")
    assert (answer.error, answer.error_message) == (ErrorKind.REFUSED, "nothing listens there")


@contextmanager
def deaf_listener(host: str, port: int = 0) -> Iterator[int]:
    """A port where connections are never completed: its queue is full and nobody accepts."""
    with socket.create_server((host, port), backlog=0) as listener:
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for caller in callers:
            caller.close()


def test_a_host_that_swallows_connections_times_out() -> None:
    with within(1), deaf_listener("127.0.0.1") as port:
        answer = post(f"http://127.0.0.1:{port}/", connect_timeout=0.3)
    assert (answer.error, answer.error_message) == (ErrorKind.TIMED_OUT, "no connection within 0.3 s")


def test_ipv6_works_by_address_and_by_name(dns: DnsServer, resolver: Resolver) -> None:
    dns.table["six.test"] = ["::1"]
    with HttpServer(host="::1") as server:
        assert post(server.url()).address == "::1"
        assert post(server.url(host="six.test"), resolver=resolver).address == "::1"


def test_localhost_works_on_either_family(server: HttpServer) -> None:
    assert post(server.url(host="localhost")).status == 200


@pytest.mark.parametrize("dead", ["127.0.0.2", "::1"])
def test_the_next_address_is_tried_when_one_refuses(
    dead: str, server: HttpServer, dns: DnsServer, resolver: Resolver
) -> None:
    dns.table["script.test"] = [dead, "127.0.0.1"]
    answer = post(server.url(host="script.test"), resolver=resolver)
    assert (answer.status, answer.address) == (200, "127.0.0.1")


def test_the_next_address_is_tried_when_one_is_dead(server: HttpServer, dns: DnsServer, resolver: Resolver) -> None:
    dns.table["script.test"] = ["127.0.0.2", "127.0.0.1"]
    with deaf_listener("127.0.0.2", server.port):
        answer = post(server.url(host="script.test"), resolver=resolver, connect_timeout=3.0)
    assert (answer.status, answer.address) == (200, "127.0.0.1")


def test_a_name_that_does_not_exist_is_a_dns_error(resolver: Resolver) -> None:
    answer = post("http://nowhere.test/", resolver=resolver)
    assert (answer.error, answer.error_message) == (ErrorKind.DNS, "the name nowhere.test does not exist")


def test_a_name_that_hangs_is_a_dns_error_at_its_deadline(dns: DnsServer, resolver: Resolver) -> None:
    dns.silent.add("silent.test")
    answer = post("http://silent.test/", resolver=resolver)
    assert (answer.error, answer.error_message) == (
        ErrorKind.DNS,
        "the name silent.test did not resolve within 0.5 s",
    )
    assert 0.4 < answer.timings.dns < 1


def test_the_deadline_includes_the_look_up(server: HttpServer, dns: DnsServer, resolver: Resolver) -> None:
    server.behaviour = hang
    dns.table["slow.test"] = ["127.0.0.1"]
    dns.delays["slow.test"] = 0.3
    began = time.monotonic()
    answer = post(server.url(host="slow.test"), resolver=resolver, deadline=0.4)
    assert answer.error is ErrorKind.TIMED_OUT
    assert len(server.requests) == 1
    assert time.monotonic() - began < 0.6


def test_a_look_up_longer_than_the_deadline_leaves_no_time_to_call(
    server: HttpServer, dns: DnsServer, resolver: Resolver
) -> None:
    dns.table["slow.test"] = ["127.0.0.1"]
    dns.delays["slow.test"] = 0.2
    answer = post(server.url(host="slow.test"), resolver=resolver, deadline=0.1)
    assert (answer.error, server.connections) == (ErrorKind.TIMED_OUT, 0)
    assert answer.error_message == "the name slow.test did not resolve within 0.1 s"


def test_a_private_address_is_not_called(server: HttpServer) -> None:
    answer = post(server.url(), allowed=[])
    assert answer.error is ErrorKind.BLOCKED
    assert answer.error_message == "127.0.0.1: it is a loopback address (127.0.0.0/8)"
    assert server.connections == 0


def test_a_name_with_a_private_address_is_not_called(server: HttpServer, dns: DnsServer, resolver: Resolver) -> None:
    dns.table["inside.test"] = ["127.0.0.1", "::1"]
    answer = post(server.url(host="inside.test"), resolver=resolver, allowed=[])
    assert answer.error is ErrorKind.BLOCKED
    assert "loopback" in answer.error_message
    assert server.connections == 0


def test_of_several_addresses_only_those_that_may_be_called_are(
    server: HttpServer, dns: DnsServer, resolver: Resolver
) -> None:
    dns.table["mixed.test"] = ["127.0.0.2", "127.0.0.1"]
    with HttpServer(host="127.0.0.2", port=server.port) as forbidden:
        answer = post(server.url(host="mixed.test"), resolver=resolver, allowed=[ip_network("127.0.0.1/32")])
        assert (answer.address, forbidden.connections) == ("127.0.0.1", 0)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:///etc/passwd", "must start with http:// or https://"),
        ("ftp://127.0.0.1/", "must start with http:// or https://"),
        ("http://user:secret@127.0.0.1/", "user name or password"),
        ("http:///path", "names no host"),
        ("", "must start with http:// or https://"),
    ],
)
def test_a_url_that_is_no_web_address_is_not_called(url: str, words: str) -> None:
    answer = post(url)
    assert answer.error is ErrorKind.BLOCKED
    assert words in answer.error_message


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f.1", "127.1"])
def test_an_address_in_disguise_is_not_called(host: str, server: HttpServer) -> None:
    answer = post(server.url(host=host))
    assert "write an IPv4 address as four decimal numbers" in answer.error_message
    assert server.connections == 0


def test_the_environment_names_no_proxy(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert post(server.url()).status == 200


def test_a_netrc_file_names_no_password(server: HttpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    post(server.url())
    assert server.requests[0].values("Authorization") == []


def test_a_connection_closed_between_two_requests_goes_unnoticed(server: HttpServer) -> None:
    server.behaviour = in_turn(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), ok())
    assert [post(server.url()).status for _ in range(2)] == [200, 200]


def test_the_time_of_each_step_is_told(server: HttpServer, dns: DnsServer, resolver: Resolver) -> None:
    server.behaviour = after(0.1, ok())
    dns.table["slow.test"] = ["127.0.0.1"]
    dns.delays["slow.test"] = 0.1
    timings = post(server.url(host="slow.test"), resolver=resolver).timings
    assert timings.dns == pytest.approx(0.1, abs=0.08)
    assert timings.first_byte == pytest.approx(0.1, abs=0.08)
    assert 0 < timings.connect < 0.1
    assert timings.tls == 0
    assert timings.total >= timings.dns + timings.connect + timings.first_byte


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def tls_context(authority: trustme.CA, name: str = "127.0.0.1", *, expired: bool = False) -> ssl.SSLContext:
    end = datetime.now(UTC) + timedelta(days=-1 if expired else 1)
    certificate = authority.issue_cert(name, not_before=end - timedelta(days=2), not_after=end)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def test_a_trusted_certificate_is_fine(authority: trustme.CA, ca_file: str) -> None:
    with HttpServer(tls=tls_context(authority)) as server:
        answer = post(server.url(), ca_file=ca_file)
    assert (answer.status, answer.error) == (200, None)
    assert answer.timings.tls > 0


@pytest.mark.parametrize(
    ("name", "expired", "trusted", "words"),
    [
        ("127.0.0.1", False, False, "certificate"),
        ("127.0.0.1", True, True, "expired"),
        ("other.test", False, True, "127.0.0.1"),
    ],
)
def test_a_broken_certificate_is_a_tls_error(
    authority: trustme.CA, ca_file: str, name: str, expired: bool, trusted: bool, words: str
) -> None:
    with HttpServer(tls=tls_context(authority, name, expired=expired)) as server:
        answer = post(server.url(), ca_file=ca_file if trusted else None)
    assert answer.error is ErrorKind.TLS
    assert words in answer.error_message
    assert server.requests == []


def test_the_certificate_comes_back_only_to_those_who_want_it(authority: trustme.CA, ca_file: str) -> None:
    with HttpServer(tls=tls_context(authority)) as server:
        wanted, other = (post(server.url(), ca_file=ca_file, wants_certificate=wants) for wants in (True, False))
    assert wanted.certificate.startswith(b"-----BEGIN CERTIFICATE-----")
    assert (wanted.tls_fault, other.certificate) == (None, b"")


def test_a_server_without_tls_shows_no_certificate(server: HttpServer, ca_file: str) -> None:
    server.behaviour = raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    url = server.url().replace("http://", "https://")
    answer = post(url, ca_file=ca_file, deadline=1.0, wants_certificate=True)
    assert (answer.certificate, answer.tls_fault) == (b"", TlsFault.OTHER)
    assert post(server.url(), wants_certificate=True).certificate == b""


def test_a_server_that_speaks_no_tls_is_a_tls_error(server: HttpServer, ca_file: str) -> None:
    server.behaviour = raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    answer = post(server.url().replace("http://", "https://"), ca_file=ca_file, deadline=1.0)
    assert answer.error is ErrorKind.TLS
