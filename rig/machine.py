"""What a run's results depend on."""

import os
import platform
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis


def machine(database_url: str, redis_url: str, load_before: float) -> dict[str, Any]:
    """The machine and the versions; `load_before`: the system's load average (of a minute) before anything ran."""
    with psycopg.connect(database_url) as connection, redis.Redis.from_url(redis_url) as client:
        valkey = client.info("server")
        postgres = connection.info.parameter_status("server_version")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": round(load_before, 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgres": postgres,
        "valkey": valkey.get("valkey_version") or valkey["redis_version"],
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
