"""Looks that ended at the server's certificate, or before it had shown one."""

from collections.abc import Callable

from feedbackloops.protocol.certificates import TlsFault
from feedbackloops.protocol.sentences import sentence as _
from feedbackloops.protocol.sights import Sight

from .told import Diagnosis


def distrusted(sight: Sight, fault: TlsFault) -> Diagnosis:
    """Tell what is wrong with the certificate, and what to do."""
    return _CERTIFICATES[fault](sight)


def untrusted(sight: Sight) -> Diagnosis:
    """Tell of a handshake that failed for a reason of its own."""
    return Diagnosis(
        _("No secure connection to the server could be made."),
        (
            _("See whether the port of the URL is the one for https://."),
            _("See whether the server knows TLS 1.2 or newer, and has a certificate for this name."),
        ),
    )


def _expired(sight: Sight) -> Diagnosis:
    host = sight.target.host
    title = _("The certificate of %(host)s has expired.", host=host)
    if sight.certificate:
        title = _("The certificate of %(host)s expired on %(ends)s.", host=host, ends=sight.certificate.ends)
    return Diagnosis(
        title,
        (
            _("Have it renewed. Most servers do that by themselves: see why this one has stopped."),
            _("If it was renewed already, have the web server load it: often it only needs a restart."),
        ),
    )


def _not_yet_valid(sight: Sight) -> Diagnosis:
    title = _("The certificate of %(host)s is not valid yet.", host=sight.target.host)
    if cert := sight.certificate:
        host = sight.target.host
        title = _("The certificate of %(host)s is not valid before %(begins)s.", host=host, begins=cert.begins)
    return Diagnosis(title, (_("Wait until then, or have the server use the one that is valid today."),))


def _wrong_name(sight: Sight) -> Diagnosis:
    host, names = sight.target.host, ", ".join(sight.certificate.names[:3]) if sight.certificate else ""
    title = _("The certificate is not for %(host)s.", host=host)
    if names:
        title = _("The certificate is for %(names)s, not for %(host)s.", names=names, host=host)
    return Diagnosis(
        title,
        (
            _("If the URL should have another name, with or without www., correct it in the settings."),
            _("If not, have the server get a certificate for %(host)s.", host=host),
        ),
    )


def _self_signed(sight: Sight) -> Diagnosis:
    return Diagnosis(
        _("The server has signed its certificate itself, so nobody vouches for it."),
        (_("Have it get a certificate of a recognised authority; there are free ones, such as Let’s Encrypt."),),
    )


def _unknown_issuer(sight: Sight) -> Diagnosis:
    issuer = sight.certificate.issuer if sight.certificate else ""
    title = _("Nobody we know vouches for the server’s certificate.")
    if issuer:
        title = _("The certificate was issued by %(issuer)s, and nobody we know vouches for that.", issuer=issuer)
    return Diagnosis(
        title,
        (
            _("Most often an intermediate certificate is missing: have the server send the whole chain."),
            _("Browsers forgive that, programs don’t. In the settings of a server the file is often called fullchain."),
            _("If the certificate is one of your own company’s, get one of a recognised authority."),
        ),
    )


_CERTIFICATES: dict[TlsFault, Callable[[Sight], Diagnosis]] = {
    TlsFault.EXPIRED: _expired,
    TlsFault.NOT_YET_VALID: _not_yet_valid,
    TlsFault.WRONG_NAME: _wrong_name,
    TlsFault.SELF_SIGNED: _self_signed,
    TlsFault.UNKNOWN_ISSUER: _unknown_issuer,
    TlsFault.OTHER: untrusted,
}
