"""Storing sets of hits: what is wrong with some of them, and who is told of the rest."""

from uuid import UUID

import pytest
from django.db import Error, OperationalError, connection

from tests.tracking.samples import make_hit
from tests.tracking.test_outbox import watching
from tests.tracking.test_recorder import BAD, held_up
from tracking import outbox, storing
from tracking.hits import Hit
from tracking.models import Event, Outbox
from tracking.seldom import Seldom
from tracking.storing import store_hits

pytestmark = pytest.mark.usefixtures("shared_db")


@pytest.mark.parametrize("bad", BAD)
def test_a_hit_that_the_database_refuses_is_given_back_and_the_others_are_stored(
    bad: Hit, told: list[UUID], caplog: pytest.LogCaptureFixture
) -> None:
    good = [make_hit() for _ in range(10)]
    assert store_hits([*good[:6], bad, *good[6:]]) == [bad]
    assert set(Event.objects.values_list("id", flat=True)) == {hit.id for hit in good} == set(told)
    assert Outbox.objects.count() == len(told) == 10
    assert str(bad.id) in caplog.text
    assert "private" not in caplog.text


def test_hits_that_met_an_error_can_be_stored_again(told: list[UUID]) -> None:
    hits = [make_hit() for _ in range(4)] + [BAD[0]]
    store_hits(hits[:2])
    with held_up(), connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
        with pytest.raises(Error):
            store_hits(hits)
    assert store_hits(hits) == [BAD[0]]
    assert Event.objects.count() == Outbox.objects.count() == 4


def test_a_database_that_refuses_hit_after_hit_is_told_of_once_a_second(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(rows: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(storing, "_may_tell", Seldom())
    monkeypatch.setattr(storing, "store_events", refuse)
    # A probe: nobody's hit was refused.
    with pytest.raises(OperationalError):
        store_hits([])
    for _ in range(20):
        with pytest.raises(OperationalError):
            store_hits([make_hit()])

    assert [each.message for each in caplog.records] == ["PostgreSQL did not take 1 hits: connection refused"]


def test_who_watches_the_outbox_is_told_of_small_sets_once_they_are_stored(heard: list[bool]) -> None:
    store_hits([make_hit()])
    with watching() as line:
        store_hits(hits := [make_hit(), make_hit()])
        [notice] = line.notifies(timeout=5, stop_after=1)
        store_hits([make_hit() for _ in range(outbox.TOLD_AT_ONCE + 1)])
    assert outbox.ids_in(notice) == [hit.id for hit in hits]
    assert heard == [False, True, False]


def test_what_nobody_could_be_told_of_is_stored_and_counts_as_not_heard(
    heard: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_TELL", "SELECT pg_terminate_backend(pg_backend_pid()), %(ids)s")
    assert store_hits([hit := make_hit()]) == []
    assert heard == [False]
    assert Event.objects.get().id == hit.id
