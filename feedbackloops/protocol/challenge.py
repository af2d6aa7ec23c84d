"""The verification file: where it may stand, and which answers prove a place."""

import codecs
import enum
import secrets
from dataclasses import dataclass

from .place import parse


class Problem(enum.StrEnum):
    """What a look saw."""

    OK = "ok"
    NOT_FOUND = "not found"
    REDIRECT = "redirect"
    WRONG_CONTENT = "wrong content"
    HTML_PAGE = "html page"
    TOO_LONG = "too long"
    SERVER_ERROR = "server error"
    OTHER_STATUS = "other status"
    NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class VerificationFile:
    """The name and the content that prove a place."""

    name: str
    content: str


def new_file(prefix: str = "marketingsuite-") -> VerificationFile:
    """Return a file with a unique name and a content of 256 random bits that cannot be told from its name."""
    return VerificationFile(f"{prefix}{secrets.token_hex(16)}.txt", secrets.token_hex(32))


def locations(url: str, name: str) -> list[str]:
    """Return the URLs at which the file may stand: beside the script, and at the root. Raises ValueError."""
    target = parse(url)
    return list(dict.fromkeys(f"{target.origin}{directory}{name}" for directory in (target.directory, "/")))


def judge(status: int, body: bytes, expected: str, *, truncated: bool = False) -> Problem:
    """Judge an answer: only status 200 and exactly the expected content count.

    A BOM, a newline at the end and CRLF are forgiven. `truncated` says that the answer went on after `body`.
    """
    if status != 200:
        return _of_status(status)
    content, wanted = plain(body), expected.encode()
    if content == wanted:
        return Problem.TOO_LONG if truncated else Problem.OK
    if _looks_like_html(content):
        return Problem.HTML_PAGE
    return Problem.TOO_LONG if truncated or content.startswith(wanted) else Problem.WRONG_CONTENT


def plain(body: bytes) -> bytes:
    """Return a file's content without what editors and servers do to it: a BOM, CRLF, a newline at the end."""
    return body.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").removesuffix(b"\n")


def _of_status(status: int) -> Problem:
    if status in (404, 410):
        return Problem.NOT_FOUND
    if 300 <= status <= 399:
        return Problem.REDIRECT
    return Problem.SERVER_ERROR if status >= 500 else Problem.OTHER_STATUS


def _looks_like_html(content: bytes) -> bool:
    start = content.lstrip()[:512].lower()
    return start.startswith((b"<!", b"<html", b"<head", b"<body", b"<?xml")) or b"<html" in start
