from itertools import pairwise

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.charts import HEIGHT, Series, round_up, stacked, strip
from feedbackloops.templatetags.charts import strip as strip_drawn


def chart_of(*values: list[int]) -> str:
    series = [Series(f"Kind {place}", f"kind{place}", numbers) for place, numbers in enumerate(values)]
    chart = stacked([f"{hour}:00" for hour in range(len(values[0]))], series)
    return render_to_string("charts/stacked.html", {"chart": chart, "title": "Calls", "empty": "No calls."})


def test_bars_stand_on_each_other_in_proportion() -> None:
    [column] = stacked(["14:00"], [Series("Good", "good", [30]), Series("Bad", "bad", [20])]).columns
    assert [(part.kind, part.y, part.height) for part in column.parts] == [("good", 40.0, 60.0), ("bad", 0.0, 40.0)]


@given(st.lists(st.tuples(*[st.integers(0, 10**12)] * 3), max_size=30))
def test_no_pile_leaves_the_picture_and_what_is_there_is_seen(numbers: list[tuple[int, int, int]]) -> None:
    series = [Series(str(place), str(place), [each[place] for each in numbers]) for place in range(3)]
    for column in stacked([""] * len(numbers), series).columns:
        assert len(column.parts) == sum(number > 0 for number in column.numbers)
        assert all(part.height > 0 and part.y >= -0.01 for part in column.parts)
        assert all(upper.y <= lower.y for lower, upper in pairwise(column.parts))
        assert sum(part.height for part in column.parts) <= HEIGHT + 0.05


def test_series_that_do_not_fit_the_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="There are 2 labels, and 1 numbers"):
        stacked(["a", "b"], [Series("Good", "good", [1])])


@pytest.mark.parametrize(
    ("number", "top"), [(0, 0), (1, 1), (3, 3), (7, 8), (9, 10), (10, 10), (11, 15), (240, 250), (999, 1000)]
)
def test_an_axis_ends_at_a_round_number(number: int, top: int) -> None:
    assert round_up(number) == top


def test_a_chart_is_told_in_words_and_as_a_table_as_well() -> None:
    page = chart_of([1200, 0], [3, 0])
    assert "<title>0:00: Kind 0 1,200, Kind 1 3</title>" in page
    assert '<th scope="row">1:00</th><td>0</td><td>0</td>' in page
    assert 'role="img" aria-label="Calls"' in page


def test_a_chart_without_numbers_says_so() -> None:
    page = chart_of([0, 0], [0, 0])
    assert "No calls." in page
    assert "<rect class=" not in page


def test_labels_are_shown_where_there_is_room() -> None:
    labels = [f"{hour}" for hour in range(24)]
    chart = stacked(labels, [Series("Good", "good", range(24))])
    assert [column.label for column in chart.ticks] == ["0", "6", "12", "17", "23"]


def test_a_strip_tells_good_hours_from_bad_ones() -> None:
    cells = strip(["0:00", "1:00", "2:00", "3:00", "4:00"], [0, 5, 5, 0, 20], [0, 0, 1, 2, 1])
    assert [cell.kind for cell in cells] == ["none", "good", "mixed", "bad", "good"]
    page = strip_drawn(cells, "83 % delivered")
    assert "<title>0:00: no calls</title>" in page
    assert "<title>2:00: 5 delivered, 1 failed</title>" in page
    assert 'aria-label="83 % delivered"' in page
