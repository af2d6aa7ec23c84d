import threading
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from marketingsuite.devstack import Stack, any_free_port
from marketingsuite.devstack.beside import database_beside, keys_beside
from marketingsuite.devstack.readiness import waiting_workers, web_answers
from tests.flow.waiting import wait_until
from tests.http_server import HttpServer, ok


def databases(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def test_a_database_beside_others_is_there_for_a_while(stack: Stack) -> None:
    with database_beside(stack.database_url, "beside") as url:
        name = urlsplit(url).path[1:]
        assert name.startswith("beside_")
        connection = psycopg.connect(url)
        assert connection.info.dbname == name

    assert name not in databases(stack.database_url)
    # The drop did not wait for whoever was still connected.
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_keys_beside_others_leave_nothing_and_touch_nothing(stack: Stack) -> None:
    with redis.Redis.from_url(stack.redis_url) as others:
        others.set("others", 1)
        with keys_beside(stack.redis_url) as url, redis.Redis.from_url(url) as own:
            assert own.keys() == []
            own.set("own", 1)
        with redis.Redis.from_url(url) as after:
            assert after.keys() == []
        assert others.get("others") == b"1"
        others.delete("others")


def test_workers_that_wait_are_counted_in_their_own_database_only(stack: Stack) -> None:
    with keys_beside(stack.redis_url) as url, redis.Redis.from_url(url) as worker:
        waiting = threading.Thread(target=worker.brpop, args=["tasks"])
        before = waiting_workers(stack.redis_url)
        waiting.start()
        wait_until(lambda: waiting_workers(url) == 1, "a worker waits")
        assert waiting_workers(stack.redis_url) == before
        with redis.Redis.from_url(url) as client:
            client.lpush("tasks", "one")
        waiting.join()
        assert waiting_workers(url) == 1
    assert waiting_workers(url) == 0


def test_the_web_answers_or_does_not() -> None:
    with HttpServer(ok()) as server:
        assert web_answers(server.url("").rstrip("/"))
    assert not web_answers(f"http://127.0.0.1:{any_free_port()}")
