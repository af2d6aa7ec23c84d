"""A place of one's own on servers that the environment names and that others use as well."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import redis
from psycopg import sql


@contextmanager
def database_beside(url: str, prefix: str) -> Iterator[str]:
    """The URL of a new database on the server of `url`, dropped at the end; its name begins with `prefix`.

    Raises psycopg.Error when the user of `url` may not create databases.
    """
    name = f"{prefix}_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{quote(name)}"))
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def keys_beside(url: str) -> Iterator[str]:
    """The URL of the last of the sixteen numbered databases on the server of `url`, empty before and after."""
    beside = urlunsplit(urlsplit(url)._replace(path="/15"))
    with redis.Redis.from_url(beside) as client:
        client.flushdb()
        yield beside
        client.flushdb()
