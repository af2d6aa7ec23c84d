from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from tracking.ids import derived_id, first_id_at, keyed_id, moment_of, new_id, same_moment

ids = st.integers(0, 2**127).map(lambda number: UUID(int=number))
moments = st.integers(0, 250_000_000_000_000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
numbers = st.lists(st.integers(0, 2**64 - 1), max_size=3)


def test_a_new_id_is_a_uuid_7_of_this_instant() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    id = new_id()
    assert (id.version, id.variant) == (7, RFC_4122)
    assert type(id) is UUID
    assert before <= moment_of(id) <= datetime.now(UTC)


def test_the_order_of_ids_is_the_order_of_their_making() -> None:
    made = [new_id() for _ in range(5000)]
    assert made == sorted(set(made))


def test_the_moment_is_that_of_the_rfc() -> None:
    # RFC 9562, appendix A.6.
    id = UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
    assert moment_of(id) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


@given(moments)
def test_the_first_id_of_a_moment_is_of_that_moment_and_the_lowest(moment: datetime) -> None:
    first = first_id_at(moment)
    assert moment_of(first) == moment
    assert moment_of(UUID(int=first.int - 1 if first.int else 0)) <= moment
    assert first.int == 0 or moment_of(UUID(int=first.int - 1)) < moment


@given(ids, numbers)
def test_a_derived_id_is_a_uuid_7_of_the_same_moment(id: UUID, parts: list[int]) -> None:
    derived = derived_id(id, *parts)
    assert (derived.version, derived.variant) == (7, RFC_4122)
    assert derived.int >> 80 == id.int >> 80
    assert derived == derived_id(id, *parts)


@given(ids, numbers, ids, numbers)
def test_other_origins_give_other_ids(id: UUID, parts: list[int], other: UUID, others: list[int]) -> None:
    assert (derived_id(id, *parts) == derived_id(other, *others)) == ((id, parts) == (other, others))


@given(ids, numbers)
def test_the_bounds_of_a_moment_hold_all_its_ids(id: UUID, parts: list[int]) -> None:
    low, high = same_moment(id)
    assert low <= id <= high
    assert low <= derived_id(id, *parts) <= high
    assert low.int >> 80 == high.int >> 80 == id.int >> 80
    assert (high.int + 1) >> 80 == (id.int >> 80) + 1
    assert low.int == 0 or (low.int - 1) >> 80 == (id.int >> 80) - 1


@given(moments, st.lists(st.text(), max_size=4))
def test_a_keyed_id_is_a_uuid_7_of_its_moment(moment: datetime, parts: list[str]) -> None:
    id = keyed_id(moment, *parts)
    assert (id.version, id.variant, moment_of(id)) == (7, RFC_4122, moment)
    assert id == keyed_id(moment, *parts)


def test_other_keys_give_other_ids() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    keys = [(), ("",), ("", ""), ("ab",), ("a", "b"), ("a", "", "b"), ("\ud83d",)]
    assert len({keyed_id(moment, *key) for key in keys}) == len(keys)
