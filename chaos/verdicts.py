"""From the findings to what each fault has to answer for."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from chaos.ledgers import Duplicate, Findings, Hit, Loss, Missing
from chaos.load import Probe
from chaos.people import PATIENCE_SECONDS

# Promise 3. What an answer that records nothing takes at the same time is the machine's part. It is allowed on top, and
# twice: an answer that waits for a thread has to get its turn once more.
ANSWER_SECONDS, MACHINES_TURNS = 0.05, 2
# A call that ended may wait for a turn of the engine and one statement until it is recorded; the machine's part comes
# on top, as with answers.
UNRECORDED_SECONDS = 1.0
# An event may wait for so long until it is fanned out.
WAITING_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Window:
    """The time of one strike: from `started` over `healed` to the start of the next. Moments are monotonic.

    `back`: seconds from `healed` until nothing waited any more; None where that was not awaited, or did not come.
    `alarms`: hits that were reported as lost. `struck`: the loops that may miss what `may_lose` says. `imbalances`:
    sentences on promise 2.
    """

    names: tuple[str, ...]
    started: float
    healed: float
    back: float | None = None
    may_duplicate: bool = False
    may_lose: frozenset[Missing] = frozenset()
    struck: frozenset[int] = frozenset()
    takes_web: bool = False
    takes_servers: bool = False
    alarms: int = 0
    imbalances: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What struck."""
        return " + ".join(self.names)

    def excuses(self, loss: Loss) -> bool:
        """Whether this is a loss that the fault may lead to; hits that were not recorded need an alarm as well.

        What was given up has to have been refused while the fault lasted, however long it had waited before.
        """
        if loss.where not in self.may_lose or not (loss.loop is None or loss.loop in self.struck):
            return False
        if loss.where is Missing.GIVEN_UP:
            return loss.refused is not None and self._covers(loss.refused)
        return self._covers(loss.hit.sent, lead=0.0 if loss.loop is None else WAITING_SECONDS)

    def _covers(self, moment: float, lead: float = 0.0) -> bool:
        return self.started - lead <= moment <= self.healed + UNRECORDED_SECONDS

    def leaves_unanswered(self, hit: Hit) -> bool:
        """Whether the web process was away at some moment at which the hit waited for its answer."""
        return self.takes_web and self.started - PATIENCE_SECONDS <= hit.sent <= self.healed

    def explains(self, duplicate: Duplicate, late: float = 0.0) -> bool:
        """Whether the fault can have left the outcome of the first call unknown; `late`: see UNRECORDED_SECONDS."""
        unrecorded = UNRECORDED_SECONDS + late
        in_time = self.started - unrecorded <= duplicate.first <= self.healed + unrecorded
        return self.may_duplicate and in_time and duplicate.second >= self.started


@dataclass(slots=True)
class Account:
    """What one strike has to answer for. Times in seconds; `reference`: the slowest answer that records nothing.

    `unanswered` hits were left so by whatever took the web process away; `refused` ones by nothing that we know.
    """

    window: Window
    events: int = 0
    unanswered: int = 0
    refused: int = 0
    lost: list[Loss] = field(default_factory=list)
    excused: list[Loss] = field(default_factory=list)
    duplicates: int = 0
    unexplained: list[Duplicate] = field(default_factory=list)
    delay: float = 0.0
    slowest: float = 0.0
    slow: int = 0
    reference: float = 0.0

    def problems(self) -> list[str]:
        """A sentence for each promise that was broken here."""
        return [f"{self.window.title}: {problem}" for problem in self._problems() if problem]

    def _problems(self) -> list[str]:
        unalarmed = sum(loss.where is Missing.EVENT for loss in self.excused) - self.window.alarms
        return [
            *self.window.imbalances,
            *sorted({f"lost: {loss.where}" for loss in self.lost}),
            f"{unalarmed} hits were lost without an alarm." if unalarmed > 0 else "",
            f"{len(self.unexplained)} duplicates have no crash, freeze or jump to explain them."
            if self.unexplained
            else "",
            f"{self.refused} hits got no answer, although the web process was up." if self.refused else "",
            f"{self.slow} answers took more than {1000 * ANSWER_SECONDS:.0f} ms, the machine's part left out."
            if self.slow
            else "",
        ]


def settle_accounts(
    windows: Sequence[Window], hits: Sequence[Hit], probes: Sequence[Probe], findings: Findings
) -> list[Account]:
    """What each strike has to answer for. A hit belongs to the last one that had begun when it was sent.

    A duplicate belongs to the strike that explains it, a loss to the one that excuses it, or else to that of its hit.
    """
    accounts = [Account(window) for window in windows]
    starts = [window.started for window in windows]

    def of(moment: float) -> Account:
        return accounts[max(0, bisect_right(starts, moment) - 1)]

    for probe in probes:
        account = of(probe.sent)
        account.reference = max(account.reference, probe.seconds)
    for hit in hits:
        _count_hit(of(hit.sent), hit, windows)
    for hit, delay in findings.delays:
        account = of(hit.sent)
        account.delay = max(account.delay, delay)
    for loss in findings.losses:
        excusing = next((each for each in accounts if each.window.excuses(loss)), None)
        (excusing.excused if excusing else of(loss.hit.sent).lost).append(loss)
    for duplicate in findings.duplicates:
        _count_duplicate(accounts, of(duplicate.hit.sent), duplicate)
    return accounts


def _count_hit(account: Account, hit: Hit, windows: Sequence[Window]) -> None:
    if hit.answered is None:
        account.unanswered += 1
        account.refused += not any(window.leaves_unanswered(hit) for window in windows)
        return
    account.events += 1
    seconds = hit.answered - hit.sent
    account.slowest = max(account.slowest, seconds)
    is_promised = account.window.takes_servers and hit.sent <= account.window.healed
    account.slow += is_promised and seconds > ANSWER_SECONDS + MACHINES_TURNS * account.reference


def _count_duplicate(accounts: Sequence[Account], own: Account, duplicate: Duplicate) -> None:
    explaining = next(
        (each for each, late in reversed(_with_lateness(accounts)) if each.window.explains(duplicate, late)), None
    )
    account = explaining or own
    account.duplicates += 1
    if explaining is None:
        account.unexplained.append(duplicate)


def _with_lateness(accounts: Sequence[Account]) -> list[tuple[Account, float]]:
    """How late the machine was just before each strike, by what answers that record nothing took it."""
    before = [0.0, *(account.reference for account in accounts)]
    return [(account, MACHINES_TURNS * late) for account, late in zip(accounts, before, strict=False)]
