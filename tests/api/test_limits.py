import socket

from pytest_django import Settings

from profiles.models import Account
from staff import throttle
from tests.api.program import Program, problem, told
from tests.promptness import within


def test_a_token_that_asks_too_often_is_told_for_how_long_to_wait(account: Account, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    eager, other = Program(account), Program(account)
    for _ in range(3):
        told(eager.get("/databases"))
    response = eager.get("/databases")
    assert "3 requests" in problem(response, 429)["detail"]
    assert 0 < int(response.headers["Retry-After"]) <= 60
    told(other.get("/databases"))


def test_without_a_limit_nothing_is_counted(program: Program, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 0
    for _ in range(5):
        told(program.get("/databases"))
    assert throttle._redis(settings.THROTTLE_URL).keys("throttle:api:*") == []


def test_while_valkey_is_away_the_api_answers_and_each_process_counts(program: Program, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    settings.THROTTLE_URL = "redis://127.0.0.1:1/0"
    throttle._redis.cache_clear()
    assert [program.get("/databases").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_valkey_that_hangs_is_waited_for_once(program: Program, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.THROTTLE_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        throttle._redis.cache_clear()
        with within(1.5):
            for _ in range(10):
                told(program.get("/databases"))
