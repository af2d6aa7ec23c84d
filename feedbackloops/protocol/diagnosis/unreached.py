"""Looks that came to no answer: the name, the address, the connection, and what was spoken there."""

from collections.abc import Callable

from feedbackloops.protocol.outcome import ErrorKind
from feedbackloops.protocol.sentences import sentence as _
from feedbackloops.protocol.sights import NameFault, Sight, Station

from .told import Diagnosis
from .trust import untrusted


def unreached(sight: Sight) -> Diagnosis:
    """Tell why there was no answer, where the certificate is not to blame."""
    if sight.name_fault:
        return _NAMES[sight.name_fault](sight)
    if sight.error:
        return _ERRORS[sight.error](sight)
    return Diagnosis(_("There was no answer."), (_("Press Check now to look again."),))


def _unknown_name(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("There is no server of the name %(host)s.", host=sight.target.host),
        (
            _("Look for a slip of the pen in the URL."),
            _("See whether the domain is still registered, and has an A or AAAA record for this name."),
            _("A record that was made just now can take an hour to be seen everywhere."),
        ),
    )


def _bare_name(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("The name %(host)s is there, but leads to no server.", host=sight.target.host),
        (_("Have whoever looks after the domain add an A or AAAA record for it, or use a name that has one."),),
    )


def _invalid_name(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("%(host)s can’t be the name of a server.", host=sight.target.host), (_("Correct the URL in the settings."),)
    )


def _failing_names(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("The name servers of %(host)s fail, so nobody can find the server.", host=sight.target.host),
        (
            _("Ask whoever looks after the domain to look at its name servers, and at its DNSSEC signatures."),
            _("If it passes by itself, press Check now again in some minutes."),
        ),
    )


def _silent_names(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("The name servers of %(host)s don’t answer, so nobody can find the server.", host=sight.target.host),
        (
            _("Press Check now again in some minutes: it may pass by itself."),
            _("If it does not, ask whoever looks after the domain to look at its name servers."),
        ),
    )


_NAMES: dict[NameFault, Callable[[Sight], Diagnosis]] = {
    NameFault.UNKNOWN: _unknown_name,
    NameFault.NO_ADDRESS: _bare_name,
    NameFault.INVALID: _invalid_name,
    NameFault.FAILED: _failing_names,
    NameFault.SILENT: _silent_names,
}


def _blocked(sight: Sight) -> Diagnosis:
    where = ", ".join(known.address for known in sight.known if known.refusal) or sight.target.host
    return Diagnosis(
        _("%(host)s leads to an address that is never called: %(address)s.", host=sight.target.host, address=where),
        (
            _("It is one of an inner network, or reserved: our servers, and the internet, can’t get there."),
            _("Have the name lead to a public address, or use the URL that the server has on the internet."),
            _("If it is a network of your own, whoever runs this service can allow it."),
        ),
    )


def _refused(sight: Sight) -> Diagnosis:
    where = {"address": sight.address or sight.target.host, "port": sight.target.port}
    return Diagnosis(
        _("Nothing listens at %(address)s, port %(port)s.", **where),
        (
            _("See whether the web server runs, and listens on this port."),
            _("See whether its firewall lets us in, and whether the name leads to the right server."),
        ),
    )


def _reset(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("The server hung up before it had answered."),
        (
            _("A firewall, or a protection against attacks, may cut our connection: let our servers through."),
            _("If it is the web server itself, its error log says why."),
        ),
    )


def _timed_out(sight: Sight) -> Diagnosis:
    if sight.failed_at is Station.CONNECTION:
        return Diagnosis(
            _("No connection to %(address)s came about in time.", address=sight.address or sight.target.host),
            (
                _("A firewall that drops packets looks like this: have it let our servers in."),
                _("See whether the server is up, and whether its name leads to the right address."),
            ),
        )
    return Diagnosis(
        _("The server took the connection, but its answer did not come to an end in time."),
        (
            _("See whether the server is overloaded: a file should come within a second."),
            _("See whether a program answers in the place of the file."),
        ),
    )


def _not_http(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("What answered there does not speak HTTP."),
        (_("See whether the port of the URL, and its http:// or https://, are right."),),
    )


def _too_large(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("The server sent more than we read, and no file."),
        (_("See whether a program answers in the place of the file."),),
    )


_ERRORS: dict[ErrorKind, Callable[[Sight], Diagnosis]] = {
    ErrorKind.DNS: _unknown_name,
    ErrorKind.BLOCKED: _blocked,
    ErrorKind.REFUSED: _refused,
    ErrorKind.RESET: _reset,
    ErrorKind.TIMED_OUT: _timed_out,
    ErrorKind.TLS: untrusted,
    ErrorKind.PROTOCOL: _not_http,
    ErrorKind.TOO_LARGE: _too_large,
}
