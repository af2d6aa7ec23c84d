"""Where a redirect in the place of the verification file leads, and which URL of the script would fit that."""

import enum
import re
from dataclasses import dataclass
from urllib.parse import urljoin

from .place import Target, parse, url_problem

_LOGIN = re.compile(r"log-?in|log-?on|sign-?in|(?:^|[/._-])(?:auth|sso|saml|oauth2?)(?:$|[/._-])", re.IGNORECASE)


class Leads(enum.StrEnum):
    """What a redirect leads to, seen from where it stands."""

    TO_HTTPS = "to https"
    """The same place over HTTPS."""
    TO_OTHER_NAME = "to other name"
    """The same path at the name with, or without, www."""
    TO_LOGIN = "to login"
    """A page for a login, by what its URL says."""
    TO_ITSELF = "to itself"
    """The URL that was asked for."""
    TO_HTTP = "to http"
    """The same place without encryption."""
    ELSEWHERE = "elsewhere"
    """Some other URL."""
    NOWHERE = "nowhere"
    """Nothing that could be called: no Location, another protocol, a text that is no URL."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect: what it leads to, and the whole URL; empty where that is none."""

    leads: Leads
    url: str = ""


def follow(url: str, location: str) -> Redirect:
    """Say where `location`, which may be relative (RFC 9110, 10.2.2), leads from `url`. Nobody is asked."""
    try:
        at, to = parse(url), parse(urljoin(url, location.partition("#")[0]))
    except ValueError:
        return Redirect(Leads.NOWHERE)
    if not location:
        return Redirect(Leads.NOWHERE)
    return Redirect(_leads(at, to), to.url)


def script_url(script: str, looked: str, location: str) -> str | None:
    """Return the URL that the script would have behind the redirect, or None where there is no telling, or no sense.

    `script` is the loop's URL, `looked` where the file was looked for. Only a redirect to a file of the same name tells
    where its folder has gone; one to an unencrypted place is not offered.
    """
    redirect = follow(looked, location)
    if redirect.leads in (Leads.NOWHERE, Leads.TO_ITSELF, Leads.TO_HTTP, Leads.TO_LOGIN):
        return None
    at, to, of = parse(looked), parse(redirect.url), parse(script)
    folder, _, name = at.path.rpartition("/")
    gone_to, _, same_name = to.path.rpartition("/")
    if of.origin != at.origin or not of.path.startswith(f"{folder}/") or not name or same_name != name:
        return None
    moved = f"{to.origin}{gone_to}{of.path.removeprefix(folder)}{of.query}"
    is_downgrade = at.scheme == "https" and to.scheme == "http"
    return None if is_downgrade or moved == of.url or url_problem(moved) else moved


def _leads(at: Target, to: Target) -> Leads:
    if to.url == at.url:
        return Leads.TO_ITSELF
    if to.request_target == at.request_target and _is_standard(at) and _is_standard(to):
        if to.host == at.host:
            return Leads.TO_HTTPS if to.scheme == "https" else Leads.TO_HTTP
        if _bare(to.host) == _bare(at.host):
            return Leads.TO_OTHER_NAME
    if to.path.rpartition("/")[2] == at.path.rpartition("/")[2]:
        return Leads.ELSEWHERE
    return Leads.TO_LOGIN if _LOGIN.search(to.request_target) or _LOGIN.search(to.host) else Leads.ELSEWHERE


def _is_standard(target: Target) -> bool:
    """Whether the port is the scheme's own, so that it changes with the scheme."""
    return target.host == target.host_header


def _bare(host: str) -> str:
    return host.removeprefix("www.")
