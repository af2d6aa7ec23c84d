import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import figures
from bench.figures import FIGURES, KEYS, MET, MISSED, ROWS, Figure

PROMISED = """
hits.per_second hits.answer_only_per_second hits.ratio hits.cpu_ms
drain.per_second drain.bare_per_second drain.ratio drain.cpu_ms
flow.per_second flow.cpu_ms flow.lost flow.duplicates
latency.p50_ms latency.p95_ms latency.p99_ms latency.idle_p50_ms
isolation.alone_p95_ms isolation.beside_hung_p95_ms isolation.beside_dns_p95_ms isolation.beside_errors_p95_ms
quiet.loops quiet.cpu_ms
fanout.loops fanout.deliveries_per_second
growth.rows growth.hits_ratio growth.drain_ratio growth.sweep_ratio growth.admin_ratio growth.backlog_ratio
growth.old_snapshot_ratio
prune.hits_ratio
screens.rows
screens.number
screens.slowest_ms
memory.web_mb memory.worker_mb
"""
VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1)


def verdict(key: str, **results: float) -> str:
    (figure,) = (each for each in FIGURES if each.key == key)
    return figure.verdict({name.replace("__", "."): value for name, value in results.items()})


def test_every_key_that_was_promised_is_there_once_and_no_other() -> None:
    assert sorted(KEYS) == sorted(PROMISED.split())


def test_each_row_has_a_module_and_they_run_in_the_order_of_the_table() -> None:
    expected = (
        "hits",
        "drain",
        "flow",
        "latency",
        "isolation",
        "quiet",
        "fanout",
        "growth",
        "prune",
        "screens",
        "memory",
    )
    assert expected == ROWS


@given(VALUES, st.floats(1, 100))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[float], percent: float) -> None:
    found = figures.percentile(values, percent)

    enough = len(values) * percent / 100
    assert sum(value <= found for value in values) >= enough - 1e-9
    assert sum(value < found for value in values) < enough


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (95, 95), (99, 99), (100, 100), (0.1, 1)])
def test_percentiles_of_one_to_a_hundred(percent: float, expected: int) -> None:
    assert figures.percentile(range(100, 0, -1), percent) == expected


def test_no_values_have_no_percentile_and_no_pairs_no_median() -> None:
    with pytest.raises(ValueError, match="no values"):
        figures.percentile([], 50)
    with pytest.raises(ValueError, match="no pairs"):
        figures.medians([])


def test_the_ratio_is_the_median_of_the_ratios_of_what_was_measured_in_turn() -> None:
    # The machine was half as fast in the last turn, which the ratio must not show.
    assert figures.medians([(50, 100), (60, 120), (24, 48)]) == (50, 100, 0.5)


@pytest.mark.parametrize(("value", "expected"), [(0.45, MET), (0.4499, MISSED)])
def test_a_ratio_is_met_from_its_target_on(value: float, expected: str) -> None:
    assert verdict("hits.ratio", hits__ratio=value) == expected


@pytest.mark.parametrize(("value", "expected"), [(0, MET), (1, MISSED)])
def test_nothing_may_be_lost(value: int, expected: str) -> None:
    assert verdict("flow.lost", flow__lost=value) == expected


@pytest.mark.parametrize(("beside", "expected"), [(30.0, MET), (30.1, MISSED)])
def test_trouble_may_cost_a_healthy_loop_20_ms(beside: float, expected: str) -> None:
    key = "isolation.beside_hung_p95_ms"
    assert verdict(key, isolation__alone_p95_ms=10, isolation__beside_hung_p95_ms=beside) == expected


@pytest.mark.parametrize(("quiet", "expected"), [(1.5, MET), (1.6, MISSED)])
def test_a_delivery_that_shares_nothing_may_cost_three_times_as_much(quiet: float, expected: str) -> None:
    assert verdict("quiet.cpu_ms", quiet__cpu_ms=quiet, flow__cpu_ms=0.5) == expected


def test_there_is_no_verdict_without_the_figure_or_without_what_it_is_held_to() -> None:
    assert verdict("hits.ratio") == verdict("quiet.cpu_ms", quiet__cpu_ms=1) == verdict("hits.cpu_ms", hits__cpu_ms=1)
    assert verdict("hits.ratio") == ""


def test_the_table_shows_figure_reference_target_and_verdict() -> None:
    lines = figures.table({"drain.per_second": 4321.123, "drain.bare_per_second": 17_480, "drain.ratio": 0.24719})

    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines.splitlines()[2:]] == [
        ["drain.per_second", "4,321", "17,480", "≥ 5,000", "missed"],
        ["drain.bare_per_second", "17,480", "", "", ""],
        ["drain.ratio", "0.2472", "", "", ""],
    ]
    assert len({len(line) for line in lines.splitlines()}) == 1


def test_lost_events_and_duplicates_make_a_run_a_failed_one() -> None:
    assert figures.problems({"flow.lost": 0, "flow.duplicates": 0, "drain.per_second": 1}) == []
    assert figures.problems({"flow.lost": 2, "flow.duplicates": 0}) == ["flow.lost is 2"]
    assert figures.problems({"flow.duplicates": 1}) == ["flow.duplicates is 1"]


@pytest.mark.parametrize(("value", "expected"), [(0.123456, 0.1235), (98765.4, 98770.0), (12345, 12345), (0.0, 0.0)])
def test_figures_keep_four_digits_and_counts_all(value: float, expected: float) -> None:
    assert figures.rounded(value) == expected


def test_a_figure_may_be_held_to_a_number_of_its_own() -> None:
    assert Figure("x", at_most=1).target({}) == ("≤", 1)
    assert Figure("x").target({"x": 1}) is None
