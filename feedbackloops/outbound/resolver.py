"""Names to addresses, outside libcurl: a name that hangs holds up nobody but itself."""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from socket import SOCK_STREAM

import pycares

from feedbackloops.protocol.place import ends_in_number
from feedbackloops.protocol.sights import NameFault

logger = logging.getLogger(__name__)

_FAULTS = {
    pycares.errno.ARES_ENOTFOUND: (NameFault.UNKNOWN, "the name {host} does not exist"),
    pycares.errno.ARES_ENODATA: (NameFault.NO_ADDRESS, "the name {host} has no address"),
    pycares.errno.ARES_EBADNAME: (NameFault.INVALID, "{host} is not a valid host name"),
    pycares.errno.ARES_ETIMEOUT: (NameFault.SILENT, "the name servers for {host} did not answer"),
    pycares.errno.ARES_ESERVFAIL: (NameFault.FAILED, "the name servers for {host} failed"),
    pycares.errno.ARES_EREFUSED: (NameFault.FAILED, "the name servers for {host} refused to answer"),
    pycares.errno.ARES_ECONNREFUSED: (NameFault.SILENT, "the name servers for {host} could not be reached"),
}
_ELSE = NameFault.FAILED, "the name {host} could not be resolved"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a look-up of `host` gave: addresses, best first, or in `problem` a clause that says why there are none."""

    host: str
    addresses: tuple[str, ...] = ()
    problem: str = ""
    fault: NameFault | None = None


Callback = Callable[[Resolution], None]


@dataclass(slots=True, eq=False)
class _Lookup:
    host: str
    due: float
    waiting: list[Callback] = field(default_factory=list)
    settled: bool = False


def without_lookup(host: str) -> Resolution | None:
    """Return what is known of a host that is no name; None for a name.

    Only the plain form of an IPv4 address counts; whatever else ends in a number is refused.
    """
    bare = host.removeprefix("[").removesuffix("]")
    try:
        return Resolution(host, (str(ip_address(bare)),))
    except ValueError:
        pass
    if ends_in_number(bare.rstrip(".")):
        problem = f"{host} is not a host name; write an IPv4 address as four decimal numbers"
        return Resolution(host, problem=problem, fault=NameFault.INVALID)
    return None


class Resolver:
    """Resolves names with c-ares in a thread of c-ares, and remembers the answers.

    Simultaneous look-ups of one name are one query, so that a loop, which calls one host, never has more than one
    in flight. Answers are kept for their time to live, a second at least and `max_ttl` at most, failures
    for `negative_ttl`.
    /etc/hosts and "localhost" are honoured, search domains are not.
    """

    def __init__(
        self,
        servers: Sequence[str] = (),
        port: int = 53,
        *,
        deadline: float = 5.0,
        max_ttl: float = 60.0,
        negative_ttl: float = 5.0,
        max_names: int = 10_000,
    ) -> None:
        """Ask the system's name servers, or `servers` (IP addresses) at `port`; a look-up fails after `deadline` s."""
        self._deadline = deadline
        self._max_ttl = max_ttl
        self._negative_ttl = negative_ttl
        self._max_names = max_names
        self._known: OrderedDict[str, tuple[float, Resolution]] = OrderedDict()
        self._lookups: dict[str, _Lookup] = {}
        self._by_due: deque[_Lookup] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._channel = pycares.Channel(
            flags=pycares.ARES_FLAG_NOSEARCH,
            timeout=1.0,
            tries=3,
            servers=[f"[{server}]:{port}" if ":" in server else f"{server}:{port}" for server in servers] or None,
        )
        self._watcher = threading.Thread(target=self._watch, name="outbound-resolver", daemon=True)
        self._watcher.start()

    def resolve(self, host: str, callback: Callback) -> None:
        """Call `callback` once with the resolution of `host`, a name or an address.

        At once and in this thread when it is known, else from a thread of the resolver, `deadline` seconds from now
        at the latest. The callback must be brief: other names wait for it.
        """
        known = self.known(host)
        if known is not None:
            callback(known)
        elif (lookup := self._join(host, callback)) is not None:
            self._ask(lookup)

    def known(self, host: str) -> Resolution | None:
        """Return what is known of `host` without asking anyone."""
        with self._changed:
            entry = self._known.get(host)
            if entry is not None and entry[0] > time.monotonic():
                self._known.move_to_end(host)
                return entry[1]
        resolution = without_lookup(host)
        if resolution is not None:
            self._remember(resolution, self._max_ttl)
        return resolution

    def close(self) -> None:
        """Fail the look-ups in flight and end the threads; whoever asks afterwards is told that it is closed."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._watcher.join()
        self._channel.close()
        for lookup in list(self._lookups.values()):
            self._settle(lookup, Resolution(lookup.host, problem="the resolver was closed"), 0.0)

    def _join(self, host: str, callback: Callback) -> _Lookup | None:
        """Wait for the look-up of this name in flight, or return a new one that the caller has to ask for."""
        with self._changed:
            lookup = self._lookups.get(host)
            if lookup is not None:
                lookup.waiting.append(callback)
                return None
            lookup = _Lookup(host, time.monotonic() + self._deadline, [callback])
            self._lookups[host] = lookup
            self._by_due.append(lookup)
            self._changed.notify()
            return lookup

    def _ask(self, lookup: _Lookup) -> None:
        # Never with the lock held: c-ares holds its own lock while it calls back.
        try:
            self._channel.getaddrinfo(lookup.host, None, type=SOCK_STREAM, callback=partial(self._on_answer, lookup))
        except RuntimeError:
            self._settle(lookup, Resolution(lookup.host, problem="the resolver was closed"), 0.0)
        except UnicodeError:
            self._settle(lookup, _failed(lookup.host, pycares.errno.ARES_EBADNAME), self._negative_ttl)

    def _on_answer(self, lookup: _Lookup, answer: pycares.AddrInfoResult | None, error: int | None) -> None:
        if answer is not None and answer.nodes:
            addresses = tuple(dict.fromkeys(node.addr[0].decode() for node in answer.nodes))
            ttl = min(self._max_ttl, max(1.0, min(float(node.ttl) for node in answer.nodes)))
            self._settle(lookup, Resolution(lookup.host, addresses), ttl)
        else:
            self._settle(lookup, _failed(lookup.host, error or pycares.errno.ARES_ENODATA), self._negative_ttl)

    def _settle(self, lookup: _Lookup, resolution: Resolution, ttl: float) -> None:
        with self._changed:
            late, lookup.settled = lookup.settled, True
            if not late:
                del self._lookups[lookup.host]
        # An answer that comes after its deadline still serves the next look-up; a failure is news no more.
        if not late or resolution.addresses:
            self._remember(resolution, ttl)
        for callback in () if late else lookup.waiting:
            _call(callback, resolution)

    def _remember(self, resolution: Resolution, ttl: float) -> None:
        with self._changed:
            self._known[resolution.host] = (time.monotonic() + ttl, resolution)
            self._known.move_to_end(resolution.host)
            if len(self._known) > self._max_names:
                self._known.popitem(last=False)

    def _watch(self) -> None:
        while (lookup := self._next_overdue()) is not None:
            problem = f"the name {lookup.host} did not resolve within {self._deadline:g} s"
            self._settle(lookup, Resolution(lookup.host, (), problem, NameFault.SILENT), self._negative_ttl)

    def _next_overdue(self) -> _Lookup | None:
        """Wait for a look-up to pass its deadline; None once the resolver is closed."""
        with self._changed:
            while not self._closed:
                while self._by_due and self._by_due[0].settled:
                    self._by_due.popleft()
                left = self._by_due[0].due - time.monotonic() if self._by_due else None
                if left is not None and left <= 0:
                    return self._by_due.popleft()
                self._changed.wait(left)
            return None


def _failed(host: str, error: int) -> Resolution:
    fault, words = _FAULTS.get(error, _ELSE)
    return Resolution(host, (), words.format(host=host), fault)


def _call(callback: Callback, resolution: Resolution) -> None:
    try:
        callback(resolution)
    except Exception:
        logger.exception("A callback for the name %s failed", resolution.host)
