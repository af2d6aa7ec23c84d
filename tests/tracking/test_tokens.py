from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import unquote, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.tokens import (
    BadToken,
    Keyring,
    Link,
    location_header,
    read_click,
    read_open,
    read_unsubscribe,
    sign_click,
    sign_open,
    sign_unsubscribe,
    target_problem,
)

MESSAGE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
KEYRING = Keyring({1: b"a" * 32, 2: b"b" * 64}, current=2)
NOW = 1_785_000_000.0
PIXEL = Link(7, MESSAGE, 0)
CLICK = Link(7, MESSAGE, 3, "https://shop.example.com/sale?a=1&b=2")

accounts = st.integers(0, 2**64 - 1)
urls = st.text(max_size=300).map("https://example.com/".__add__).filter(lambda url: target_problem(url) is None)
clicks = st.builds(Link, accounts, st.uuids(), st.integers(1, 0xFFFF), urls)


def secret(byte: bytes, size: int = 32) -> str:
    return b64encode(byte * size).decode()


@given(clicks)
def test_a_click_comes_back_as_it_was_signed(link: Link) -> None:
    assert read_click(sign_click(link, KEYRING), KEYRING, NOW) == link


@given(st.builds(Link, accounts, st.uuids(), st.just(0)))
def test_a_pixel_comes_back_as_it_was_signed(link: Link) -> None:
    assert read_open(sign_open(link, KEYRING), KEYRING, NOW) == link


@given(st.builds(Link, accounts, st.uuids(), st.just(0)))
def test_a_link_to_unsubscribe_comes_back_as_it_was_signed_and_is_nothing_else(link: Link) -> None:
    token = sign_unsubscribe(link, KEYRING)
    assert read_unsubscribe(token, KEYRING, NOW) == link
    for read in (read_open, read_click):
        with pytest.raises(BadToken, match=r"^forged$"):
            read(token, KEYRING, NOW)
    for other in (sign_open(link, KEYRING), sign_click(CLICK, KEYRING)):
        with pytest.raises(BadToken, match=r"^forged$"):
            read_unsubscribe(other, KEYRING, NOW)


@given(st.text() | st.binary().map(lambda raw: urlsafe_b64encode(raw).decode()))
def test_text_that_is_no_token_unsubscribes_nobody(text: str) -> None:
    with pytest.raises(BadToken):
        read_unsubscribe(text, KEYRING, NOW)


def test_a_token_has_the_documented_layout() -> None:
    content = urlsafe_b64decode(sign_open(PIXEL, KEYRING) + "==")
    assert content[:28] == bytes([1, 2, 0, 0, 0, 0, 0, 0, 0, 7]) + MESSAGE.bytes + bytes([0, 0])
    assert len(content) == 28 + 16


def test_a_token_is_one_plain_path_segment() -> None:
    assert set(sign_click(CLICK, KEYRING)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(clicks, st.data())
def test_a_token_with_any_byte_changed_is_refused(link: Link, data: st.DataObject) -> None:
    content = bytearray(urlsafe_b64decode(sign_click(link, KEYRING) + "=="))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadToken):
        read_click(urlsafe_b64encode(content).rstrip(b"=").decode(), KEYRING, NOW)


@given(st.data())
def test_a_token_cut_anywhere_is_refused(data: st.DataObject) -> None:
    token = sign_click(CLICK, KEYRING)
    with pytest.raises(BadToken):
        read_click(token[: data.draw(st.integers(0, len(token) - 1))], KEYRING, NOW)


@given(st.text())
def test_text_that_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(BadToken):
        read_open(text, KEYRING, NOW)


def test_a_pixels_token_is_no_click_and_the_other_way_round() -> None:
    with pytest.raises(BadToken, match=r"^forged$"):
        read_click(sign_open(PIXEL, KEYRING), KEYRING, NOW)
    with pytest.raises(BadToken, match=r"^forged$"):
        read_open(sign_click(CLICK, KEYRING), KEYRING, NOW)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token[:9] + "." + token[9:],
        lambda token: "é" + token,
        lambda token: token[:20],
        # The last character of a 44 byte token has four spare bits.
        lambda token: token[:-1] + chr(ord(token[-1]) + 1),
        lambda token: "A" * 8196,
    ],
)
def test_there_is_only_one_way_to_write_a_token(spoil: Callable[[str], str]) -> None:
    with pytest.raises(BadToken, match=r"^malformed$"):
        read_open(spoil(sign_open(PIXEL, KEYRING)), KEYRING, NOW)


def test_an_unknown_version_says_so() -> None:
    content = urlsafe_b64decode(sign_open(PIXEL, KEYRING) + "==")
    with pytest.raises(BadToken, match=r"^unknown version$"):
        read_open(urlsafe_b64encode(b"\x02" + content[1:]).rstrip(b"=").decode(), KEYRING, NOW)


def test_old_keys_verify_until_they_are_retired() -> None:
    token = sign_open(PIXEL, Keyring({1: b"a" * 32}, current=1))
    assert read_open(token, KEYRING, NOW) == PIXEL
    with pytest.raises(BadToken, match=r"^unknown key$"):
        read_open(token, Keyring({2: b"b" * 64}, current=2), NOW)


def test_another_secret_under_the_same_id_does_not_verify() -> None:
    with pytest.raises(BadToken, match=r"^forged$"):
        read_open(sign_open(PIXEL, KEYRING), Keyring({2: b"c" * 64}, current=2), NOW)


@pytest.mark.parametrize(
    "link", [Link(7, MESSAGE, 1), Link(7, MESSAGE, 0, "https://example.com/"), Link(-1, MESSAGE, 0)]
)
def test_what_is_no_pixel_is_not_signed_as_one(link: Link) -> None:
    with pytest.raises(ValueError, match=r"^(A pixel has|An account's number)"):
        sign_open(link, KEYRING)


@pytest.mark.parametrize("index", [-1, 0, 0x10000])
def test_a_link_with_an_index_out_of_range_is_not_signed(index: int) -> None:
    with pytest.raises(ValueError, match="index must be from 1 to 65535"):
        sign_click(Link(7, MESSAGE, index, "https://example.com/"), KEYRING)


def test_a_refused_target_is_not_signed() -> None:
    with pytest.raises(ValueError, match="must start with http"):
        sign_click(Link(7, MESSAGE, 1, "javascript:alert(1)"), KEYRING)


def test_a_keyring_is_read_from_text_with_the_first_key_current() -> None:
    keyring = Keyring.parse(f"2:{secret(b'b', 64)}, 1:{secret(b'a')}")
    assert keyring == KEYRING


def test_a_keyring_takes_both_alphabets_of_base64() -> None:
    standard, url_safe = b64encode(b"\xfb\xff" * 18).decode(), urlsafe_b64encode(b"\xfb\xff" * 18).decode()
    assert Keyring.parse(f"1:{standard}").keys == Keyring.parse(f"1:{url_safe}").keys == {1: b"\xfb\xff" * 18}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "key number 1"),
        (secret(b"s"), "key number 1"),
        (f"1:{secret(b'a')},", "key number 2"),
        (f"{secret(b's')}:1", "key number 1"),
        ("7" * 40 + ":1", "key number 1"),
        (f"²:{secret(b's')}", "key number 1"),
        (f"0:{secret(b's')}", "from 1 to 255, not 0"),
        (f"256:{secret(b's')}", "from 1 to 255, not 256"),
        (f"1:{secret(b's', 31)}", "key 1 must have 32 to 64 bytes; it has 31"),
        (f"1:{secret(b's', 65)}", "key 1 must have 32 to 64 bytes; it has 65"),
        (f"1:{secret(b's')}!", "key 1 is not base64"),
        (f"1:{secret(b's')},1:{secret(b's')}", "key 1 is listed twice"),
    ],
)
def test_a_bad_keyring_is_refused_without_showing_the_secret(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refusal:
        Keyring.parse(text)
    assert "c3Nz" not in str(refusal.value)
    assert refusal.value.__context__ is None or refusal.value.__suppress_context__


def test_a_keyring_without_its_current_key_is_refused() -> None:
    with pytest.raises(ValueError, match="Link key 3 is to sign"):
        Keyring({1: b"a" * 32}, current=3)


def test_a_keyring_does_not_show_its_secrets() -> None:
    assert "aaaa" not in repr(KEYRING)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "HTTPS://Example.COM:8443/a/b;c?d=e&f={g}#h/i?j",
        "https://example.com/@user?mail=a@b.example",
        "http://my_host.example.com./",
        "http://192.0.2.1/",
        "http://[2001:db8::1]:80/",
        "https://bücher.example/straße?q=日本#é",
        "https://example.com/%E2%82%AC?q=%20",
        "https://example.com:/",
        "https://example.com/" + "x" * 4076,
    ],
)
def test_ordinary_targets_are_fine(url: str) -> None:
    assert target_problem(url) is None
    assert read_click(sign_click(Link(7, MESSAGE, 1, url), KEYRING), KEYRING, NOW).url == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "must start with http"),
        ("/relative", "must start with http"),
        ("//example.com/", "must start with http"),
        ("ftp://example.com/", "must start with http"),
        ("javascript:alert(1)", "must start with http"),
        ("https:example.com", "must start with http"),
        ("https://", "must name a host."),
        ("https:///example.com/", "must name a host."),
        ("https://?q", "must name a host."),
        ("https://user@example.com/", "user name or password"),
        ("https://user:pass@example.com/", "user name or password"),
        ("https://:@example.com/", "user name or password"),
        ("https://a\uff20example.com/", "valid host"),
        ("https://evil.c℀.example.com/", "valid host"),
        ("https://exam%70le.com/", "valid host"),
        ("https://:80/", "valid host"),
        ("https://./", "valid host"),
        ("https://a..b/", "valid host"),
        ("https://<b>/", "valid host"),
        ("https://[::1/", "valid host"),
        ("https://[1:2]/", "valid host"),
        ("https://[::1]x/", "valid host"),
        ("https://example.com:65536/", "valid host"),
        ("https://example.com:8x/", "valid host"),
        ("https://example.com:\uff18\uff10/", "valid host"),
        ("https://example.com\\@evil.example/", "backslashes"),
        ("https://example.com/a b", "spaces"),
        ("https://example.com/\x00", "control characters"),
        ("https://example.com/\r\nSet-Cookie: a=b", "control characters"),
        ("https://example.com/\x85", "control characters"),
        ("https://example.com/\ud800", "broken Unicode"),
        ("https://example.com/" + "x" * 4077, "4096 characters"),
        ("https://example.com/" + "日" * 2100, "6100 bytes"),
    ],
)
def test_bad_targets_are_refused_with_the_reason(url: str, problem: str) -> None:
    assert problem in (target_problem(url) or "")


@pytest.mark.parametrize(
    ("url", "header"),
    [
        ("https://example.com/a?b=c&d=%20#e", "https://example.com/a?b=c&d=%20#e"),
        ("https://example.com/%C3%A9/é", "https://example.com/%C3%A9/%C3%A9"),
        ("https://example.com/100%?a=[1]&ü", "https://example.com/100%?a=[1]&%C3%BC"),
        ("https://example.com/a?q=日本#ö", "https://example.com/a?q=%E6%97%A5%E6%9C%AC#%C3%B6"),
        ("https://bücher.example:8080/", "https://xn--bcher-kva.example:8080/"),
        ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
        ("https://straße.example/ß", "https://xn--strae-oqa.example/%C3%9F"),
        ("http://例え。テスト?é", "http://xn--r8jz45g.xn--zckzah?%C3%A9"),
        ("HTTP://[2001:db8::1]/é", "HTTP://[2001:db8::1]/%C3%A9"),
        ("https://example.com/\r\nSet-Cookie: a=b", "https://example.com/%0D%0ASet-Cookie:%20a=b"),
        ("é\n", "%C3%A9%0A"),
    ],
)
def test_a_location_header_is_the_url_in_ascii(url: str, header: str) -> None:
    assert location_header(url) == header
    assert location_header(header) == header


@given(st.text() | st.text().map("https://".__add__))
def test_a_location_header_never_holds_anything_but_printable_ascii(url: str) -> None:
    assert set(location_header(url)) <= set(map(chr, range(0x21, 0x7F)))


@given(urls.filter(lambda url: "%" not in url))
def test_a_location_header_leads_to_the_same_path(url: str) -> None:
    assert unquote(urlsplit(location_header(url)).path) == urlsplit(url).path
