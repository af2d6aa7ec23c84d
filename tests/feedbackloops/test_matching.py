import pytest

from feedbackloops.matching import Wish, Wishes


@pytest.mark.parametrize(
    ("wish", "covered"),
    [
        (Wish(1, 7, frozenset({"open"})), True),
        (Wish(1, 7, frozenset({"click"})), False),
        (Wish(1, 7, frozenset({"click", "open"}), frozenset({3})), True),
        (Wish(1, 7, frozenset({"open"}), frozenset({4})), False),
    ],
)
def test_a_wish_covers_the_types_and_databases_that_it_names(wish: Wish, covered: bool) -> None:
    assert wish.covers("open", 3) is covered


def test_a_wish_that_is_limited_to_databases_covers_no_event_without_a_profile() -> None:
    assert not Wish(1, 7, frozenset({"open"}), frozenset({3})).covers("open", None)
    assert Wish(1, 7, frozenset({"open"})).covers("open", None)


def test_an_event_is_only_held_against_the_wishes_of_its_own_account() -> None:
    wishes = Wishes([Wish(1, 7, frozenset({"open"})), Wish(2, 8, frozenset({"open"})), Wish(3, 7, frozenset({"open"}))])

    assert wishes.loops_for(7, "open", None) == [1, 3]
    assert wishes.loops_for(8, "open", None) == [2]
    assert wishes.loops_for(9, "open", None) == []
