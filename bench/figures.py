"""From what was measured to what is told: percentiles, medians, the list of all keys with their targets, the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

Results = Mapping[str, float | int]
Pairs = Sequence[tuple[float, float]]

MET, MISSED = "met", "missed"


@dataclass(frozen=True, slots=True)
class Figure:
    """A key of results.json: `beside` is the key of its reference.

    A target is `at_most` or `at_least`, either of them: a number, or `times` the reference `plus` something.
    """

    key: str
    beside: str = ""
    at_least: float | None = None
    at_most: float | None = None
    times: float | None = None
    plus: float = 0.0

    def target(self, results: Results) -> tuple[str, float] | None:
        """The sign ("≥" or "≤") and the number to hold this figure to; None where there is no target to be had."""
        if self.at_least is not None:
            return "≥", self.at_least
        if self.at_most is not None:
            return "≤", self.at_most
        if self.times is not None and self.beside in results:
            return "≤", self.times * results[self.beside] + self.plus
        return None

    def verdict(self, results: Results) -> str:
        """MET, MISSED, or nothing where there is no figure or no target."""
        target = self.target(results)
        if target is None or self.key not in results:
            return ""
        sign, number = target
        return MET if (results[self.key] >= number if sign == "≥" else results[self.key] <= number) else MISSED


FIGURES = (
    Figure("hits.per_second", beside="hits.answer_only_per_second"),
    Figure("hits.answer_only_per_second"),
    Figure("hits.ratio", at_least=0.45),
    Figure("hits.cpu_ms"),
    Figure("drain.per_second", beside="drain.bare_per_second", at_least=5000),
    Figure("drain.bare_per_second"),
    Figure("drain.ratio"),
    Figure("drain.cpu_ms"),
    Figure("flow.per_second", at_least=3000),
    Figure("flow.cpu_ms", at_most=0.6),
    Figure("flow.lost", at_most=0),
    Figure("flow.duplicates", at_most=0),
    Figure("latency.p50_ms", at_most=15),
    Figure("latency.p95_ms"),
    Figure("latency.p99_ms", at_most=100),
    Figure("latency.idle_p50_ms", at_most=25),
    Figure("isolation.alone_p95_ms"),
    Figure("isolation.beside_hung_p95_ms", beside="isolation.alone_p95_ms", times=1, plus=20),
    Figure("isolation.beside_dns_p95_ms", beside="isolation.alone_p95_ms", times=1, plus=20),
    Figure("isolation.beside_errors_p95_ms", beside="isolation.alone_p95_ms", times=1, plus=20),
    Figure("quiet.loops"),
    Figure("quiet.cpu_ms", beside="flow.cpu_ms", times=3),
    Figure("fanout.loops"),
    Figure("fanout.deliveries_per_second", at_least=5000),
    Figure("growth.rows"),
    Figure("growth.hits_ratio", at_least=0.9),
    Figure("growth.drain_ratio", at_least=0.9),
    Figure("growth.sweep_ratio", at_most=1.2),
    Figure("growth.admin_ratio", at_most=1.2),
    Figure("growth.backlog_ratio", at_least=0.9),
    Figure("growth.old_snapshot_ratio", at_least=0.9),
    Figure("prune.hits_ratio", at_least=0.8),
    Figure("screens.rows"),
    Figure("screens.number"),
    Figure("screens.slowest_ms", at_most=300),
    Figure("memory.web_mb", at_most=200),
    Figure("memory.worker_mb", at_most=200),
)
# What helps to judge the figures: the first is there only where PostgreSQL came with its pgbench; an answer that stores
# nothing costs much more where answers are few than at full speed, and so does everything else; and what the load
# generator and the receiver could do is counted in requests for a second of CPU of their own.
INFORMATION = (
    Figure("hits.pgbench_per_second"),
    Figure("hits.answer_only_cpu_ms"),
    Figure("quiet.answer_only_cpu_ms", beside="hits.answer_only_cpu_ms"),
    Figure("ceiling.load_per_second"),
    Figure("ceiling.receiver_per_second"),
)
KEYS = tuple(figure.key for figure in FIGURES)
ROWS = tuple(dict.fromkeys(key.partition(".")[0] for key in KEYS))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed (nearest rank). Raises ValueError for no values."""
    if not values:
        raise ValueError("There is no percentile of no values.")
    return sorted(values)[max(1, ceil(len(values) * percent / 100)) - 1]


def medians(pairs: Pairs) -> tuple[float, float, float]:
    """The medians of a figure, of its reference, and of their ratios, each ratio from what was measured in turn.

    Raises ValueError for no pairs.
    """
    if not pairs:
        raise ValueError("There is no median of no pairs.")
    figures, references = zip(*pairs, strict=True)
    return median(figures), median(references), median(figure / reference for figure, reference in pairs)


def rounded(value: float | int) -> float | int:
    """Four digits that count: what comes after them is noise."""
    return value if isinstance(value, int) or value == 0 else float(f"{value:.4g}")


def problems(results: Results) -> list[str]:
    """What makes a run a failed one: events that were lost, or came twice."""
    return [f"{key} is {results[key]}" for key in ("flow.lost", "flow.duplicates") if results.get(key)]


def table(results: Results) -> str:
    """Figures, references, targets and verdicts, as lines of a Markdown table; what was not measured is left out."""
    rows = [_row(figure, results) for figure in (*FIGURES, *INFORMATION) if figure.key in results]
    head = ("key", "figure", "reference", "target", "")
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, tuple("-" * width for width in widths), *rows]
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)


def _row(figure: Figure, results: Results) -> tuple[str, ...]:
    target = figure.target(results)
    reference = shown(results[figure.beside]) if figure.beside in results else ""
    sought = f"{target[0]} {shown(target[1])}" if target else ""
    return figure.key, shown(results[figure.key]), reference, sought, figure.verdict(results)


def shown(value: float | int) -> str:
    """A number as people write it: 12,345 or 0.4567."""
    value = rounded(value)
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:g}"
