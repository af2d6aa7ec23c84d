"""One call against real servers: what comes back from each kind of script."""

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
    Behaviour,
    HttpServer,
    after,
    close,
    drip,
    hang,
    huge,
    in_turn,
    ok,
    raw,
    redirect,
    reset,
    status,
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


@pytest.mark.parametrize("code", [200, 201, 204, 400, 404, 410, 429, 500, 503, 999])
def test_any_status_is_an_answer(server: HttpServer, code: int) -> None:
    server.behaviour = status(code)
    answer = post(server.url())
    assert (answer.status, answer.error, answer.started, answer.address) == (code, None, True, "127.0.0.1")


def test_the_request_arrives_as_it_was_given(server: HttpServer) -> None:
    headers = [
        ("Host", "script.example"),
        ("Content-Type", "application/json"),
        ("Content-Length", "2"),
        ("X-Empty", ""),
    ]
    perform(Call(server.url("/a%2Fb;c/?q=%20&q"), headers, b"{}"), allowed=LOOPBACK)
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/a%2Fb;c/?q=%20&q", b"{}")
    assert sorted(request.headers) == sorted([*headers, ("Accept", "*/*")])


def test_a_body_with_nul_bytes_of_two_megabytes_arrives_whole_and_unannounced(server: HttpServer) -> None:
    body = b"\0x" * 1_000_000
    assert post(server.url(), body).status == 200
    assert server.requests[0].body == body
    assert server.requests[0].values("Expect") == []


def test_without_a_body_it_is_a_get(server: HttpServer) -> None:
    server.behaviour = ok(b"marketingsuite")
    answer = post(server.url("/file.txt"), None)
    assert server.requests[0].method == "GET"
    assert answer.body == b"marketingsuite"


@pytest.mark.parametrize("header", [("X-A", "b\r\nX-C: d"), ("X-A\n", "b"), ("X-A", "b\0"), ("X-Ä", "b")])
def test_a_header_that_smuggles_is_refused(header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="a header of the call holds"):
        Call("http://example.com/", [header])


def test_only_the_first_bytes_of_the_body_are_kept(server: HttpServer) -> None:
    server.behaviour = ok(b"0123456789")
    assert (post(server.url(), keep=10).body, post(server.url(), keep=10).truncated) == (b"0123456789", False)
    assert (post(server.url(), keep=4).body, post(server.url(), keep=4).truncated) == (b"0123", True)


def test_a_gigabyte_is_not_read_and_counts_by_its_status(server: HttpServer) -> None:
    server.behaviour = huge(10**9)
    with within(2):
        answer = post(server.url())
    assert (answer.status, answer.error, answer.truncated) == (200, ErrorKind.TOO_LARGE, True)
    assert answer.body == b"x" * 1024


@pytest.mark.parametrize(
    "head", [b"X: y\r\n" * 20_000, b"X: " + b"y" * 200_000 + b"\r\n", b"X: " + b"y" * 70_000 + b"\r\n"]
)
def test_an_endless_head_is_not_read(server: HttpServer, head: bytes) -> None:
    server.behaviour = raw(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
    answer = post(server.url())
    assert (answer.status, answer.error) == (200, ErrorKind.TOO_LARGE)
    assert answer.error_message


def test_a_compressed_answer_is_left_as_it_is(server: HttpServer) -> None:
    server.behaviour = status(200, b"\x1f\x8b packed", [("Content-Encoding", "gzip")])
    assert post(server.url()).body == b"\x1f\x8b packed"
    assert server.requests[0].values("Accept-Encoding") == []


def test_a_redirect_is_reported_and_not_followed(server: HttpServer) -> None:
    server.behaviour = redirect("/elsewhere")
    answer = post(server.url())
    assert (answer.status, answer.redirect, len(server.requests)) == (302, "/elsewhere", 1)


def test_a_cookie_is_not_sent_back(server: HttpServer) -> None:
    server.behaviour = status(200, headers=[("Set-Cookie", "a=b")])
    post(server.url())
    post(server.url())
    assert server.requests[1].values("Cookie") == []


def test_the_head_of_a_failing_answer_is_kept_but_for_interim_ones_and_cookies(server: HttpServer) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    final = (
        b"HTTP/1.1 500 Oh\xe9\r\nServer: old\r\nset-COOKIE: session=1\r\nSet-Cookie2: a=b\r\nContent-Length: 0\r\n\r\n"
    )
    server.behaviour = raw(interim + final)
    assert post(server.url()).head == "HTTP/1.1 500 Oh\xe9\nServer: old\nContent-Length: 0"
    server.behaviour = status(404, headers=[("X-Long", "x" * 5000)])
    assert len(post(server.url()).head) == 2000
    server.behaviour = status(200, headers=[("X-Fine", "yes")])
    assert post(server.url()).head == ""


@pytest.mark.parametrize("value", ["120", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_retry_after_is_handed_on_as_it_came(server: HttpServer, value: str) -> None:
    server.behaviour = status(503, headers=[("Retry-After", value)])
    assert post(server.url()).retry_after == value


def test_headers_of_an_interim_answer_do_not_count(server: HttpServer) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\n\r\n"
    server.behaviour = raw(interim + b"HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n")
    assert post(server.url()).retry_after == "2"


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        (close, ErrorKind.RESET, "it closed without a word"),
        (reset, ErrorKind.RESET, "the connection was reset"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), ErrorKind.RESET, "the answer broke off"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz"), ErrorKind.RESET, "hex"),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), ErrorKind.PROTOCOL, "HTTP/0.9"),
        (raw(b"\0\1\2\3"), ErrorKind.PROTOCOL, "HTTP/0.9"),
        (raw(b"HTTP/1.1 abc\r\n\r\n"), ErrorKind.PROTOCOL, ""),
        (hang, ErrorKind.TIMED_OUT, "it took the connection, but gave no answer within 0.3 s"),
        (drip(0.05), ErrorKind.TIMED_OUT, "status 200 came, but the answer did not end within 0.3 s"),
    ],
)
def test_a_script_that_fails_to_answer_says_why(
    server: HttpServer, behaviour: Behaviour, error: ErrorKind, words: str
) -> None:
    server.behaviour = behaviour
    with within(0.8):
        answer = post(server.url(), deadline=0.3)
    assert answer.error is error
    assert words in answer.error_message
    assert answer.started


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
