"""The only door out: thousands of HTTP calls at a time, driven by one thread."""

import logging
import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from queue import SimpleQueue

import certifi
import pycurl

from feedbackloops.protocol.outcome import ErrorKind
from feedbackloops.protocol.place import Target, parse

from .addresses import Network, problem
from .calls import Answer, Call, Timings
from .multi import Multi
from .resolver import Resolution, Resolver
from .transfer import Transfer

logger = logging.getLogger(__name__)

_SPARE_TRANSFERS = 1000
_LONGEST_WAIT = 60.0
# A new connection takes a quarter of a millisecond: so many at a time hold up nobody.
_PATIENT_AT_ONCE = 16
_MOST_KEPT_CONNECTIONS = 8192

OnDone = Callable[[list[tuple[Call, Answer]]], None]


@dataclass(slots=True, eq=False)
class _Pending:
    """A call that has not left yet."""

    call: Call
    target: Target
    submitted: float


class Sender:
    """Makes calls and hands back what became of them, in sets, from its own thread.

    Each call submitted comes back through `on_done` exactly once, except those that `stop` returns. A call fails
    where its name gives no address that `addresses.problem` lets through; the others are tried in turn.
    """

    def __init__(
        self,
        on_done: OnDone,
        *,
        allowed: Sequence[Network] = (),
        ca_file: str | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        """`allowed` are networks that may be called though they are not public; `ca_file` replaces certifi's.

        A `resolver` that is given stays open; else one is made, and closed by `stop`. Make a sender in the process that
        uses it: its threads do not survive a fork.
        """
        self._on_done = on_done
        self._vet = lru_cache(maxsize=10_000)(partial(problem, allowed=tuple(allowed)))
        self._ca_file = ca_file or certifi.where()
        self._resolver = resolver or Resolver()
        self._owns_resolver = resolver is None
        self._submitted: deque[Call] = deque()
        self._patient: deque[Call] = deque()
        self._resolved: deque[tuple[_Pending, Resolution]] = deque()
        self._waiting: set[_Pending] = set()
        self._busy: dict[pycurl.Curl, Transfer] = {}
        self._spare: list[Transfer] = []
        self._done: list[tuple[Call, Answer]] = []
        self._stop_at: float | None = None
        self._cut_off: list[Call] = []
        self._multi = Multi(_kept_connections())
        self._thread = threading.Thread(target=self._work, name="outbound-sender", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def is_running(self) -> bool:
        """Whether the thread lives: it ends by `stop`, or by a failure of its own, which is logged."""
        return self._thread.is_alive()

    def submit(self, calls: Iterable[Call]) -> None:
        """Queue calls and return at once. For any thread. Raises RuntimeError when the sender does not run."""
        if not self._thread.is_alive():
            raise RuntimeError("the sender is not running; start a new one")
        self._submitted.extend(calls)
        self._multi.wake()

    def stop(self, grace: float) -> list[Call]:
        """Let what is in flight end, for `grace` seconds at most, and stop; what has not left comes back not started.

        Returns the calls cut off: they may have arrived or not.
        """
        self._stop_at = time.monotonic() + grace
        self._multi.wake()
        self._thread.join()
        if self._owns_resolver:
            self._resolver.close()
        self._multi.close()
        return self._cut_off

    def _work(self) -> None:
        try:
            while not self._is_over():
                self._turn()
        except Exception:
            logger.exception("The sender broke down; what is in flight is cut off")
        self._cut_off = [transfer.call for transfer in self._busy.values()]
        for transfer in [*self._busy.values(), *self._spare]:
            transfer.curl.close()
        for call in [*self._submitted, *self._patient, *(pending.call for pending in self._waiting)]:
            self._not_started(call, "the sender was stopped")
        self._report()

    def _is_over(self) -> bool:
        if self._stop_at is None:
            return False
        return not self._busy or time.monotonic() >= self._stop_at

    def _turn(self) -> None:
        for curl, code, words in self._multi.run(self._patience()):
            self._finish(curl, code, words)
        while self._submitted and self._stop_at is None:
            call = self._submitted.popleft()
            if call.can_wait:
                self._patient.append(call)
            else:
                self._guarded(call, partial(self._accept, call))
        for _ in range(min(len(self._patient), _PATIENT_AT_ONCE) if self._stop_at is None else 0):
            call = self._patient.popleft()
            self._guarded(call, partial(self._accept, call))
        while self._resolved and self._stop_at is None:
            pending, resolution = self._resolved.popleft()
            self._waiting.discard(pending)
            self._guarded(pending.call, partial(self._begin, pending, resolution))
        self._report()

    def _guarded(self, call: Call, step: Callable[[], None]) -> None:
        """Take a step for a call; one that breaks costs that call only."""
        try:
            step()
        except Exception:
            logger.exception("A call of loop %d could not be set up", call.loop)
            self._not_started(call, "it could not be set up; the log says why")

    def _patience(self) -> float:
        if self._patient and self._stop_at is None:
            return 0.0
        return _LONGEST_WAIT if self._stop_at is None else max(0.0, self._stop_at - time.monotonic())

    def _accept(self, call: Call) -> None:
        try:
            pending = _Pending(call, parse(call.url), time.monotonic())
        except ValueError as unusable:
            self._fail(call, ErrorKind.BLOCKED, str(unusable))
            return
        known = self._resolver.known(pending.target.host)
        if known is not None:
            self._begin(pending, known)
        else:
            self._waiting.add(pending)
            self._resolver.resolve(pending.target.host, partial(self._on_resolved, pending))

    def _on_resolved(self, pending: _Pending, resolution: Resolution) -> None:
        self._resolved.append((pending, resolution))
        self._multi.wake()

    def _begin(self, pending: _Pending, resolution: Resolution) -> None:
        call, dns = pending.call, time.monotonic() - pending.submitted
        addresses, refusal = self._vetted(resolution.addresses)
        if resolution.problem:
            self._fail(call, ErrorKind.DNS, resolution.problem, dns)
        elif not addresses:
            self._fail(call, ErrorKind.BLOCKED, refusal, dns)
        elif dns >= call.deadline:
            message = f"the name {resolution.host} did not resolve within {call.deadline:g} s"
            self._fail(call, ErrorKind.TIMED_OUT, message, dns)
        elif call.may_start is not None and not call.may_start():
            self._not_started(call, "the caller withdrew it")
        else:
            self._send(pending, addresses, dns)

    def _vetted(self, addresses: Sequence[str]) -> tuple[list[str], str]:
        """Return the addresses that may be called, and why the last of the others may not."""
        fine, refusal = [], ""
        for address in addresses:
            reason = self._vet(address)
            if reason is None:
                fine.append(address)
            else:
                refusal = f"{address}: {reason}"
        return fine, refusal

    def _send(self, pending: _Pending, addresses: Sequence[str], dns: float) -> None:
        transfer = self._spare.pop() if self._spare else Transfer(self._vet, self._multi.forget_socket, self._ca_file)
        transfer.begin(pending.call, pending.target, addresses, dns)
        self._multi.add(transfer.curl)
        self._busy[transfer.curl] = transfer

    def _finish(self, curl: pycurl.Curl, code: int, words: str) -> None:
        transfer = self._busy.pop(curl)
        self._multi.remove(curl)
        self._done.append(transfer.finish(code, words))
        if len(self._spare) < _SPARE_TRANSFERS:
            self._spare.append(transfer)
        else:
            curl.close()

    def _fail(self, call: Call, error: ErrorKind, message: str, dns: float = 0.0) -> None:
        timings = Timings(dns=dns, total=dns)
        self._done.append((call, Answer(error=error, error_message=message, timings=timings)))

    def _not_started(self, call: Call, message: str) -> None:
        self._done.append((call, Answer(started=False, error_message=message)))

    def _report(self) -> None:
        if not self._done:
            return
        done, self._done = self._done, []
        try:
            self._on_done(done)
        except Exception:
            logger.exception("The outcomes of %d calls could not be handed over", len(done))


def perform(
    call: Call,
    *,
    allowed: Sequence[Network] = (),
    ca_file: str | None = None,
    resolver: Resolver | None = None,
) -> Answer:
    """Make one call, wait for it, and return what became of it; the arguments are those of Sender."""
    answers: SimpleQueue[Answer] = SimpleQueue()
    sender = Sender(lambda done: answers.put(done[0][1]), allowed=allowed, ca_file=ca_file, resolver=resolver)
    sender.start()
    try:
        sender.submit([call])
        return answers.get()
    finally:
        sender.stop(0)


def _kept_connections() -> int:
    """Half of the files that this process may open, so that idle connections never crowd out new ones."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(_MOST_KEPT_CONNECTIONS, soft // 2))
