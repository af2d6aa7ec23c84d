"""Which URLs may be used, and which of them stand at the same place."""

import socket
import threading

import pycurl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol.place import LONGEST_URL, NOWHERE, parse, place_of, url_problem

pieces = ["http", ":", "//", "/", "..", ".", "%2e", "%2F", "a", "é", "[", "]", "::1", "@", "?", "#", "80", "\\"]
hosts = st.sampled_from(["http://a.b", "HTTPS://[::1]:81", "http://é。x", "http://", "http:/"])
# Addresses as inet_aton reads them, and what only looks like one.
DISGUISED = [
    *("2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "127.1", "0x", "1.2.3.4.5", "1.2.3.256", "a.1"),
    "\uff11\uff12\uff17.1",
]
urls = st.text() | st.builds(str.__add__, hosts, st.text() | st.lists(st.sampled_from(pieces)).map("".join))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://example.com/dir/script.php", "https://example.com:443/dir/"),
        ("http://example.com", "http://example.com:80/"),
        ("HTTPS://EXAMPLE.com.:0443/Dir/x?y=/z/", "https://example.com:443/Dir/"),
        ("https://example.com:/x", "https://example.com:443/"),
        ("https://example.com?x=/a/b", "https://example.com:443/"),
        ("https://example.com:8443/a/b/", "https://example.com:8443/a/b/"),
        ("https://example.com/a/./b/../c", "https://example.com:443/a/"),
        ("https://example.com/a/..", "https://example.com:443/"),
        ("https://example.com/a/.", "https://example.com:443/a/"),
        ("https://example.com/a/b/..", "https://example.com:443/a/"),
        ("https://example.com/!$&'()*+,;=:@~/x", "https://example.com:443/!$&'()*+,;=:@~/"),
        ("https://example.com/../../a/x", "https://example.com:443/a/"),
        ("https://example.com/a/%2e%2E/b/x", "https://example.com:443/b/"),
        ("https://example.com/a/.%2e", "https://example.com:443/"),
        ("https://example.com//a//x", "https://example.com:443//a//"),
        ("https://example.com/a//../x", "https://example.com:443/a/"),
        ("https://example.com/%c3%a9/x", "https://example.com:443/%C3%A9/"),
        ("https://example.com/é/x", "https://example.com:443/%C3%A9/"),
        ("https://example.com/a%zz/x", "https://example.com:443/a%zz/"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example:443/"),
        ("https://BÜCHER。example/x", "https://xn--bcher-kva.example:443/"),
        ("https://straße.example/x", "https://xn--strae-oqa.example:443/"),
        ("http://[2001:DB8:0::1]:81/d/", "http://[2001:db8::1]:81/d/"),
        ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]:80/"),
        ("http://192.0.2.7./", "http://192.0.2.7:80/"),
        ("http://my_host/", "http://my_host:80/"),
    ],
)
def test_a_url_has_one_place(url: str, place: str) -> None:
    assert url_problem(url) is None
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/a/x", "http://example.com/a/x"),
        ("https://example.com/a/x", "https://www.example.com/a/x"),
        ("https://example.com/a/x", "https://example.com:444/a/x"),
        ("https://example.com/a/x", "https://example.com/A/x"),
        ("https://example.com/a/x", "https://example.com/a/b/x"),
        ("https://example.com/a/x", "https://example.com/%61/x"),
        ("https://example.com/a/b/x", "https://example.com/a%2Fb/x"),
        ("https://example.com/a/x", "https://example.com//a/x"),
        ("https://example.com/a;p/x", "https://example.com/a/x"),
    ],
)
def test_what_a_server_may_tell_apart_is_another_place(one: str, other: str) -> None:
    assert place_of(one) != place_of(other)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must start with http"),
        ("example.com/x", "must start with http"),
        ("ftp://example.com/", "must start with http"),
        ("file:///etc/passwd", "must start with http"),
        ("//example.com/", "must start with http"),
        ("http:", "names no host"),
        ("http:/example.com/", "names no host"),
        ("http://", "names no host"),
        ("https:///x", "names no host"),
        ("https://?x", "names no host"),
        ("https://:80/", "names no host"),
        ("https://./", "names no host"),
        ("https://user:password@example.com/", "user name or password"),
        ("https://@example.com/", "user name or password"),
        ("https://example.com/a b", "space"),
        (" https://example.com/", "space"),
        ("https://example.com/\n", "line break"),
        ("ht\ttp://example.com/", "tab"),
        ("https://example.com/\u3000", "space"),
        ("https://example.com/\0", "control character"),
        ("https://example.com/\x7f", "control character"),
        ("https://example.com/\u200b", "invisible"),
        ("https://example.com/\u202etxt", "invisible"),
        ("https://example.com/\ud800", "invisible"),
        ("http://good\\@evil/", "backslash"),
        ("http:\\\\example.com/", "backslash"),
        ("https://example.com/#top", "fragment"),
        ("https://example.com/x?y#", "fragment"),
        ("https://example.com:0/", "1 to 65535"),
        ("https://example.com:65536/", "1 to 65535"),
        ("https://example.com:99999999999/", "1 to 65535"),
        ("https://example.com:+80/", "1 to 65535"),
        ("https://example.com:\uff18\uff10/", "1 to 65535"),
        ("https://example.com:80:80/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("https://::1/", "cannot be read"),
        ("https://[::1]x/", "cannot be read"),
        ("https://[::1::]/", "not an IPv6 address"),
        ("https://[fe80::1%25eth0]/", "not an IPv6 address"),
        ("https://[127.0.0.1]/", "not an IPv6 address"),
        ("https://[]/", "not an IPv6 address"),
        ("https://a..b/", "name server"),
        ("https://.a/", "name server"),
        ("https://ex%61mple.com/", "name server"),
        ("https://a,b/", "name server"),
        (f"https://{'a' * 64}.com/", "name server"),
        (f"https://{'a.' * 127}com/", "name server"),
        *((f"https://{host}/", "four decimal numbers") for host in DISGUISED),
        ("https://a℀b.com/", "not allowed in a domain name"),
        ("https://é_.com/", "not allowed in a domain name"),
        (f"https://{'é' * 254}/", "253 characters"),
    ],
)
def test_an_unusable_url_gets_a_sentence_that_says_why(url: str, words: str) -> None:
    problem = url_problem(url)
    assert problem is not None
    assert words in problem
    assert place_of(url) == NOWHERE


@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_url_may_be_two_thousand_characters_long_on_the_wire(letter: str) -> None:
    room = (LONGEST_URL - len("https://x/")) // (6 if letter == "é" else 1)
    assert url_problem("https://x/" + letter * room) is None
    assert f"{LONGEST_URL} is the most" in str(url_problem("https://x/" + letter * (room + 1)))


def test_an_escaped_slash_ends_a_directory_as_it_does_for_many_servers() -> None:
    mine = place_of("https://shared.example/~mallory/own.php")

    assert place_of("https://shared.example/~mallory/..%2f~victim%2fscript.php") != mine
    assert place_of("https://shared.example/~mallory/..%5cscript.php") != mine


def test_no_place_is_never_equal_to_a_place_that_was_never_verified() -> None:
    assert place_of("") not in ("", None)


@given(urls)
def test_no_text_breaks_them_and_a_place_is_its_own_place(url: str) -> None:
    problem, place = url_problem(url), place_of(url)
    assert place_of(place) == place
    assert (problem is None) == (place != NOWHERE) or len(url) > 100
    if problem is None:
        assert parse(parse(url).url) == parse(url)
        assert place_of(parse(url).url) == place


def answer_once(listener: socket.socket, received: list[str]) -> None:
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as lines:
        received.extend(line.decode("ascii").rstrip() for line in iter(lines.readline, b"\r\n"))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def head_sent_by_libcurl(listener: socket.socket, url: str) -> list[str]:
    received: list[str] = []
    server = threading.Thread(target=answer_once, args=(listener, received), daemon=True)
    server.start()
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.TIMEOUT, 5)
    curl.setopt(pycurl.NOPROXY, "*")
    curl.perform()
    curl.close()
    server.join(timeout=5)
    return received


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "?q", "/a/../b", "/a/%2e%2e/b/.", "//a//", "/é?ü=é", "/a%2fb?c%2fd", "/%zz?%"),
        *('/{x}|^`"<>?{y}"<>', "/[x]?a[]=1&b='", "/%2e%2ex/%41?%2e./../%41"),
    ],
)
def test_libcurl_sends_exactly_the_target_and_host_that_are_signed(path: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = parse(f"http://127.0.0.1:{listener.getsockname()[1]}{path}")
        first, *rest = head_sent_by_libcurl(listener, target.url)
    assert first == f"GET {target.request_target} HTTP/1.1"
    assert f"Host: {target.host_header}" in rest
