"""What the dashboard cannot do without, asked for anew each time: the database, its migrations, the broker."""

import logging
from asyncio import gather
from functools import cache
from typing import Final

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from feedbackloops.doorbell import connect_to_broker
from marketingsuite.bounded import Bounded

logger = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 2.0
# Anybody may ask, so the servers are asked no more often than this.
KEPT_SECONDS: Final = 1.0

Migration = tuple[str, str]


def database() -> list[Migration]:
    """Ask PostgreSQL over a connection of its own; the migrations that are missing there. Raises django.db.Error."""
    try:
        return missing_migrations()
    finally:
        connection.close()


def missing_migrations() -> list[Migration]:
    """The last migrations of the apps that the database does not have yet. Raises django.db.Error."""
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(_last_migrations() - applied.keys())


def broker() -> None:
    """Ask the broker. Raises what its transport does."""
    with connect_to_broker() as line:
        # Redis is pinged here, RabbitMQ opens a channel.
        line.channel()


@cache
def _last_migrations() -> frozenset[Migration]:
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


_database = Bounded("probe-database", database, patience=PATIENCE_SECONDS, kept=KEPT_SECONDS)
_broker = Bounded("probe-broker", broker, patience=PATIENCE_SECONDS, kept=KEPT_SECONDS)


async def dashboard() -> dict[str, bool]:
    """Whether each of what the dashboard needs is there, within PATIENCE_SECONDS."""
    missing, trouble = await gather(_database.answer(), _broker.answer(), return_exceptions=True)
    for error in (missing, trouble):
        if isinstance(error, BaseException):
            logger.debug("The dashboard is not ready: %s", error)
    return {"database": isinstance(missing, list), "migrations": missing == [], "broker": trouble is None}
