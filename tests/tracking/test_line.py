"""Speaking with a real PostgreSQL from an event loop."""

import os
import threading
from asyncio import Future, get_running_loop, sleep, wait_for
from collections.abc import Iterator, Sequence
from errno import EMFILE
from time import monotonic

import psycopg
import pytest
from django.db import connection

from marketingsuite.devstack import any_free_port
from tests.tracking.samples import another_connection, in_loop, wait_until
from tracking.line import Answer, Line

pytestmark = pytest.mark.usefixtures("shared_db")

STATEMENTS = {
    "rows": "SELECT generate_series(1, $1::int)",
    "sleep": "SELECT pg_sleep($1::float)",
    "divide": "SELECT 1 / $1::int",
    "length": "SELECT 1 WHERE length($1::text) = $2::int",
    "end": "SELECT pg_terminate_backend(pg_backend_pid()), $1::text",
    "late": "INSERT INTO late VALUES ($1::int)",
}


def pids() -> list[int]:
    """The processes of everybody else's connections."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in cursor.fetchall()]


def end(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.fixture
def line() -> Iterator[Line]:
    with connection.cursor() as cursor:
        # Its rows are looked at with the commit.
        cursor.execute("CREATE TABLE late (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)")
        yield Line(STATEMENTS)
        cursor.execute("DROP TABLE late")


async def answers(line: Line, *questions: tuple[str, *tuple[object, ...]]) -> list[Answer]:
    return [await heard for heard in ask(line, *questions)]


def ask(line: Line, *questions: tuple[str, *tuple[object, ...]]) -> "list[Future[Answer]]":
    """Ask all at once."""
    heard: list[Future[Answer]] = []
    for statement, *parameters in questions:
        future: Future[Answer] = get_running_loop().create_future()
        heard.append(future)
        line.ask(statement, [str(each).encode() for each in parameters], future.set_result)
    return heard


def kinds(found: Sequence[Answer]) -> list[object]:
    return [type(each) if isinstance(each, Exception) else each for each in found]


def test_each_question_has_its_answer_in_the_order_of_asking(line: Line) -> None:
    assert in_loop(answers(line, ("rows", 3), ("sleep", 0.05), ("rows", 0))) == [3, 1, 0]
    assert in_loop(answers(line, ("rows", 7))) == [7]


def test_a_question_that_fails_costs_no_other(line: Line) -> None:
    found = in_loop(answers(line, ("rows", 1), ("divide", 0), ("divide", "x"), ("rows", 2)))
    division, text = psycopg.errors.DivisionByZero, psycopg.errors.InvalidTextRepresentation
    assert kinds(found) == [1, division, text, 2]
    assert str(found[1]) == "division by zero"


def test_what_only_the_commit_finds_wrong_is_an_error(line: Line) -> None:
    found = in_loop(answers(line, ("late", 1), ("late", 1), ("late", 2)))
    assert kinds(found) == [0, psycopg.errors.UniqueViolation, 0]


def test_the_loop_goes_on_while_postgres_takes_its_time(line: Line) -> None:
    async def turns() -> tuple[int, list[Answer]]:
        heard, number = ask(line, ("sleep", 0.3)), 0
        while not heard[0].done():
            await sleep(0.01)
            number += 1
        return number, [await heard[0]]

    number, found = in_loop(turns())
    assert found == [1]
    assert number >= 10


def test_a_question_larger_than_the_socket_goes_out_bit_by_bit(line: Line) -> None:
    size = 30_000_000

    async def writing() -> list[Answer]:
        await answers(line, ("rows", 1))
        heard = ask(line, ("sleep", 0.3), ("length", "x" * size, size), ("rows", 2))
        was_writing = line._is_writing
        return [was_writing, *[await each for each in heard], line._is_writing]

    assert in_loop(writing()) == [True, 1, 1, 2, False]


def test_a_connection_that_is_lost_is_told_to_all_who_wait_and_made_anew(line: Line) -> None:
    found = in_loop(answers(line, ("rows", 1), ("end", ""), ("rows", 2), ("rows", 3)))
    assert found[0] == 1
    assert all(isinstance(each, psycopg.OperationalError) for each in found[1:]), found
    assert in_loop(answers(line, ("rows", 4))) == [4]


def test_a_connection_that_is_lost_while_nobody_asks_is_noticed_and_mixed_up_with_no_other(line: Line) -> None:
    for number in range(5):
        [first] = in_loop(answers(line, ("rows", number)))
        for pid in pids():
            end(pid)
        wait_until(lambda: line._connection is None)
        # It has the number that the lost one's socket had.
        other = Line(STATEMENTS)
        assert in_loop(answers(other, ("rows", number + 10))) == [number + 10]
        assert first == number


def test_a_connection_that_is_lost_while_a_question_is_on_its_way_is_told(line: Line) -> None:
    async def in_one_turn() -> list[Answer]:
        # The server's last words are there to be read, and our question is answered with a reset.
        with another_connection() as other:
            other.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
        return [await wait_for(each, 5) for each in ask(line, ("rows", 5))]

    for number in range(4):
        assert in_loop(answers(line, ("rows", number))) == [number]
        [pid] = pids()
        [answer] = in_loop(in_one_turn())
        assert isinstance(answer, psycopg.OperationalError), answer


def test_a_connection_that_is_lost_in_the_middle_of_a_large_question_is_told(line: Line) -> None:
    assert in_loop(answers(line, ("rows", 1))) == [1]
    found = in_loop(answers(line, ("end", ""), ("length", "x" * 30_000_000, 1)))
    assert all(isinstance(each, psycopg.OperationalError) for each in found), found
    assert in_loop(answers(line, ("rows", 4))) == [4]


def test_who_hangs_up_has_the_others_hear_of_it(line: Line) -> None:
    async def hanging_up() -> list[Answer]:
        await answers(line, ("rows", 1))
        heard = ask(line, ("sleep", 30), ("rows", 1))
        line.hang_up()
        return [await each for each in heard]

    start = monotonic()
    assert [str(each) for each in in_loop(hanging_up())] == ["the connection was given up"] * 2
    assert in_loop(answers(line, ("rows", 5))) == [5]
    assert monotonic() - start < 15


def test_who_hears_may_hang_up_and_ask_again(line: Line) -> None:
    async def again() -> list[Answer]:
        first: Future[Answer] = get_running_loop().create_future()
        second: Future[Answer] = get_running_loop().create_future()

        def hang_up_and_ask(answer: Answer) -> None:
            first.set_result(answer)
            line.hang_up()
            line.ask("rows", [b"6"], second.set_result)

        line.ask("rows", [b"5"], hang_up_and_ask)
        return [await first, await second]

    assert in_loop(again()) == [5, 6]


def test_a_refused_connection_is_an_answer_and_the_next_question_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setitem(connection.settings_dict, "PORT", str(any_free_port()))
        line = Line({"rows": STATEMENTS["rows"]})
        found = in_loop(answers(line, ("rows", 1), ("rows", 2)))
        assert all("onnection refused" in str(each) for each in found), found
    assert in_loop(answers(line, ("rows", 3))) == [3]


def test_a_statement_that_cannot_be_prepared_is_an_answer() -> None:
    found = in_loop(answers(Line({"wrong": "SELECT FROM WHERE"}), ("wrong",)))
    assert kinds(found) == [psycopg.errors.SyntaxError]


def test_it_connects_once_before_it_is_asked(line: Line) -> None:
    async def connect() -> None:
        line.connect()
        line.connect()

    in_loop(connect())
    wait_until(lambda: line._connection is not None)
    in_loop(connect())
    assert in_loop(answers(line, ("rows", 3))) == [3]
    assert len(pids()) == 1


def test_no_more_files_or_threads_are_an_answer(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(EMFILE, "Too many open files")

    def refuse_thread(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(os, "dup", refuse)
        assert [str(each) for each in in_loop(answers(line, ("rows", 1)))] == ["[Errno 24] Too many open files"]
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse_thread)
        assert [str(each) for each in in_loop(answers(line, ("rows", 2)))] == ["can't start new thread"]
    assert in_loop(answers(line, ("rows", 3))) == [3]


def test_a_hearer_that_fails_keeps_no_answer_from_the_others(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    async def asking() -> list[Answer]:
        await answers(line, ("rows", 1))
        line.ask("rows", [b"1"], lambda answer: 1 / 0)
        return await answers(line, ("rows", 2), ("rows", 3))

    assert in_loop(asking()) == [2, 3]
    assert "What follows from an answer of PostgreSQL failed" in caplog.text
    assert in_loop(answers(line, ("rows", 4))) == [4]


def test_an_end_without_an_answer_is_none(line: Line) -> None:
    async def asking() -> list[Answer]:
        await answers(line, ("rows", 1))
        assert line._connection
        line._connection.pgconn.pipeline_sync()
        return await answers(line, ("rows", 2))

    [answer] = in_loop(asking())
    assert str(answer) == "an answer that belongs to no question"
    assert in_loop(answers(line, ("rows", 3))) == [3]
