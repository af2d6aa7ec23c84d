"""One call against real servers: what comes back from each kind of script."""

from ipaddress import ip_network
from typing import Any

import pytest

from feedbackloops.outbound import Answer, Call, perform
from feedbackloops.protocol.outcome import ErrorKind
from tests.http_server import (
    Behaviour,
    HttpServer,
    close,
    drip,
    hang,
    huge,
    ok,
    raw,
    redirect,
    reset,
    status,
)
from tests.promptness import within

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


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
