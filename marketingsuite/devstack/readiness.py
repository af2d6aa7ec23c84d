"""Whether processes of the Procfile that were started are ready to work."""

import redis
import requests


def waiting_workers(redis_url: str) -> int:
    """How many Celery workers have come as far as waiting for tasks; one that works on a task counts as well."""
    with redis.Redis.from_url(redis_url) as client:
        number = client.get_connection_kwargs()["db"]
        return sum(each["cmd"] == "brpop" and int(each["db"]) == number for each in client.client_list())


def web_answers(tracking_url: str) -> bool:
    """Whether the web process answers; asking leaves no hit."""
    try:
        return requests.head(f"{tracking_url}/o/none.gif", timeout=10).ok
    except requests.ConnectionError:
        return False
