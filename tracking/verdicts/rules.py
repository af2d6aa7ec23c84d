"""Rules that tell machines and proxies by what they say of themselves and where they come from: data, in TOML."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from ipaddress import ip_network
from typing import Any, Final

from tracking.hits import CIRCUMSTANCES, CLICK, OPEN
from tracking.verdicts.networks import Network

TYPES: Final = (OPEN, CLICK)
_REASON: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
LONGEST_REASON: Final = 60
LINK_CHECK: Final = "link-check"
# Links, or seconds.
MOST: Final = 600


class Verdict(StrEnum):
    """Who made an open or a click.

    HUMAN: a person, by a browser or a mail program.
    PROXY: a person's mailbox provider, so that the time and the address are not the person's.
    MACHINE: a scanner, a robot, something that fetches ahead of its reader.
    UNKNOWN: nothing tells.
    """

    HUMAN = "human"
    PROXY = "proxy"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class BadRules(ValueError):
    """Rules that can't be used; the text says which and why, for who wrote them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for hits that meet all of its conditions; one that is empty is met by every hit.

    `useragent` is searched for in the User-Agent, whatever the case; `networks` have the address; `headers` have texts
    that the header of that name contains.
    """

    verdict: Verdict
    reason: str
    types: frozenset[str] = frozenset(TYPES)
    useragent: re.Pattern[str] | None = None
    networks: tuple[Network, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    def fits_agent(self, useragent: str) -> bool:
        """Whether a hit with this User-Agent may meet it."""
        return self.useragent is None or self.useragent.search(useragent) is not None

    def fits_headers(self, data: Mapping[str, Any]) -> bool:
        """Whether the headers that the event keeps meet it."""
        return all(text in str(data.get(name, "")).lower() for name, text in self.headers)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in their order, the first that fits decides; the first `own` of them are the operator's.

    So many different links of one message, within so many seconds, are no person's clicks. A GET so many seconds after
    a HEAD for the same link, by the same address, is no person's either.
    """

    rules: tuple[Rule, ...]
    own: int = 0
    burst_links: int = 3
    burst_seconds: float = 1.0
    head_seconds: float = 60.0

    def checks_links(self, useragent: str) -> bool:
        """Whether a program calls itself so that asks for a link on behalf of the person who then opens it."""
        return any(
            rule.useragent is not None and rule.reason == LINK_CHECK and rule.fits_agent(useragent)
            for rule in self.rules
        )


def built_in() -> Rules:
    """The rules that come with the product."""
    return Rules(_rules(tomllib.loads(_text()).get("rule", [])))


def with_own(text: str) -> Rules:
    """The rules that this TOML has, before those that come with the product. Raises BadRules."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRules(f"it is not TOML: {error}") from error
    if strange := sorted(content.keys() - {"rule", "burst", "head"}):
        raise BadRules(f"it has {strange[0]!r:.40}, where only [[rule]], [burst] and [head] can stand")
    own = _rules(content.get("rule", []))
    return Rules(own + built_in().rules, len(own), **_limits(content))


def _limits(content: Mapping[str, Any]) -> dict[str, Any]:
    burst, head = _table(content, "burst", ("links", "seconds")), _table(content, "head", ("seconds",))
    return {
        **({"burst_links": _number(burst, "burst", "links", int, 2)} if "links" in burst else {}),
        **({"burst_seconds": _number(burst, "burst", "seconds", float, 0)} if "seconds" in burst else {}),
        **({"head_seconds": _number(head, "head", "seconds", float, 0)} if "seconds" in head else {}),
    }


def _table(content: Mapping[str, Any], name: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict) or (table.keys() - set(known)):
        raise BadRules(f"[{name}] can have {' and '.join(known)} only")
    return table


def _number(table: Mapping[str, Any], place: str, name: str, kind: Callable[[Any], Any], least: int) -> Any:
    value = table[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and least <= value <= MOST and kind(value) == value):
        raise BadRules(f"{name} of [{place}] has to be a number from {least} to {MOST}, not {value!r:.40}")
    return kind(value)


def _rules(found: Any) -> tuple[Rule, ...]:
    if not isinstance(found, list):
        raise BadRules("rules are written as [[rule]], with two brackets")
    return tuple(_rule(number, each) for number, each in enumerate(found, start=1))


def _rule(number: int, found: Any) -> Rule:
    try:
        return _checked(found)
    except (ValueError, TypeError, re.error) as error:
        raise BadRules(f"rule {number}: {error}") from error


def _checked(found: Any) -> Rule:
    if not isinstance(found, dict):
        raise TypeError("it has to be a table, [[rule]]")
    if strange := sorted(found.keys() - _READERS.keys()):
        raise ValueError(f"it has {strange[0]!r:.40}; a rule has {', '.join(_READERS)}")
    if missing := [name for name in ("verdict", "reason") if name not in found]:
        raise ValueError(f"it needs a {missing[0]}")
    if not found.keys() & {"useragent", "networks", "headers"}:
        raise ValueError("it has no condition: give it a useragent, networks or headers")
    values = {name: read(found[name]) for name, read in _READERS.items() if name in found}
    return Rule(**{("types" if name == "on" else name): value for name, value in values.items()})


def _verdict(value: Any) -> Verdict:
    try:
        return Verdict(value)
    except ValueError:
        raise ValueError(f"the verdict has to be one of {', '.join(Verdict)}, not {value!r:.40}") from None


def _reason(value: Any) -> str:
    if not isinstance(value, str) or not _REASON.fullmatch(value) or len(value) > LONGEST_REASON:
        raise ValueError(
            f"the reason has to be words in lower case with hyphens, such as own-scanner, up to {LONGEST_REASON} "
            f"characters, not {value!r:.40}"
        )
    return value


def _types(value: Any) -> frozenset[str]:
    if not value or not isinstance(value, list) or not set(value) <= set(TYPES):
        raise ValueError(f"on has to be a list of {' and '.join(TYPES)}, not {value!r:.40}")
    return frozenset(value)


def _texts(value: Any, name: str) -> list[str]:
    if not value or not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise ValueError(f"{name} has to be a list of texts")
    return value


def _pattern(value: Any) -> re.Pattern[str]:
    """One pattern of all; each is tried alone first, so that the error names it."""
    for each in _texts(value, "useragent"):
        try:
            re.compile(each)
        except re.error as error:
            raise ValueError(f"the pattern {each!r:.60} of useragent can't be read: {error}") from error
    return re.compile("|".join(f"(?:{each})" for each in value), re.IGNORECASE)


def _networks(value: Any) -> tuple[Network, ...]:
    return tuple(map(_network, _texts(value, "networks")))


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"networks are written like 192.0.2.0/24: {error}") from None


def _headers(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not value or not value.keys() <= set(CIRCUMSTANCES):
        raise ValueError(f"headers has to be a table of {', '.join(CIRCUMSTANCES)}")
    return tuple(
        (name, text.lower()) for name, text in zip(value, _texts(list(value.values()), "headers"), strict=True)
    )


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "verdict": _verdict,
    "reason": _reason,
    "on": _types,
    "useragent": _pattern,
    "networks": _networks,
    "headers": _headers,
}


@cache
def _text() -> str:
    return (files("tracking.verdicts") / "rules.toml").read_text("utf-8")
