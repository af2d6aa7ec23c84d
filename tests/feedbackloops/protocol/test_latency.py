from bisect import bisect_right
from itertools import pairwise
from math import ceil, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol.latency import BOUNDS, BUCKETS, percentile

times = st.lists(st.floats(0, 10_000), min_size=1, max_size=50)
shares = st.floats(0, 1)


def counted(times: list[float]) -> list[int]:
    buckets = [bisect_right(BOUNDS, time) for time in times]
    return [buckets.count(number) for number in range(BUCKETS)]


def only(bucket: int, count: int = 1) -> list[int]:
    return [count if number == bucket else 0 for number in range(BUCKETS)]


def test_bounds_rise_from_milliseconds_to_an_hour() -> None:
    assert all(low < high for low, high in pairwise(BOUNDS))
    assert (BOUNDS[0], BOUNDS[-1]) == (0.005, 3600)


def test_nothing_counted_has_no_percentile() -> None:
    assert percentile([0] * BUCKETS, 0.5) is None


@pytest.mark.parametrize(("share", "expected"), [(0, 0.02), (0.5, 0.035), (0.95, 0.0485), (1, 0.05)])
def test_times_count_as_evenly_spread_within_a_bucket(share: float, expected: float) -> None:
    assert percentile(only(3, 100), share) == pytest.approx(expected)


def test_what_is_beyond_the_last_bound_has_no_end() -> None:
    assert percentile(only(BUCKETS - 1), 0.5) == inf


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        percentile(only(0), share)


def test_counts_of_other_buckets_than_these_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        percentile([0] * (BUCKETS - 1), 0.5)


@given(times, shares)
def test_an_estimate_is_in_the_bucket_of_the_real_time(times: list[float], share: float) -> None:
    real = sorted(times)[max(ceil(share * len(times)) - 1, 0)]
    bucket = bisect_right(BOUNDS, real)
    estimate = percentile(counted(times), share)
    assert estimate is not None
    assert (0, *BOUNDS)[bucket] <= estimate <= (*BOUNDS, inf)[bucket]


@given(times, shares, shares)
def test_a_larger_share_never_takes_less_time(times: list[float], one: float, other: float) -> None:
    counts = counted(times)
    low, high = percentile(counts, min(one, other)), percentile(counts, max(one, other))
    assert low is not None
    assert high is not None
    assert low <= high


# Powers of two: what a float holds times one of them is exact.
@given(times, shares, st.sampled_from([2, 8, 1024]))
def test_an_estimate_depends_on_proportions_only(times: list[float], share: float, factor: int) -> None:
    counts = counted(times)
    assert percentile([count * factor for count in counts], share) == pytest.approx(percentile(counts, share))
