import pytest

from tracking.rewriting import FoundLink, find_links, track

# Markup that never ends, from the first character on.
UNFINISHED = (
    """<a x="y href='https://e.example/'>""",
    '<a href="https://e.example/"',
    '<style><a href="https://e.example/">',
    '<a href="https://e.example/>',
    '<!-- <a href="https://e.example/">',
)
PIXEL_URL = "https://t.example/o/p.gif?a&b"
PIXEL = (
    '<img src="https://t.example/o/p.gif?a&amp;b" width="1" height="1" alt=""'
    ' style="display:block;width:1px;height:1px;border:0">'
)
OUTLOOK_MAIL = """\
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\r
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml">\r
<head>\r
<title>Sale <a href="https://shop.example/title"></title>\r
<!--[if gte mso 9]><xml><o:OfficeDocumentSettings></o:OfficeDocumentSettings></xml><![endif]-->\r
<style type="text/css">a[href="https://shop.example/css"] { content: '<a href="https://shop.example/css">' }</style>\r
<link href="https://fonts.example/css" rel="stylesheet">\r
</head>\r
<body style="margin:0">\r
<!--[if mso]>\r
<v:roundrect href="https://shop.example/vml"><center><a href="https://shop.example/mso">Buy</a></center></v:roundrect>\r
<![endif]-->\r
<!--[if !mso]><!--><A CLASS=btn HREF='https://shop.example/buy?a=1&amp;b=2' title="2 > 1">Buy</A><!--<![endif]-->\r
<!--[if !mso]> --><a href="https://shop.example/revealed">Shown</a><![endif]-->\r
<![if !mso]><a\r
   href="\r
      https://shop.example/wrapped\r
   ">Wrapped</a><![endif]>\r
<p>{% if cart > 1 %}<a href="{{ cart_url }}">Cart</a>{% endif %} 1 < 2 &amp; 3 <3\r
<a href="mailto:a@shop.example">Mail</a> <a href="tel:+31201234567">Call</a> <a href="#top">Up</a> <a href="">No</a>\r
<a data-no-track href="https://shop.example/unsubscribe">Unsubscribe</a>\r
<map name="m"><area shape="rect" coords="0,0,9,9" href=https://shop.example/area></map>\r
<textarea><a href="https://shop.example/textarea"></textarea>\r
<script>document.write('<a href="https://shop.example/script">')</script >\r
<a href="https://shop.example/last" target="_blank">Last
</BODY >\r
</html>\r
"""


def tracked(index: int, url: str) -> str:
    return f"https://t.example/c/{index}?&"


def urls(html: str) -> list[str]:
    return [link.url for link in find_links(html)]


def test_an_outlook_mail_changes_in_its_links_and_gains_the_pixel_and_nothing_else() -> None:
    expected = (
        OUTLOOK_MAIL.replace("'https://shop.example/buy?a=1&amp;b=2'", "'https://t.example/c/1?&amp;'")
        .replace('"https://shop.example/revealed"', '"https://t.example/c/2?&amp;"')
        .replace("\r\n      https://shop.example/wrapped\r\n", "\r\n      https://t.example/c/3?&amp;\r\n")
        .replace("href=https://shop.example/area>", 'href="https://t.example/c/4?&amp;">')
        .replace('"https://shop.example/last"', '"https://t.example/c/5?&amp;"')
        .replace("</BODY >", PIXEL + "</BODY >")
    )
    assert track(OUTLOOK_MAIL, tracked, PIXEL_URL) == expected


def test_links_are_handed_over_in_order_with_their_decoded_urls() -> None:
    seen: list[tuple[int, str]] = []
    track(OUTLOOK_MAIL, lambda index, url: seen.append((index, url)) or "x", PIXEL_URL)  # type: ignore[func-returns-value]
    assert seen == [
        (1, "https://shop.example/buy?a=1&b=2"),
        (2, "https://shop.example/revealed"),
        (3, "https://shop.example/wrapped"),
        (4, "https://shop.example/area"),
        (5, "https://shop.example/last"),
    ]


def test_a_found_link_says_where_its_url_stands() -> None:
    html = "<p><a href=' https://example.com/?a&amp;b '>"
    assert find_links(html) == [FoundLink(13, 41, "https://example.com/?a&b", "'")]
    assert html[13:41] == "https://example.com/?a&amp;b"


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://e.example/?a=1&amp;b=2", "https://e.example/?a=1&b=2"),
        ("https://e.example/?a=1&b=2", "https://e.example/?a=1&b=2"),
        ("https://e.example/?a=&amp;amp;", "https://e.example/?a=&amp;"),
        ("https&#58;&#x2F;&#X2f;e.example/?&#38b", "https://e.example/?&b"),
        ("https://e.example/?x&region=eu&copy=1&sectA", "https://e.example/?x&region=eu&copy=1&sectA"),
        ("https://e.example/?&copy;&copy&notit;&nosuch;", "https://e.example/?©©&notit;&nosuch;"),
        ("https://e.example/&eacute;", "https://e.example/é"),
        ("&#32;HTTPS://E.example/a\n  b".replace("  ", "\t"), "HTTPS://E.example/ab"),
        ("https://e.example/?q={{name}}", "https://e.example/?q={{name}}"),
    ],
)
def test_a_url_is_decoded_once_as_browsers_do(value: str, url: str) -> None:
    assert urls(f'<a href="{value}">') == [url]


@pytest.mark.parametrize(
    "tag",
    [
        '<a href="https://e.example/">',
        "<a href='https://e.example/'>",
        "<a href=https://e.example/>",
        '<A\tHREF\n=\r\n"https://e.example/"/>',
        '<area alt="a > b" href="https://e.example/">',
        '<a class/href="https://e.example/">',
        '<a title="x"href="https://e.example/"rel=y>',
        '<a href="https://e.example/" href="https://second.example/">',
        '<a href="https://e.example/" HREF="mailto:a@b.example">',
        '<a "=x href="https://e.example/">',
        '<a <b href="https://e.example/">',
        '<a =href=1 href="https://e.example/">',
        '<a href= ><a href="https://e.example/">',
        '<!--><a href="https://e.example/">',
        '<!---><a href="https://e.example/">',
        '<!-- x --!><a href="https://e.example/">',
        '<!x><![x]><?php echo "?></><a href="https://e.example/">',
        '</ <a href="x"><a href="https://e.example/">',
        '<title></TITLE\n><a href="https://e.example/">',
        '<style></style/><a href="https://e.example/">',
    ],
)
def test_a_link_is_found_however_it_is_written(tag: str) -> None:
    assert urls(tag) == ["https://e.example/"]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="mailto:a@b.example">',
        "<a href=\"javascript:location='https://e.example/'\">",
        '<a href="/relative">',
        '<a href="//e.example/">',
        '<a href="?https://e.example/">',
        '<a href="https:e.example">',
        '<a href="ftp://e.example/">',
        '<a href="{{ url }}">',
        '<a href="{% if x %}https://e.example/{% endif %}">',
        "<a href>",
        "<a href=>",
        '<a href="">',
        "<a>",
        '<a href="mailto:a@b.example" href="https://e.example/">',
        '<a href href="https://e.example/">',
        '<a href="https://e.example/" data-no-track>',
        '<a DATA-NO-TRACK="" href="https://e.example/">',
        '<a data-href="https://e.example/">',
        '<a title="href=https://e.example/">',
        '<abbr href="https://e.example/">',
        '<link href="https://e.example/">',
        '<img src="https://e.example/">',
        '</a href="https://e.example/">',
        '&lt;a href="https://e.example/">',
        '< a href="https://e.example/">',
        '<!-- <a href="https://e.example/"> -->',
        '<!--[if mso]><a href="https://e.example/"><![endif]-->',
        '<!-- <a href="https://e.example/">',
        '<a href="https://e.example/"',
        '<a href="https://e.example/>',
        '</ <a href="https://e.example/">',
        "<a x=\"y href='https://e.example/'>",
        '<title><a href="https://e.example/"></title>',
        '<TEXTAREA><a href="https://e.example/"></textarea>',
        '<script>"</scripts><a href="https://e.example/">"</script>',
        '<style><a href="https://e.example/">',
        "<p title=\"<a href='https://e.example/'>\">",
        '<a href="https://user:pass@e.example/">',
        '<a href="https://e.example/a b">',
        '<a href="https://e.example\\@evil.example/">',
        '<a href="https:///e.example/">',
        '<a href="https://e.example/' + "x" * 4096 + '">',
    ],
)
def test_what_is_no_link_to_track_stays_as_it_is(html: str) -> None:
    assert find_links(html) == []
    assert track(html, tracked, PIXEL_URL) == (PIXEL + html if html in UNFINISHED else html + PIXEL)


@pytest.mark.parametrize(
    "name", ["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "STYLE"]
)
def test_what_browsers_show_as_text_holds_no_links(name: str) -> None:
    html = f'<{name} x="y"><!-- <a href="https://e.example/1"></{name}><a href="https://e.example/2">'
    assert urls(html) == ["https://e.example/2"]


@pytest.mark.parametrize(
    "html",
    [
        "<body>one|</body></html>\n",
        "<body>one</body><body>two|</BODY\n></html>",
        "<body>one|</body><!-- </body> --></html>",
        "<body>one|</body><script></body></script>",
        "<p>one|</html> ",
        "<p>one|",
        "|",
    ],
)
def test_the_pixel_stands_before_the_last_end_of_the_body(html: str) -> None:
    before, after = html.split("|")
    assert track(before + after, tracked, PIXEL_URL) == before + PIXEL + after


def test_a_link_after_the_end_of_the_body_is_tracked_in_its_place() -> None:
    html = '<a href="https://e.example/1"></body><a href="https://e.example/2">'
    expected = f'<a href="https://t.example/c/1?&amp;">{PIXEL}</body><a href="https://t.example/c/2?&amp;">'
    assert track(html, tracked, PIXEL_URL) == expected


def test_links_past_the_last_index_of_a_token_stay_as_they_are() -> None:
    html = "<a href=http://e.example>" * 65_537
    result = track(html, lambda index, url: str(index), PIXEL_URL)
    assert result.endswith(f'<a href="65535"><a href=http://e.example><a href=http://e.example>{PIXEL}')
