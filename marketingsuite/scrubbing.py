"""Taking secrets out of texts that strangers to them may read: log lines, reports of errors. Pure."""

import re
from collections.abc import Callable, Iterable
from typing import Final

GONE: Final = "***"
# What is shorter would be found in the middle of innocent words.
LEAST_LENGTH: Final = 8

# All repetitions that could be tried from every place of a long text are bounded: none takes a long time.
_NAME = r"\w{0,40}(?:password|passwd|passphrase|secret(?:_key)?|token|api_?key|sessionid|private_?key|ing_keys)"
_VALUE = r"""(?:b?'[^']*'|b?"[^"]*"|[^\s;&)\]}'"]+)"""
_RULES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), put)
    for pattern, put in (
        # PostgreSQL tells there what stands in the rows: addresses of people, whole payloads.
        (r"\b(DETAIL|CONTEXT|PARAMETERS): .*?(?=\n\S|\Z)", rf"\1: {GONE}"),
        (r"-----BEGIN ([A-Z ]{0,40}PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", rf"\1 {GONE}"),
        # The user of a URL and the password; a Sentry DSN has its key there.
        (r"(\b[a-z][a-z0-9+.-]{1,20}://)[^\s/@'\"]{1,500}@", rf"\1{GONE}@"),
        # Our tokens: whoever has one can make hits.
        (r"(/[oc]/)[A-Za-z0-9_-]{16,}(?:\.gif)?", rf"\1{GONE}"),
        # What customers hide in the URLs of their scripts and their links.
        (r"(https?://[^\s?#'\"<>]{1,4000})[?#][^\s'\"<>]*", rf"\1?{GONE}"),
        (r"(?<=[\w/%.~-])\?[\w%&;.+~-]{1,200}=[^\s'\"<>]*", f"?{GONE}"),
        (r"\bwhsec_[A-Za-z0-9+/=_-]+", f"whsec_{GONE}"),
        (r"\b(v1a?),[A-Za-z0-9+/=_-]{20,}", rf"\1,{GONE}"),
        (r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", rf"\1 {GONE}"),
        # name=value, "name": "value", and headers.
        (rf"(\b{_NAME}\s{{0,3}}=\s{{0,3}}){_VALUE}", rf"\1{GONE}"),
        (rf"(['\"]{_NAME}['\"]\s{{0,3}}:\s{{0,3}}){_VALUE}", rf"\1{GONE}"),
        (r"\b((?:set-)?cookie|(?:proxy-)?authorization)(['\"]?\s{0,3}[:=]\s{0,3})[^\n]*", rf"\1\2{GONE}"),
    )
)


def scrubber(secrets: Iterable[str] = ()) -> Callable[[str], str]:
    """What takes secrets out of a text: what looks like one, and these, wherever they stand."""
    known = sorted({each for each in secrets if len(each) >= LEAST_LENGTH}, key=len, reverse=True)
    literally = re.compile("|".join(map(re.escape, known))) if known else None

    def scrub(text: str) -> str:
        if literally:
            text = literally.sub(GONE, text)
        for pattern, put in _RULES:
            text = pattern.sub(put, text)
        return text

    return scrub
