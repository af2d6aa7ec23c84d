"""An HTML mail's tracked twin: links and pixel spliced in by offsets, every other byte as it was.

The scanner follows the HTML Standard, section 13.2.5 (tokenization), as mail programs do. html.parser does not serve:
it takes quadratic time on unfinished markup (24 kB of `<a `: 5 s), reads `<![endif]-->` as open until the next `]>`,
raises on `<![x]>`, turns `&region=` into `®ion=`, and differs between patch releases. Here nothing backtracks and the
scan ends at the first construct that is never closed, so that time is linear in the length of the mail.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from html.entities import html5
from itertools import islice
from typing import NamedTuple

from tracking.tokens import LAST_INDEX, target_problem

_SPACE = "\t\n\f\r "
_MARKUP = re.compile(rf"<(?:(?P<tag>/?[a-zA-Z][^{_SPACE}/>]*+)|(?P<comment>!--)|[!?/])")
_COMMENT = re.compile(r"-?>|.*?--!?>", re.DOTALL)
_ATTRIBUTE = re.compile(
    rf"[{_SPACE}/]*+(?P<name>[^{_SPACE}/>][^{_SPACE}/>=]*+)"
    rf"(?:[{_SPACE}]*+=[{_SPACE}]*+"
    rf"(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^{_SPACE}\"'>][^{_SPACE}>]*+)|(?=>))"
    rf"|(?![{_SPACE}]*+=))"
)
_TAG_END = re.compile(rf"[{_SPACE}/]*+>")
_RAW_TEXT_END = {
    name: re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
}
_REFERENCE = re.compile(r"&(?:#(?:[xX][0-9a-fA-F]++|[0-9]++);?|(?P<name>[a-zA-Z][a-zA-Z0-9]*+(?:;|(?![=a-zA-Z0-9]))))")
_LINKS = frozenset({"a", "area"})
_WANTED = _LINKS | {"/body", "/html"}
# Text and finished tags that nothing is to be known of, in one go; it ends before any other. So many and no more, since
# the engine remembers where each began; and no group is possessive, since Python errs with such before 3.11.5.
_PASSED_OVER = re.compile(
    rf"(?:[^<]*+<(?!(?i:{'|'.join(sorted(_WANTED | _RAW_TEXT_END.keys()))})[{_SPACE}/>])/?[a-zA-Z][^{_SPACE}/>]*+"
    rf"(?:{_ATTRIBUTE.pattern}){{0,100}}[{_SPACE}/]*+>){{0,50}}"
)
_QUOTES = {"double": '"', "single": "'", "bare": ""}
_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_PIXEL = '<img src="{}" width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0">'


@dataclass(frozen=True, slots=True)
class FoundLink:
    """A link that can be tracked: html[start:end] is what stands for `url` there, `quote` is what encloses it or ''."""

    start: int
    end: int
    url: str
    quote: str


def track(html: str, link_for: Callable[[int, str], str], pixel_url: str) -> str:
    """The mail with each link's URL replaced by link_for(index, url), index from 1, and the pixel before </body>.

    Links past the last index that a token can hold stay as they are.
    """
    links, pixel_at = _survey(html)
    edits = [
        (link.start, link.end, _attribute_value(link_for(index, link.url), link.quote))
        for index, link in enumerate(islice(links, LAST_INDEX), start=1)
    ]
    edits.append((pixel_at, pixel_at, _PIXEL.format(escape(pixel_url))))
    return _spliced(html, sorted(edits))


def find_links(html: str) -> list[FoundLink]:
    """The http(s) links of <a> and <area>, in order, less those with data-no-track or a target that tokens refuse."""
    return list(_survey(html)[0])


def count_links(html: str) -> int:
    """How many <a> and <area> have an href at all; find_links() has those of them that can be tracked."""
    return sum(tag.name in _LINKS and "href" in tag.attributes for tag in _tags(html))


# Stands for markup that never ends: a mail cut off within a comment, a style or a tag.
UNFINISHED = "<"


class _Tag(NamedTuple):
    name: str
    start: int
    attributes: Mapping[str, re.Match[str]]


# The mails of a batch often have the same HTML.
@lru_cache(maxsize=1)
def _survey(html: str) -> tuple[Sequence[FoundLink], int]:
    """The links, and the pixel's place: before the last </body>, else before the last </html>, else at the end."""
    links: list[FoundLink] = []
    pixel_at = {"/html": len(html)}
    for tag in _tags(html):
        if tag.name in _LINKS:
            links.extend(_links(tag))
        elif tag.name == UNFINISHED:
            pixel_at.setdefault("/body", min(pixel_at["/html"], tag.start))
        else:
            pixel_at[tag.name] = tag.start
    return links, pixel_at.get("/body", pixel_at["/html"])


def _tags(html: str) -> Iterator[_Tag]:
    """The links (`a`) and the ends of the document (`/body`) outside comments and raw text, up to the first construct
    left unfinished.
    """
    position = 0
    while markup := _MARKUP.search(html, _end(_PASSED_OVER.match(html, position)) or position):
        if markup["tag"]:
            tag, end = _read_tag(html, markup)
            if end is not None:
                if tag.name in _WANTED:
                    yield tag
                end = _after_raw_text(html, tag.name, end)
        elif markup["comment"]:
            end = _end(_COMMENT.match(html, markup.end()))
        else:
            end = html.find(">", markup.end()) + 1 or None
        if end is None:
            # For a mail program all that follows is inside it: a pixel put there would never be loaded.
            yield _Tag(UNFINISHED, markup.start(), {})
            return
        position = end


def _read_tag(html: str, markup: re.Match[str]) -> tuple[_Tag, int | None]:
    attributes: dict[str, re.Match[str]] = {}
    position = markup.end()
    while attribute := _ATTRIBUTE.match(html, position):
        attributes.setdefault(attribute["name"].lower(), attribute)
        position = attribute.end()
    return _Tag(markup["tag"].lower(), markup.start(), attributes), _end(_TAG_END.match(html, position))


def _after_raw_text(html: str, name: str, position: int) -> int | None:
    if name not in _RAW_TEXT_END:
        return position
    closing = _RAW_TEXT_END[name].search(html, position)
    return closing.start() if closing else None


def _end(match: re.Match[str] | None) -> int | None:
    return match.end() if match else None


def _links(tag: _Tag) -> Iterator[FoundLink]:
    href = tag.attributes.get("href")
    form = href.lastgroup if href else None
    if href is None or form not in _QUOTES or "data-no-track" in tag.attributes:
        return
    value = href[form].strip(_SPACE)
    url = _decoded(value).strip(_C0_AND_SPACE).replace("\t", "").replace("\n", "").replace("\r", "")
    if url.lower().startswith(("http://", "https://")) and target_problem(url) is None:
        start = href.start(form) + len(href[form]) - len(href[form].lstrip(_SPACE))
        yield FoundLink(start, start + len(value), url, _QUOTES[form])


def _decoded(value: str) -> str:
    """An attribute's value with its character references replaced (HTML Standard, 13.2.5.73), each once."""
    return _REFERENCE.sub(_character, value) if "&" in value else value


def _character(reference: re.Match[str]) -> str:
    if reference["name"]:
        return html5.get(reference["name"], reference[0])
    return unescape(reference[0])


def _attribute_value(url: str, quote: str) -> str:
    # A bare value may not hold every character that a URL may.
    return escape(url) if quote else f'"{escape(url)}"'


def _spliced(html: str, edits: list[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    position = 0
    for start, end, text in edits:
        pieces += html[position:start], text
        position = end
    return "".join([*pieces, html[position:]])
