"""One libcurl easy handle, used for one call after another."""

import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace

import pycurl

from feedbackloops.protocol.certificates import tls_fault
from feedbackloops.protocol.outcome import ErrorKind
from feedbackloops.protocol.place import Target

from .calls import ANSWER_LIMIT, HEAD_KEPT, Answer, Call, Timings
from .errors import Failure, explain

logger = logging.getLogger(__name__)

_IDLE_SECONDS = 60
_LIFETIME_SECONDS = 300
# libcurl waits for "100 Continue" before a body of a megabyte unless told not to.
_NO_EXPECT = "Expect:"

_NO_CALL = Call("")

Vet = Callable[[str], str | None]


class Transfer:
    """An easy handle with the call that it is busy with. For one thread only.

    Options that are the same for all calls are set once; `begin` overwrites those that differ.
    """

    __slots__ = (
        "_body",
        "_dns",
        "_head",
        "_out_of_sockets",
        "_refusal",
        "_room",
        "_size",
        "_socket",
        "_vet",
        "call",
        "curl",
    )

    def __init__(self, vet: Vet, on_socket: Callable[[int], None], ca_file: str) -> None:
        """`vet` says why an address must not be called; `on_socket` is told the number of each socket made."""
        self.curl = pycurl.Curl()
        self._vet = vet
        self._socket: socket.socket | None = None
        self._set_limits()
        self._set_trust(ca_file)
        self._set_callbacks(on_socket)
        self.call = _NO_CALL
        self._clear()

    def _clear(self) -> None:
        self._dns = 0.0
        self._head: list[bytes] = []
        self._body = b""
        self._size = 0
        self._room = ANSWER_LIMIT
        self._refusal = ""
        self._out_of_sockets = False

    def _set_limits(self) -> None:
        curl = self.curl
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.HTTP09_ALLOWED, 0)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.NOPROXY, "*")
        curl.setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
        curl.setopt(pycurl.USERAGENT, "")
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.TCP_NODELAY, 1)
        curl.setopt(pycurl.MAXAGE_CONN, _IDLE_SECONDS)
        curl.setopt(pycurl.MAXLIFETIME_CONN, _LIFETIME_SECONDS)
        # Each call brings its own addresses, so that no entry is ever used stale; without expiry libcurl need not
        # walk through all names after each call.
        curl.setopt(pycurl.DNS_CACHE_TIMEOUT, -1)

    def _set_trust(self, ca_file: str) -> None:
        self.curl.setopt(pycurl.SSL_VERIFYPEER, 1)
        self.curl.setopt(pycurl.SSL_VERIFYHOST, 2)
        self.curl.setopt(pycurl.CAINFO, ca_file)

    def _set_callbacks(self, on_socket: Callable[[int], None]) -> None:
        def take_over(fd: int, purpose: int) -> int:
            # libcurl works on a duplicate, made since _open_socket.
            if self._socket is not None:
                self._socket.close()
            on_socket(fd)
            return pycurl.SOCKOPT_OK

        self.curl.setopt(pycurl.HEADERFUNCTION, self._on_header)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        self.curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        self.curl.setopt(pycurl.SOCKOPTFUNCTION, take_over)

    def begin(self, call: Call, target: Target, addresses: Sequence[str], dns: float) -> None:
        """Set the handle up for a call to one of these addresses, `dns` seconds after it was submitted."""
        self._clear()
        self.call = call
        self._dns = dns
        lines = [f"{name}: {value}" if value else f"{name};" for name, value in call.headers]
        setopt = self.curl.setopt
        setopt(pycurl.URL, target.url)
        setopt(pycurl.RESOLVE, [f"{target.host}:{target.port}:{','.join(map(_bracketed, addresses))}"])
        setopt(pycurl.HTTPHEADER, [*lines, _NO_EXPECT])
        setopt(pycurl.TIMEOUT_MS, max(1, int((call.deadline - dns) * 1000)))
        setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(call.connect_timeout * 1000)))
        if call.wants_certificate:
            setopt(pycurl.OPT_CERTINFO, 1)
        if call.body is None:
            setopt(pycurl.HTTPGET, 1)
        else:
            setopt(pycurl.POSTFIELDS, call.body)

    def finish(self, code: int, words: str) -> tuple[Call, Answer]:
        """Return the call and what became of it, given libcurl's result code and words, and let go of its body."""
        call, answer = self.call, self._answer(code, words)
        if call.wants_certificate:
            answer = self._with_certificate(answer)
        self.call = _NO_CALL
        self.curl.setopt(pycurl.POSTFIELDS, b"")
        return call, answer

    def _answer(self, code: int, words: str) -> Answer:
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        error, message = (None, "") if code == pycurl.E_OK else self._error(code, words, status)
        return Answer(
            status=status,
            error=error,
            error_message=message,
            redirect=self._header(b"location") if 300 <= status <= 399 else "",
            retry_after=self._header(b"retry-after") or None if status in (429, 503) else None,
            started=not self._out_of_sockets or error is None,
            address=self.curl.getinfo(pycurl.PRIMARY_IP),
            body=self._body,
            truncated=self._size > len(self._body),
            head="" if error is None and 200 <= status <= 299 and not self.call.keep_head else self._kept_head(),
            timings=self._timings(),
        )

    def _with_certificate(self, answer: Answer) -> Answer:
        # As bytes: what strangers write into a certificate need not be text.
        chain = self.curl.getinfo_raw(pycurl.INFO_CERTINFO)
        pem = next((value for name, value in chain[0] if name == b"Cert"), b"") if chain else b""
        fault = None
        if answer.error is ErrorKind.TLS:
            fault = tls_fault(self.curl.getinfo(pycurl.SSL_VERIFYRESULT), bool(pem))
        self.curl.setopt(pycurl.OPT_CERTINFO, 0)
        return replace(answer, certificate=pem, tls_fault=fault)

    def _error(self, code: int, words: str, status: int) -> tuple[ErrorKind, str]:
        if self._room < 0:
            return ErrorKind.TOO_LARGE, f"the answer is longer than {ANSWER_LIMIT // 1024} KiB; the rest was not read"
        if self._refusal:
            return ErrorKind.BLOCKED, self._refusal
        if self._out_of_sockets:
            return ErrorKind.REFUSED, "this machine has no socket left; raise its limit of open files"
        connected = self.curl.getinfo(pycurl.CONNECT_TIME) > 0
        os_error = self.curl.getinfo(pycurl.OS_ERRNO)
        limits = self.call.deadline, self.call.connect_timeout
        return explain(Failure(code, words, os_error, connected, status, *limits))

    def _timings(self) -> Timings:
        getinfo = self.curl.getinfo
        connect = getinfo(pycurl.CONNECT_TIME)
        ready = getinfo(pycurl.APPCONNECT_TIME) or connect
        first_byte = getinfo(pycurl.STARTTRANSFER_TIME)
        total = self._dns + getinfo(pycurl.TOTAL_TIME)
        return Timings(self._dns, connect, ready - connect, max(0.0, first_byte - ready), total)

    def _header(self, name: bytes) -> str:
        """Return the last value of a header, so that of the final answer where interim ones came before."""
        for line in reversed(self._head):
            key, colon, value = line.partition(b":")
            if colon and key.lower() == name:
                return value.strip().decode("latin-1")
        return ""

    def _kept_head(self) -> str:
        """Return the final status line and its headers, but for cookies: those open sessions at the other side."""
        start = max((at for at, line in enumerate(self._head) if line.startswith(b"HTTP/")), default=0)
        lines = [line.strip() for line in self._head[start:] if not line[:10].lower().startswith(b"set-cookie")]
        return b"\n".join(filter(None, lines)).decode("latin-1").replace("\0", "\ufffd")[:HEAD_KEPT]

    def _on_header(self, line: bytes) -> int:
        self._room -= len(line)
        if self._room < 0:
            return 0
        self._head.append(line)
        return len(line)

    def _on_body(self, chunk: bytes) -> int:
        self._room -= len(chunk)
        self._size += len(chunk)
        if len(self._body) < self.call.keep:
            self._body += chunk[: self.call.keep - len(self._body)]
        return 0 if self._room < 0 else len(chunk)

    def _open_socket(self, purpose: int, address: pycurl.CurlSockAddr) -> socket.socket | int:
        """Make the socket that libcurl connects, unless its address must not be called."""
        try:
            reason = _vet_socket_address(address, self._vet)
            if reason is None:
                self._socket = socket.socket(address.family, address.socktype, address.protocol)
                return self._socket
            self._refusal = reason
        except OSError:
            self._out_of_sockets = True
        except Exception:
            logger.exception("An address could not be vetted, so it was not called")
            self._refusal = "its address could not be checked"
        return pycurl.SOCKET_BAD


def _vet_socket_address(address: pycurl.CurlSockAddr, vet: Vet) -> str | None:
    if address.family not in (socket.AF_INET, socket.AF_INET6) or isinstance(address.addr, bytes):
        return "its address is not one of the internet"
    host = address.addr[0]
    if address.family == socket.AF_INET6 and len(address.addr) == 4 and address.addr[3]:
        return f"{host}: it is an address with a scope id"
    reason = vet(host)
    return f"{host}: {reason}" if reason else None


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
