from datetime import UTC, datetime, timedelta
from uuid import UUID
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.hits import Hit, Visitor, client_address, hit_from
from tracking.tokens import Link

MESSAGE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
EVENT = UUID("019a0000-0000-7000-8000-000000000001")
NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
PIXEL = Link(7, MESSAGE, 0)
CLICK = Link(7, MESSAGE, 3, "https://example.com/é")

instants = st.integers(0, 250_000_000_000_000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
facts = st.dictionaries(st.text(max_size=20), st.text(max_size=50) | st.integers(0, 65535), max_size=5)
hits = st.builds(
    Hit, st.uuids(), st.sampled_from(["open", "click"]), st.integers(0, 2**64 - 1), st.uuids(), instants, facts
)


def hit(link: Link = PIXEL, peer: str = "", **headers: bytes) -> Hit:
    names = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return hit_from(Visitor(peer, names), link, id=EVENT, occurred_at=NOW, proxies=0)


def test_a_click_has_all_that_the_request_tells() -> None:
    headers = {"user_agent": b"Mozilla/5.0 (X11; Linux x86_64)", "referer": b"https://mail.example/inbox"}
    assert hit(CLICK, "198.51.100.7", **headers) == Hit(
        id=EVENT,
        type="click",
        account=7,
        message=MESSAGE,
        occurred_at=datetime(2026, 3, 1, 12, 30, 15, 123000, tzinfo=UTC),
        data={
            "ip": "198.51.100.7",
            "useragent": "Mozilla/5.0 (X11; Linux x86_64)",
            "referer": "https://mail.example/inbox",
            "original": "https://example.com/é",
            "link": 3,
        },
    )


def test_what_tells_a_person_from_a_machine_is_kept_and_no_other_header() -> None:
    person = {"accept_language": b"de-DE,de;q=0.9", "cookie": b"session=1", "authorization": b"Basic x"}
    told = hit(PIXEL, "", via=b"1.1 google", sec_purpose=b"prefetch", purpose=b" \x00", accept=b"*/*", **person).data
    assert told == {"accept-language": "de-DE,de;q=0.9", "via": "1.1 google", "sec-purpose": "prefetch"}
    assert hit(via=b"x" * 5000).data == {"via": "x" * 200}


def test_what_an_open_does_not_know_it_leaves_out() -> None:
    bare = hit(user_agent=b" \x00\t ", referer=b"", x_other=b"x")
    assert (bare.type, bare.data) == ("open", {})


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"  Mail/1.0 ", "Mail/1.0"),
        (b"Mail\x00/\r\n1\x7f", "Mail/1"),
        ("Bücher".encode(), "Bücher"),
        ("📬 Mail".encode(), "📬 Mail"),
        (b"B\xfccher", "B\ufffdcher"),
        (b"C1 \xc2\x85 here", "C1  here"),
        (b"half \xed\xa0\xbd pair", "half \ufffd\ufffd\ufffd pair"),
        (b"x" * 1001, "x" * 1000),
        ("é".encode() * 1001, "é" * 1000),
        (b"x" * 999 + b"  y", "x" * 999),
    ],
)
def test_a_header_is_cleaned_and_capped(header: bytes, expected: str) -> None:
    assert hit(user_agent=header).data["useragent"] == expected


def test_a_referer_may_be_longer_than_a_user_agent() -> None:
    assert hit(referer=b"x" * 2001).data["referer"] == "x" * 2000


@given(st.binary(max_size=3000) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_in_a_header_become_clean_text(header: bytes) -> None:
    for value in hit(user_agent=header, referer=header).data.values():
        assert isinstance(value, str)
        assert value.encode().decode() == value
        assert value == value.strip() != ""
        assert not any(ord(character) < 0x20 or 0x7F <= ord(character) <= 0x9F for character in value)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 192.0.2.2", "203.0.113.9"),
        (3, "203.0.113.9,192.0.2.2", "203.0.113.9"),
        (1, None, "192.0.2.1"),
        (1, "", None),
        (1, "203.0.113.9,", None),
        (1, "unknown", None),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:DB8::0:1]:4711", "2001:db8::1"),
        (1, "[2001:db8::1]", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "203.0.113.999", None),
        (1, "203.0.113.9:port", None),
        (1, "203.0.113.9 OR 1=1", None),
        (1, "1", None),
        (1, "203.0.113", None),
        (1, "203.0.113.09", None),
        (1, "203.0.113.", None),
        (1, "[2001:db8::1", None),
    ],
)
def test_the_client_is_seen_through_the_declared_proxies_only(
    proxies: int, forwarded: str | None, expected: str | None
) -> None:
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    assert client_address(Visitor("192.0.2.1", headers), proxies) == expected


@pytest.mark.parametrize(("proxies", "expected"), [(1, "203.0.113.9"), (2, "198.51.100.1"), (3, "6.6.6.6")])
def test_a_header_that_came_in_several_lines_is_one_list(proxies: int, expected: str) -> None:
    lines = [b"6.6.6.6", b"198.51.100.1", b"203.0.113.9"]
    headers = [
        (b"x-forwarded-for", lines[0]),
        (b"user-agent", b"x"),
        *((b"x-forwarded-for", line) for line in lines[1:]),
    ]
    assert client_address(Visitor("192.0.2.1", headers), proxies) == expected


def test_a_name_with_underscores_is_another_header() -> None:
    assert client_address(Visitor("192.0.2.1", [(b"x_forwarded_for", b"6.6.6.6")]), 1) == "192.0.2.1"


@pytest.mark.parametrize("remote", ["", "unix:", "/run/web.sock", "localhost"])
def test_a_unix_socket_has_no_address(remote: str) -> None:
    assert client_address(Visitor(remote, []), 0) is None
    assert client_address(Visitor(remote, [(b"x-forwarded-for", b"203.0.113.9")]), 1) == "203.0.113.9"


@given(st.binary(), st.integers(1, 3))
def test_no_forwarded_header_is_too_odd_nor_passes_our_own_proxy_for_the_client(forwarded: bytes, proxies: int) -> None:
    headers = [(b"x-forwarded-for", forwarded)]
    at_a_socket = client_address(Visitor("not an address", headers), proxies)
    assert at_a_socket == client_address(Visitor("192.0.2.1", headers), proxies)


@given(hits)
def test_a_hit_comes_back_from_its_line(written: Hit) -> None:
    line = written.to_line()
    assert line.isascii()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert Hit.from_line(line) == written


@given(hits, st.data())
def test_a_line_with_any_bit_flipped_is_refused(written: Hit, data: st.DataObject) -> None:
    line = bytearray(written.to_line())
    line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ValueError, match="torn or was altered"):
        Hit.from_line(bytes(line))


@given(hits, st.data())
def test_a_line_torn_anywhere_is_refused_alone_and_before_the_next_line(written: Hit, data: st.DataObject) -> None:
    line = written.to_line()
    torn = line[: data.draw(st.integers(0, len(line) - 1))]
    with pytest.raises(ValueError, match="torn or was altered"):
        Hit.from_line(torn)
    if torn:
        with pytest.raises(ValueError, match="torn or was altered"):
            Hit.from_line(torn + line)


@given(st.binary())
def test_bytes_that_are_no_line_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="torn or was altered"):
        Hit.from_line(line)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[",
        b'{"id":1',
        b'{"id":' + b"[" * 100_000,
        b'{"id":"x"',
        b'{"id":"%(event)s","type":"open","account":"7","message":"%(event)s","ms":1,"data":{}',
        b'{"id":"%(event)s","type":"open","account":7,"message":"%(event)s","ms":1e9,"data":{}',
        b'{"id":"%(event)s","type":"open","account":7,"message":"%(event)s","ms":99999999999999999,"data":{}',
        b'{"id":"%(event)s","type":"open","account":7,"message":"%(event)s","ms":1,"data":[]',
    ],
)
def test_a_whole_line_that_holds_no_hit_is_refused(body: bytes) -> None:
    body = body.replace(b"%(event)s", str(EVENT).encode())
    with pytest.raises(ValueError, match="whole but holds no hit"):
        Hit.from_line(body + b',"crc":"%08x"}\n' % crc32(body))
