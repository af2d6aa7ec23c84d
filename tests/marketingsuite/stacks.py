"""Embedded servers: whether they answer, and their processes."""

from pathlib import Path

import psutil
import psycopg
import redis

from marketingsuite.devstack import Stack


def server_processes(folder: Path) -> list[psutil.Process]:
    found = psutil.process_iter(["cwd"])
    return [each for each in found if (each.info["cwd"] or "").startswith(str(folder.resolve()))]


def answering(stack: Stack) -> psycopg.Connection:
    return psycopg.connect(stack.database_url)


def answers(stack: Stack) -> bool:
    with answering(stack) as connection, redis.Redis.from_url(stack.redis_url) as client:
        return connection.execute("SELECT 1").fetchone() == (1,) and client.ping() is True
