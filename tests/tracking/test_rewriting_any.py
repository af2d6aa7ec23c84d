"""What holds for any mail: nothing else of it changes, and hostile ones take no longer."""

import json
import time
from collections.abc import Callable
from html import escape, unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.rewriting import find_links, track

PIXEL_URL = "https://t.example/o/p.gif?a&b"
PIXEL = (
    '<img src="https://t.example/o/p.gif?a&amp;b" width="1" height="1" alt=""'
    ' style="display:block;width:1px;height:1px;border:0">'
)


def tracked(index: int, url: str) -> str:
    return f"https://t.example/c/{index}?&"


def urls(html: str) -> list[str]:
    return [link.url for link in find_links(html)]


FRAGMENTS = st.sampled_from(
    [
        "<a ",
        "<A HREF=",
        '<area href="',
        "href=",
        "href='",
        "https://e.x/1",
        "HTTP://e.x/2?a=1&amp;b=2",
        '"',
        "'",
        ">",
        "/>",
        "<",
        "</",
        "<!--",
        "-->",
        "--!>",
        "<![if !mso]>",
        "<![endif]-->",
        "<?xml",
        "<title>",
        "</title>",
        "<script>",
        "</script>",
        "=",
        "\r\n",
        "é",
        "{{ x }}",
        "{% if a > b %}",
        "data-no-track",
        "</body>",
        "</html>",
        '<a href="https://e.x/3">',
        "<a href=https://e.x/4>",
    ]
)
MAILS = st.lists(FRAGMENTS | st.text(max_size=5), max_size=40).map("".join)


@given(MAILS)
def test_taking_the_replacements_out_again_gives_the_mail_as_it_was(html: str) -> None:
    links = find_links(html)
    result = track(html, lambda index, url: f"\x00{index}\x00", "\x00")
    for index, link in enumerate(links, start=1):
        put_in = f"\x00{index}\x00" if link.quote else f'"\x00{index}\x00"'
        result = result.replace(put_in, html[link.start : link.end], 1)
    assert result.replace(PIXEL.replace("https://t.example/o/p.gif?a&amp;b", "\x00"), "", 1) == html


@given(MAILS)
def test_tracked_links_are_the_ones_found_again_in_the_tracked_mail(html: str) -> None:
    result = track(html, tracked, PIXEL_URL)
    assert urls(result) == [tracked(index, "") for index, _ in enumerate(urls(html), start=1)]


class Reference(HTMLParser):
    """The standard library's reading of a tidy mail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.urls: list[str | None] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("a", "area"):
            self.urls.append(dict(attrs)["href"])


TIDY = st.sampled_from(
    [
        '<p class="x" title="a > b">text</p>',
        "<!-- <a href='https://no.example/'> -->",
        "<style>a > b { c: '<a>' }</style>",
        '<a class=x href="https://e.example/?a=1&amp;b=2">x</a>',
        "<area href='https://e.example/2' alt=\"it's\"/>",
        "<br/>",
        "1 < 2 & 3\n",
        "<a href=https://e.example/3 >y</a>",
    ]
)


@given(st.lists(TIDY).map("".join))
def test_a_tidy_mail_is_read_as_the_standard_library_reads_it(html: str) -> None:
    assert urls(html) == Reference(html).urls


@given(st.text(alphabet="abc&<>\"'#;=é "))
def test_a_tracked_url_is_escaped_once(url: str) -> None:
    result = track('<a href="https://e.example/">', lambda index, target: url, PIXEL_URL)
    assert unescape(result.removeprefix('<a href="').removesuffix(f'">{PIXEL}')) == url


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        "</a ",
        "<!--",
        '<a href="',
        '<a href="x" ',
        "<a\t/= ",
        "<?",
        "<![if",
        "<",
        "</",
        "<title></title",
        "<script>",
        "<a href=https://e.example/&>",
        "<style></style>",
        "<td" + " a=b" * 99 + ">",
        "<td ",
        "<td a=b c ",
    ],
)
def test_a_hostile_mail_takes_time_in_proportion_to_its_length(piece: str) -> None:
    html = piece * (500_000 // len(piece))
    started = time.process_time()
    track(html, tracked, PIXEL_URL)
    track(html[1:] + html, tracked, PIXEL_URL)
    assert time.process_time() - started < 3


def test_a_mail_of_a_batch_is_read_for_the_first_of_those_that_have_the_same_html() -> None:
    row = '<tr><td align="center" style="margin:0"><p>Text</p><a href="https://example.com/?a=1&amp;b=2">Shoes</a></td></tr>'

    def seconds(html: str) -> float:
        started = time.thread_time()
        track(html, tracked, PIXEL_URL)
        return time.thread_time() - started

    mails = [row * 500 + str(number) for number in range(5)]
    assert min(seconds(mails[-1]) for _ in mails) < min(map(seconds, mails)) / 2


def test_a_mail_unlike_any_other_is_tracked_in_less_than_four_times_what_its_json_takes() -> None:
    style = "margin:0;padding:20px 0;font-family:Arial,Helvetica,sans-serif;font-size:14px;line-height:20px"
    text = f'<p style="{style}">{"Lorem ipsum. " * 45}</p><img src="https://cdn.example.com/a.png" width="200" alt="">'
    link = f'<a href="https://shop.example.com/shoes?utm_source=mail&amp;n={{}}" style="{style}">Shoes</a>'
    row = f'<tr><td align="center" style="{style}">{text}{link}</td></tr>'
    mails = [row.format(number) * 20 for number in range(40)]

    def seconds(work: Callable[[], object]) -> float:
        started = time.thread_time()
        work()
        return time.thread_time() - started

    def least(work: Callable[[], object]) -> float:
        return min(seconds(work) for _ in range(7))

    assert 18_000 < len(mails[-1]) < 23_000
    in_json = least(lambda: json.loads(json.dumps(mails)))
    assert least(lambda: [track(mail, tracked, PIXEL_URL) for mail in mails]) < 4 * in_json


@pytest.mark.parametrize("piece", ["<p>", "<p a='>'>x", "<b><!-- </b> --></b>", "1 < 2 <td a=b c><hr/></TD >"])
@pytest.mark.parametrize("number", [0, 1, 49, 50, 51, 120])
def test_whatever_tags_are_passed_over_the_links_and_the_pixel_are_where_they_were(piece: str, number: int) -> None:
    before, link = piece * number, "<a href='https://example.com/'>"
    html = f"{before}<style><a href='https://example.com/no'></style>{link}{before}</BODY>{piece}"
    [found] = find_links(html)
    assert (found.url, html[: found.start].endswith("</style><a href='")) == ("https://example.com/", True)
    assert f"{link}{before}".replace(found.url, escape(tracked(1, found.url))) + '<img src="' in track(
        html, tracked, PIXEL_URL
    )


@pytest.mark.parametrize("number", [1, 99, 100, 101, 200, 250])
def test_however_many_attributes_a_tag_has_the_link_after_it_is_found(number: int) -> None:
    html = f'<td{" a=b c" * number}><a href="https://example.com/">'
    assert [link.url for link in find_links(html)] == ["https://example.com/"]


@pytest.mark.parametrize(
    "unfinished", ["<!-- footer", "<title>x", "<a href=https://e.example/1", "<style>p{}", "<img alt='x"]
)
def test_the_pixel_stands_before_markup_that_never_ends(unfinished: str) -> None:
    twin = track("<p>Hi</p>" + unfinished, lambda index, url: "T", "https://t.example/o/x.gif")

    assert twin.startswith("<p>Hi</p><img src=")
    assert twin.endswith(unfinished)
