"""What a fault is."""

from collections.abc import Callable
from dataclasses import dataclass

from chaos.ledgers import Missing
from chaos.plan import Length
from chaos.site import Site

Step = Callable[[Site], object]


def nothing(site: Site) -> None:
    """Mend nothing: it was over at once."""


def nowhere(site: Site) -> str:
    """There is no machine on which it can't be done."""
    return ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong. `touches`: the parts that it takes away; two that share one never come together.

    `may_duplicate`: it leaves the outcome of calls unknown. `may_lose`: what may be missing afterwards, and is told:
    hits by an alarm each, deliveries because staff see the loop stopped (`struck` scripts only). `obstacle`: why it
    can't be done on this machine, or nothing. `by_chance`: it may come at random.
    """

    name: str
    inject: Step
    heal: Step
    touches: frozenset[str]
    length: Length = Length.WHILE
    may_duplicate: bool = False
    may_lose: frozenset[Missing] = frozenset()
    obstacle: Callable[[Site], str] = nowhere
    by_chance: bool = True

    @property
    def takes_web(self) -> bool:
        """Whether hits may go unanswered."""
        return "web" in self.touches

    @property
    def takes_servers(self) -> bool:
        """Whether PostgreSQL or Valkey is away, and the web process is not: it has to answer in time."""
        return bool(self.touches & {"postgres", "valkey"}) and not self.takes_web
