from uuid import UUID, uuid4

import pytest

from tracking.blocking import BlockList, from_json, normal_value, to_json
from tracking.tokens import MAX_TARGET_LENGTH, Link, target_problem

MESSAGE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
ACCOUNT = 7


def link_to(url: str = "") -> Link:
    return Link(ACCOUNT, MESSAGE, 1 if url else 0, url)


def blocked(kind: str, value: str, link: Link) -> bool:
    return BlockList.of([(kind, normal_value(kind, value))]).blocks(link)


@pytest.mark.parametrize("link", [link_to(), link_to("https://example.com/")])
def test_a_blocked_message_or_account_stops_its_pixel_and_its_links_and_no_others(link: Link) -> None:
    for kind, value in (("message", str(MESSAGE)), ("message", MESSAGE.hex.upper()), ("account", " account-7 ")):
        assert blocked(kind, value, link)
    for kind, value in (("message", str(uuid4())), ("account", "77"), ("target", "example.org")):
        assert not blocked(kind, value, link)
    assert not BlockList().blocks(link)


HOSTS = [
    ("example.com", "https://example.com/a", True),
    ("Example.COM.", "http://example.com", True),
    ("example.com", "https://EXAMPLE.com.:8443?x", True),
    ("example.com", "https://shop.example.com/", True),
    ("shop.example.com", "https://example.com/", False),
    ("example.com", "https://notexample.com/", False),
    ("example.com", "https://example.com.evil.org/", False),
    ("example.com", "https://evil.org/example.com", False),
    ("bücher.example", "https://xn--bcher-kva.example/", True),
    ("xn--bcher-kva.example", "https://BÜCHER.example/", True),
    ("192.0.2.1", "http://192.0.2.1:80/", True),
    ("192.0.2.1", "http://192.0.2.10/", False),
    ("[2001:db8::1]", "https://[2001:DB8:0::1]:443/x", True),
    ("com", "https://example.com/", True),
]
BEGINNINGS = [
    ("https://example.com/shop/", "https://example.com/shop/a?b", True),
    ("https://example.com/shop/", "http://example.com:8080/shop/", True),
    ("https://example.com/shop/", "https://example.com/shop", False),
    ("https://example.com/shop", "https://example.com/shopping", True),
    ("https://example.com/shop/", "https://www.example.com/shop/", False),
    ("https://example.com", "https://example.com/anything", True),
    ("https://example.com/?id=7", "https://example.com?id=7&x", True),
    ("https://example.com/?id=7", "https://example.com/?id=8", False),
    ("https://example.com/bad", "https://example.com/%62ad", True),
    ("https://example.com/%62ad", "https://example.com/bad", True),
    ("https://example.com/bad", "https://example.com/a/../bad", True),
    ("https://example.com/bad", "https://example.com/./bad", True),
    ("https://example.com/bad", "https://example.com//bad", True),
    ("https://example.com/a%2541", "https://example.com/aA", False),
    ("HTTPS://BÜCHER.example/ä", "https://xn--bcher-kva.example/%C3%A4#x", True),
]


@pytest.mark.parametrize(("value", "url", "expected"), HOSTS + BEGINNINGS)
def test_a_blocked_target_stops_the_links_that_lead_there(value: str, url: str, expected: bool) -> None:
    assert target_problem(url) is None
    assert blocked("target", value, link_to(url)) is expected


def test_several_beginnings_on_one_host_are_all_blocked() -> None:
    values = [("target", "https://example.com/a/"), ("target", "https://example.com/b/"), ("target", "example.org")]
    blocks = BlockList.of(values).blocks
    urls = ["https://example.com/a/1", "https://example.com/b/1", "https://example.com/c/", "https://example.org/"]
    assert [blocks(link_to(url)) for url in urls] == [True, True, False, True]


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("message", "7", "the message's id"),
        ("message", "", "the message's id"),
        ("account", "Acme", "the account's number"),
        ("account", "-7", "the account's number"),
        ("account", str(2**64), "the account's number"),
        ("account", "\u0667", "the account's number"),
        ("target", "", "name a host"),
        ("target", "example.com/shop", "a host alone"),
        ("target", "example.com:443", "a host alone"),
        ("target", "exam ple.com", "may not contain spaces"),
        ("target", "ftp://example.com/", "a host alone"),
        ("target", "https://user@example.com/", "user name"),
        ("target", "https://" + "x" * MAX_TARGET_LENGTH, "characters"),
        ("target", "[::x]", "valid host"),
    ],
)
def test_a_value_that_can_not_be_blocked_is_refused_in_words(kind: str, value: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        normal_value(kind, value)


@pytest.mark.parametrize(("value", "url", "expected"), HOSTS + BEGINNINGS)
def test_a_normal_value_stays_as_it_is(value: str, url: str, expected: bool) -> None:
    once = normal_value("target", value)
    if "[" not in value:
        assert normal_value("target", once) == once


def test_the_list_outlives_the_way_through_a_file() -> None:
    pairs = [("message", str(MESSAGE)), ("account", "7"), ("target", "example.com"), ("target", "https://a.example/x")]
    assert from_json(to_json(pairs)) == BlockList.of(pairs)
    assert from_json(to_json([])) == BlockList()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"blocks": [["message", "x"]]}', '{"blocks": [["x", "7"]]}', "7"]
)
def test_a_file_that_holds_no_list_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(text)
