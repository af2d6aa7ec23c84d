"""What libcurl's error codes mean to the owner of a script."""

import errno
from dataclasses import dataclass

import pycurl

from feedbackloops.protocol.outcome import ErrorKind

_TOO_LARGE = 100  # CURLE_TOO_LARGE, which pycurl has no name for

_KINDS = {
    pycurl.E_OPERATION_TIMEDOUT: ErrorKind.TIMED_OUT,
    pycurl.E_COULDNT_RESOLVE_HOST: ErrorKind.DNS,
    pycurl.E_COULDNT_CONNECT: ErrorKind.REFUSED,
    pycurl.E_GOT_NOTHING: ErrorKind.RESET,
    pycurl.E_SEND_ERROR: ErrorKind.RESET,
    pycurl.E_RECV_ERROR: ErrorKind.RESET,
    pycurl.E_PARTIAL_FILE: ErrorKind.RESET,
    pycurl.E_SSL_CONNECT_ERROR: ErrorKind.TLS,
    pycurl.E_PEER_FAILED_VERIFICATION: ErrorKind.TLS,
    pycurl.E_SSL_CERTPROBLEM: ErrorKind.TLS,
    pycurl.E_SSL_CIPHER: ErrorKind.TLS,
    pycurl.E_SSL_CACERT_BADFILE: ErrorKind.TLS,
    pycurl.E_SSL_ISSUER_ERROR: ErrorKind.TLS,
    pycurl.E_SSL_INVALIDCERTSTATUS: ErrorKind.TLS,
    _TOO_LARGE: ErrorKind.TOO_LARGE,
}
_CONNECT_WORDS = {
    errno.ECONNREFUSED: "nothing listens there",
    errno.ENETUNREACH: "there is no way to its network",
    errno.EHOSTUNREACH: "there is no way to it",
}
_RESET_WORDS = {
    pycurl.E_GOT_NOTHING: "it closed without a word",
    pycurl.E_SEND_ERROR: "the connection broke while the request was sent",
    pycurl.E_PARTIAL_FILE: "the answer broke off in the middle",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """How a transfer failed: libcurl's code and words, the system's error number, and how far it had come.

    `deadline` and `connect_timeout` are the seconds that it was given.
    """

    code: int
    words: str
    os_error: int
    connected: bool
    status: int
    deadline: float
    connect_timeout: float


def explain(failure: Failure) -> tuple[ErrorKind, str]:
    """Return the kind of a failure and a clause on it for staff."""
    kind = _KINDS.get(failure.code, ErrorKind.PROTOCOL)
    match kind:
        case ErrorKind.TIMED_OUT:
            return kind, _timeout_words(failure)
        case ErrorKind.REFUSED:
            return kind, _CONNECT_WORDS.get(failure.os_error, "no connection could be made")
        case ErrorKind.RESET:
            return kind, _reset_words(failure)
        case ErrorKind.TOO_LARGE:
            return kind, failure.words or "the head of the answer has a line that is too long"
    return kind, failure.words


def _reset_words(failure: Failure) -> str:
    if failure.os_error == errno.ECONNRESET:
        return "the connection was reset"
    return _RESET_WORDS.get(failure.code, failure.words)


def _timeout_words(failure: Failure) -> str:
    if failure.status:
        return f"status {failure.status} came, but the answer did not end within {failure.deadline:g} s"
    if failure.connected:
        return f"it took the connection, but gave no answer within {failure.deadline:g} s"
    return f"no connection within {min(failure.connect_timeout, failure.deadline):g} s"
