import errno

import pycurl
import pytest

from feedbackloops.outbound.errors import Failure, explain
from feedbackloops.protocol.outcome import ErrorKind


def failure(
    code: int, *, words: str = "", os_error: int = 0, connected: bool = True, status: int = 0, deadline: float = 15
) -> Failure:
    return Failure(code, words, os_error, connected, status, deadline, connect_timeout=5)


@pytest.mark.parametrize(
    ("what", "kind", "words"),
    [
        (failure(pycurl.E_OPERATION_TIMEDOUT, connected=False), ErrorKind.TIMED_OUT, "no connection within 5 s"),
        (
            failure(pycurl.E_OPERATION_TIMEDOUT, connected=False, deadline=2),
            ErrorKind.TIMED_OUT,
            "no connection within 2 s",
        ),
        (
            failure(pycurl.E_OPERATION_TIMEDOUT),
            ErrorKind.TIMED_OUT,
            "it took the connection, but gave no answer within 15 s",
        ),
        (
            failure(pycurl.E_OPERATION_TIMEDOUT, status=200),
            ErrorKind.TIMED_OUT,
            "status 200 came, but the answer did not end within 15 s",
        ),
        (failure(pycurl.E_COULDNT_CONNECT, os_error=errno.ECONNREFUSED), ErrorKind.REFUSED, "nothing listens there"),
        (failure(pycurl.E_COULDNT_CONNECT, os_error=errno.EHOSTUNREACH), ErrorKind.REFUSED, "there is no way to it"),
        (failure(pycurl.E_COULDNT_CONNECT), ErrorKind.REFUSED, "no connection could be made"),
        (failure(pycurl.E_RECV_ERROR, os_error=errno.ECONNRESET), ErrorKind.RESET, "the connection was reset"),
        (failure(pycurl.E_RECV_ERROR, words="bad chunk"), ErrorKind.RESET, "bad chunk"),
        (failure(pycurl.E_GOT_NOTHING), ErrorKind.RESET, "it closed without a word"),
        (failure(pycurl.E_PEER_FAILED_VERIFICATION, words="self-signed"), ErrorKind.TLS, "self-signed"),
        (failure(100), ErrorKind.TOO_LARGE, "the head of the answer has a line that is too long"),
        (failure(pycurl.E_UNSUPPORTED_PROTOCOL, words="HTTP/0.9"), ErrorKind.PROTOCOL, "HTTP/0.9"),
        (failure(9999, words="something new"), ErrorKind.PROTOCOL, "something new"),
    ],
)
def test_a_failure_has_a_kind_and_words(what: Failure, kind: ErrorKind, words: str) -> None:
    assert explain(what) == (kind, words)
