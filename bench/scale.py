"""How much a run measures: sizes that give steady figures, and smaller ones that give the same keys sooner."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Numbers of things and seconds; `pairs` is how often a figure and its reference are measured in turn.

    Hits and growth are measured oftener: what comes and goes on a shared machine moves them most.
    """

    quick: bool
    pairs: int

    hits: int
    hits_pairs: int
    drain_deliveries: int
    flow_hits: int

    latency_per_second: float
    latency_seconds: float
    idle_seconds: float

    isolation_per_second: float
    isolation_seconds: float
    isolation_lead_seconds: float
    isolation_beside_per_second: float
    hung_loops: int
    nameless_loops: int
    failing_loops: int

    quiet_loops: int
    quiet_seconds: float

    fanout_loops: int
    fanout_events: int

    growth_rows: int
    growth_pairs: int
    growth_hits: int
    growth_deliveries: int
    growth_looks: int
    growth_sweeps: int
    backlog_rows: int
    prune_days: int
    prune_seconds: float
    screens_rows: int


FULL = Scale(
    quick=False,
    pairs=3,
    hits=30_000,
    hits_pairs=9,
    drain_deliveries=50_000,
    flow_hits=60_000,
    latency_per_second=500.0,
    latency_seconds=30.0,
    idle_seconds=20.0,
    isolation_per_second=50.0,
    isolation_seconds=20.0,
    isolation_lead_seconds=20.0,
    isolation_beside_per_second=250.0,
    hung_loops=500,
    nameless_loops=100,
    failing_loops=500,
    quiet_loops=500,
    quiet_seconds=20.0,
    fanout_loops=50,
    fanout_events=2_000,
    growth_rows=5_000_000,
    growth_pairs=5,
    growth_hits=60_000,
    growth_deliveries=20_000,
    growth_looks=25,
    growth_sweeps=300,
    backlog_rows=1_000_000,
    prune_days=12,
    prune_seconds=15.0,
    screens_rows=5_000_000,
)

QUICK = Scale(
    quick=True,
    pairs=2,
    hits=6_000,
    hits_pairs=2,
    drain_deliveries=8_000,
    flow_hits=10_000,
    latency_per_second=500.0,
    latency_seconds=6.0,
    idle_seconds=5.0,
    isolation_per_second=50.0,
    isolation_seconds=2.0,
    isolation_lead_seconds=1.5,
    isolation_beside_per_second=250.0,
    hung_loops=200,
    nameless_loops=50,
    failing_loops=200,
    quiet_loops=500,
    quiet_seconds=4.0,
    fanout_loops=50,
    fanout_events=300,
    growth_rows=200_000,
    growth_pairs=2,
    growth_hits=4_000,
    growth_deliveries=2_500,
    growth_looks=3,
    growth_sweeps=100,
    backlog_rows=50_000,
    prune_days=6,
    prune_seconds=2.0,
    screens_rows=20_000,
)
