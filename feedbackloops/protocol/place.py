"""URLs of scripts: which may be used, what goes over the wire for them, and which place they stand at."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

import idna

from profiles.sentences import Sentence, gettext_noop

LONGEST_URL = 2000
# Not empty, so that it never equals the verified place of a loop that has none.
NOWHERE = "nowhere"

_DEFAULT_PORTS = {"http": 80, "https": 443}
# Stricter than RFC 3986: what parsers read differently (backslash, space, userinfo, %XX in a host) is refused.
_URL = re.compile(
    r"(?P<scheme>[^:/?#]*):(?://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?P<rest>#.*)?"
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:]*)(?::(?P<port>[^:]*))?")
_HOST_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMERIC_LABEL = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE | re.ASCII)
_PORT = re.compile(r"0*([0-9]{1,5})", re.ASCII)
_ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")
_DOT = re.compile(r"%2e", re.IGNORECASE)
# An escaped slash is a slash to some servers (nginx, PHP's, Python's), and so is %5C (IIS).
_DIRECTORY = re.compile(r".*(?:/|%2F|%5C)")
# What RFC 3986 allows in a path or query, with the brackets that browsers send as they are.
_KEPT = "!$&'()*+,;=:@/?%[]-._~"


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. `host` is in lower case, in IDNA form, IPv6 in brackets; `path` and `query` are ASCII.

    `query` starts with its `?`, or is empty.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def host_header(self) -> str:
        """The value of the Host header: with the port only where it is not the scheme's own (RFC 9110, 4.2)."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def request_target(self) -> str:
        """Path and query, as they stand in the request line (RFC 9112, 3.2.1)."""
        return self.path + self.query

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"{self.scheme}://{self.host_header}"

    @property
    def directory(self) -> str:
        """The path up to and including its last slash, escaped or not."""
        directory = _DIRECTORY.match(self.path)
        return directory[0] if directory else "/"

    @property
    def url(self) -> str:
        """The URL in ASCII, without dot segments. The HTTP client gets this one, so that it sends what was signed."""
        return self.origin + self.request_target


def url_problem(url: str) -> str | None:
    """Return a sentence that says why this cannot be the URL of a script, or None where it can. Never raises."""
    if len(url) > LONGEST_URL:
        words = gettext_noop("The URL is %(length)d characters long; %(most)d is the most.")
        return Sentence(words, length=len(url), most=LONGEST_URL)
    try:
        target = parse(url)
    except ValueError as problem:
        reason: Sentence = problem.args[0]
        return reason
    if len(target.url) > LONGEST_URL:
        words = gettext_noop("The URL is %(length)d characters long once it is written in ASCII; %(most)d is the most.")
        return Sentence(words, length=len(target.url), most=LONGEST_URL)
    return None


def place_of(url: str) -> str:
    """Return the place that a verification file proves, as `scheme://host:port/dir/`, or NOWHERE for an unusable URL.

    Two URLs have the same place only if every server reads them so. Never raises.
    """
    try:
        target = parse(url)
    except ValueError:
        return NOWHERE
    return f"{target.scheme}://{target.host}:{target.port}{target.directory}"


def ends_in_number(host: str) -> bool:
    """Whether a host is no name, but an IPv4 address in whatever form (WHATWG URL, "ends in a number checker")."""
    return _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]) is not None


@lru_cache(maxsize=1024)
def parse(url: str) -> Target:
    """Take a URL apart. Raises ValueError with a sentence for staff where it cannot be the URL of a script."""
    _refuse_characters(url)
    parts = _URL.fullmatch(url)
    scheme = parts["scheme"].lower() if parts else ""
    if parts is None or scheme not in _DEFAULT_PORTS:
        raise _problem(gettext_noop("The URL must start with http:// or https://."))
    if not parts["authority"]:
        raise _problem(gettext_noop("The URL names no host; write it like https://www.example.com/script.php."))
    if parts["rest"] is not None:
        raise _problem(gettext_noop("The URL has a fragment (#…), which is never sent to a server; leave it out."))
    host, port = _authority(parts["authority"], _DEFAULT_PORTS[scheme])
    query = "" if parts["query"] is None else "?" + _ascii(parts["query"])
    return Target(scheme, host, port, _path(parts["path"]), query)


def _problem(words: str) -> ValueError:
    return ValueError(Sentence(words))


def _refuse_characters(url: str) -> None:
    if any(character.isspace() for character in url):
        raise _problem(
            gettext_noop("The URL contains a space, a tab or a line break; remove it, or write a space as %20.")
        )
    if not url.isprintable():
        raise _problem(
            gettext_noop("The URL contains a control character or an invisible character; type it again by hand.")
        )
    if "\\" in url:
        raise _problem(
            gettext_noop(
                "The URL contains a backslash; write / between the parts of a path, or %5C for a real backslash."
            )
        )


def _authority(authority: str, default_port: int) -> tuple[str, int]:
    if "@" in authority:
        raise _problem(gettext_noop("The URL carries a user name or password before an @; leave them out."))
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise _problem(gettext_noop("The host of the URL cannot be read; an IPv6 address goes between [ and ]."))
    port = _port(parts["port"]) if parts["port"] else default_port
    if parts["host"].startswith("["):
        return _ipv6(parts["host"][1:-1]), port
    return _host_name(parts["host"]), port


def _port(text: str) -> int:
    digits = _PORT.fullmatch(text)
    port = int(digits[1]) if digits else 0
    if not 1 <= port <= 65535:
        raise _problem(gettext_noop("The port in the URL is not a number from 1 to 65535."))
    return port


def _ipv6(literal: str) -> str:
    try:
        if "%" in literal:
            raise ValueError("a zone means nothing to another host")
        address = ipaddress.IPv6Address(literal)
    except ValueError:
        raise _problem(gettext_noop("What stands between [ and ] in the URL is not an IPv6 address.")) from None
    # Python 3.13 writes mapped addresses another way than 3.11; a place must not change with an upgrade.
    if address.ipv4_mapped:
        mapped = int(address.ipv4_mapped)
        return f"[::ffff:{mapped >> 16:x}:{mapped & 0xFFFF:x}]"
    return f"[{address.compressed}]"


def _host_name(name: str) -> str:
    if not name.isascii():
        name = _idna(name)
    name = name.lower().removesuffix(".")
    if not name:
        raise _problem(gettext_noop("The URL names no host; write it like https://www.example.com/script.php."))
    if len(name) > 253 or not _HOST_NAME.fullmatch(name):
        raise _problem(
            gettext_noop(
                "The host name in the URL is not one that a name server knows: letters, digits, - and _ between dots."
            )
        )
    if ends_in_number(name):
        _refuse_disguise(name)
    return name


def _refuse_disguise(host: str) -> None:
    """Octal, hexadecimal and short forms, which inet_aton would take, mean different addresses to different readers."""
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        raise _problem(
            gettext_noop(
                "The host of the URL ends in a number, as no name does; write an IPv4 address as four decimal numbers,"
                " like 192.0.2.7."
            )
        ) from None


def _idna(name: str) -> str:
    # Bounds the work of the encoder, whatever was typed.
    if len(name) > 253:
        raise _problem(gettext_noop("The host name in the URL is longer than the 253 characters that a name can have."))
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except UnicodeError:
        raise _problem(
            gettext_noop("The host name in the URL has characters that are not allowed in a domain name.")
        ) from None


def _path(path: str) -> str:
    """Resolve dot segments (RFC 3986, 5.2.4; `%2e` is a dot, as HTTP clients read it) and write the path in ASCII."""
    kept: list[str] = []
    segments = path.split("/")[1:] or [""]
    for segment in segments:
        dots = _DOT.sub(".", segment)
        if dots == "..":
            del kept[-1:]
        elif dots != ".":
            kept.append(_ascii(segment))
    if _DOT.sub(".", segments[-1]) in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _ascii(text: str) -> str:
    # Escapes get upper-case digits (RFC 3986, 6.2.2.1), because libcurl writes them so and the signature must match.
    return _ESCAPE.sub(lambda escape: escape[0].upper(), quote(text, safe=_KEPT))
