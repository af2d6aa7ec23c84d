"""How the hot paths' connections are set."""

from time import sleep

import pytest
from django.db import InternalError, OperationalError, connection, transaction

from tracking.statements import in_transaction, run

pytestmark = pytest.mark.django_db(transaction=True)


def shown(name: str) -> str:
    [(value,)] = run(f"SHOW {name}")
    text: str = value
    return text


def test_plans_that_go_through_whole_tables_are_ruled_out_on_each_new_connection() -> None:
    for _ in range(2):
        connection.close()
        assert [shown(f"enable_{way}") for way in ("seqscan", "hashjoin", "mergejoin")] == ["off"] * 3


def test_a_transaction_that_fails_first_does_not_undo_that() -> None:
    connection.close()
    with pytest.raises(ZeroDivisionError), in_transaction():
        raise ZeroDivisionError
    assert shown("enable_seqscan") == "off"


def test_what_runs_first_in_somebody_elses_transaction_does_not_settle_the_connection() -> None:
    connection.close()
    with transaction.atomic():
        run("SELECT 1")
        transaction.set_rollback(True)
    assert shown("enable_seqscan") == "off"


def test_only_a_commit_that_may_come_soon_does_not_wait_for_the_disk() -> None:
    with in_transaction(commit_soon=True):
        assert shown("synchronous_commit") == "off"
    assert shown("synchronous_commit") == "on"
    with in_transaction():
        assert shown("synchronous_commit") == "on"


def sleep_in_a_transaction() -> None:
    with in_transaction():
        run("SELECT 1")
        sleep(0.2)
        run("SELECT 1")


def test_a_transaction_that_was_slept_through_is_like_a_connection_that_broke() -> None:
    run("SET idle_in_transaction_session_timeout = 10")
    with pytest.raises(OperationalError, match="idle-in-transaction timeout"):
        sleep_in_a_transaction()
    connection.close()


def test_what_else_is_internally_wrong_stays_so() -> None:
    with pytest.raises(InternalError, match="really"), in_transaction():
        raise InternalError("really")
