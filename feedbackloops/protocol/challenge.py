"""The verification file: where it may stand, and what an answer to a look at it says."""

import codecs
import enum
import secrets
from dataclasses import dataclass

from .outcome import shown
from .place import parse

_SHOWN = 60


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at one location means; `message` tells staff what was seen and what to do."""

    problem: Problem
    message: str

    @property
    def found(self) -> bool:
        """Whether the file stands there, with the right content."""
        return self.problem is Problem.OK


def new_file(prefix: str = "marketingsuite-") -> VerificationFile:
    """Return a file with a unique name and a content of 256 random bits that cannot be told from its name."""
    return VerificationFile(f"{prefix}{secrets.token_hex(16)}.txt", secrets.token_hex(32))


def locations(url: str, name: str) -> list[str]:
    """Return the URLs at which the file may stand: beside the script, and at the root. Raises ValueError."""
    target = parse(url)
    return list(dict.fromkeys(f"{target.origin}{directory}{name}" for directory in (target.directory, "/")))


def judge(status: int, body: bytes, expected: str, *, redirect: str | None = None, truncated: bool = False) -> Verdict:
    """Judge an answer: only status 200 and exactly the expected content count.

    A BOM, a newline at the end and CRLF are forgiven. `truncated` says that the answer went on after `body`.
    """
    if status != 200:
        return _judge_status(status, redirect)
    content = body.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").removesuffix(b"\n")
    if content == expected.encode() and not truncated:
        return Verdict(Problem.OK, "The file is there, with the right content.")
    return _judge_content(content, expected.encode(), truncated)


def _judge_status(status: int, redirect: str | None) -> Verdict:
    if status in (404, 410):
        return Verdict(
            Problem.NOT_FOUND, f"The server says that the file is not there (status {status}). Upload it to this place."
        )
    if 300 <= status <= 399:
        to = f" to {shown(redirect)}" if redirect else ""
        return Verdict(
            Problem.REDIRECT,
            f"The server redirects{to} (status {status}). Redirects are never followed:"
            " let the server answer with the file itself, or enter the URL that it redirects to.",
        )
    if status >= 500:
        return Verdict(
            Problem.SERVER_ERROR, f"The server failed (status {status}). Look into its error log, then check again."
        )
    return Verdict(
        Problem.OTHER_STATUS,
        f"The server answered with status {status}, where 200 is needed. Let everyone read the file, without a login.",
    )


def _judge_content(content: bytes, expected: bytes, truncated: bool) -> Verdict:
    seen = f"it starts with “{shown(content.decode('utf-8', 'replace'), _SHOWN)}”" if content.strip() else "it is empty"
    if _looks_like_html(content):
        return Verdict(
            Problem.HTML_PAGE,
            f"The server answers with an HTML page where the file should be: {seen}."
            " Upload the file, and make sure that no page answers in its place.",
        )
    if truncated or (content.startswith(expected) and content != expected):
        return Verdict(
            Problem.TOO_LONG,
            f"The file holds more than it should: {seen}. Upload the file exactly as it was downloaded.",
        )
    return Verdict(
        Problem.WRONG_CONTENT,
        f"The file has the wrong content: {seen}. Download the file of this loop again and upload it unchanged.",
    )


def _looks_like_html(content: bytes) -> bool:
    start = content.lstrip()[:512].lower()
    return start.startswith((b"<!", b"<html", b"<head", b"<body", b"<?xml")) or b"<html" in start
