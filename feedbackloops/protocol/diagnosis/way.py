"""The way of a look, station by station: how far it came, and what was found there."""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from feedbackloops.protocol.outcome import shown
from feedbackloops.protocol.redirects import follow
from feedbackloops.protocol.sentences import Sentence
from feedbackloops.protocol.sentences import sentence as _
from feedbackloops.protocol.sights import NameFault, Sight, Station


class Passage(enum.StrEnum):
    """How a look fared at a station."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Stop:
    """A station, how the look fared there, and what it found."""

    station: Station
    passage: Passage
    found: Sentence


def way_of(sight: Sight) -> list[Stop]:
    """Return all stations in their order; the one of the certificate only where there is to be any."""
    stations = [each for each in Station if each is not Station.CERTIFICATE or sight.target.scheme == "https"]
    end = stations.index(sight.failed_at) if sight.failed_at in stations else len(stations)
    return [_stop(sight, station, place - end) for place, station in enumerate(stations)]


def _stop(sight: Sight, station: Station, beyond: int) -> Stop:
    """`beyond`: how many stations this one lies behind the one that the look failed at."""
    if beyond > 0:
        return Stop(station, Passage.NOT_REACHED, _("Not reached."))
    return Stop(station, Passage.FAILED if beyond == 0 else Passage.PASSED, _FOUND[station](sight, beyond == 0))


def _name(sight: Sight, failed: bool) -> Sentence:
    host = sight.target.host
    if failed:
        return _NAME_FAULTS[sight.name_fault] if sight.name_fault else _detail(sight)
    if not sight.known:
        return _("%(host)s was found.", host=host)
    if [known.address for known in sight.known] == [host.strip("[]")]:
        return _("The URL has an address in the place of a name.")
    addresses = ", ".join(known.address for known in sight.known[:6])
    return _("%(host)s leads to %(addresses)s.", host=host, addresses=addresses)


_NAME_FAULTS = {
    NameFault.UNKNOWN: _("This name does not exist (NXDOMAIN)."),
    NameFault.NO_ADDRESS: _("The name has no address (no A or AAAA record)."),
    NameFault.INVALID: _("This can’t be a name."),
    NameFault.FAILED: _("Its name servers failed (SERVFAIL or REFUSED)."),
    NameFault.SILENT: _("Its name servers gave no answer in time."),
}


def _address(sight: Sight, failed: bool) -> Sentence:
    if not failed:
        return _("%(address)s may be called.", address=sight.address or sight.target.host)
    refusals = [f"{known.address}: {known.refusal}" for known in sight.known if known.refusal]
    return _("%(refusals)s.", refusals="; ".join(refusals[:6])) if refusals else _detail(sight)


def _connection(sight: Sight, failed: bool) -> Sentence:
    where = {"address": sight.address or sight.target.host, "port": sight.target.port}
    if failed:
        return _("%(address)s, port %(port)s: %(detail)s.", **where, detail=shown(sight.detail))
    return _("Connected to %(address)s, port %(port)s.", **where)


def _certificate(sight: Sight, failed: bool) -> Sentence:
    cert = sight.certificate
    if cert is None:
        return _detail(sight) if failed else _("It is trusted.")
    facts = {"names": ", ".join(cert.names[:4]) or "–", "issuer": cert.issuer or "–", "ends": cert.ends}
    if failed:
        facts |= {"begins": cert.begins, "detail": shown(sight.detail)}
        return _(
            "For %(names)s, issued by %(issuer)s, valid from %(begins)s to %(ends)s. Refused: %(detail)s.", **facts
        )
    return _("For %(names)s, issued by %(issuer)s, valid to %(ends)s.", **facts)


def _answer(sight: Sight, failed: bool) -> Sentence:
    if not sight.status:
        return _detail(sight)
    if url := follow(sight.url, sight.redirect).url if 300 <= sight.status <= 399 else "":
        return _("Status %(status)s, which leads to %(url)s", status=sight.status, url=shown(url, 200))
    if failed and sight.error:
        return _("Status %(status)s: %(detail)s.", status=sight.status, detail=shown(sight.detail))
    return _("Status %(status)s.", status=sight.status)


def _content(sight: Sight, failed: bool) -> Sentence:
    if failed:
        return _("Not what the file should hold.")
    return _("Exactly what the file should hold.")


def _detail(sight: Sight) -> Sentence:
    detail = shown(sight.detail)
    return _("%(detail)s.", detail=detail[:1].upper() + detail[1:]) if detail else _("Nothing more was noted.")


_FOUND: dict[Station, Callable[[Sight, bool], Sentence]] = {
    Station.NAME: _name,
    Station.ADDRESS: _address,
    Station.CONNECTION: _connection,
    Station.CERTIFICATE: _certificate,
    Station.ANSWER: _answer,
    Station.CONTENT: _content,
}
