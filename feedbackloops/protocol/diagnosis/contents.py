"""Looks that were answered with status 200, and another content than that of the file."""

import re

from feedbackloops.protocol.challenge import Problem, plain
from feedbackloops.protocol.outcome import shown
from feedbackloops.protocol.sentences import sentence as _
from feedbackloops.protocol.sights import Sight

from .told import Diagnosis

_TITLE = re.compile(rb"<title[^>]*>([^<]{1,500})", re.IGNORECASE)
# What every verification file of ours looks like.
_FILE = re.compile(rb"[0-9a-f]{64}")


def unfitting(sight: Sight) -> Diagnosis:
    """Tell how the content differs from that of the file, and what to do."""
    if sight.problem is Problem.HTML_PAGE:
        return _page(sight)
    content = plain(sight.body)
    if not content.strip():
        return Diagnosis(
            _("There is a file, but it is empty."), (_("The upload may have been broken off: upload the file again."),)
        )
    if sight.problem is Problem.TOO_LONG:
        return _longer()
    if _FILE.fullmatch(content) and not sight.truncated:
        return _of_another_loop()
    return _other(content, sight.expected)


def _page(sight: Sight) -> Diagnosis:
    title = _("A web page stands where the file should be.")
    if found := _TITLE.search(sight.body):
        name = shown(found[1].decode("utf-8", "replace"), 80)
        title = _("A web page, titled “%(name)s”, stands where the file should be.", name=name)
    return Diagnosis(
        title,
        (
            _("If the file is not placed yet, place it: this server shows a page for whatever is not there."),
            _("If it is, have the server give it as it is: shop systems often answer all addresses themselves."),
        ),
    )


def _longer() -> Diagnosis:
    return Diagnosis(
        _("The file holds more than it should."),
        (_("Upload it exactly as it was downloaded: nothing added, and not opened and saved by a word processor."),),
    )


def _of_another_loop() -> Diagnosis:
    return Diagnosis(
        _("The content is that of another loop’s file."),
        (_("Download the file of this loop, and upload that one under its own name. Each loop has one of its own."),),
    )


def _other(content: bytes, expected: bytes) -> Diagnosis:
    title = _("The file has another content than it should.")
    if expected.startswith(content):
        title = _("The end of the file is missing.")
    return Diagnosis(title, (_("Download the file of this loop again, and upload it unchanged."),))
