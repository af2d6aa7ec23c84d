"""results.json: the figures with the date, the machine and the sizes that they go with."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis

from bench.figures import Results
from bench.scale import Scale
from bench.site import Site

FILE = Path(__file__).with_name("results.json")


def write(results: Results, site: Site, scale: Scale, rows: Sequence[str] = (), file: Path = FILE) -> None:
    """Write the file anew; or, where only some rows were measured, replace their figures and say when that was."""
    known = _known(file) if rows else {}
    when = {"date": datetime.now(UTC).isoformat(" ", "seconds"), "quick": scale.quick}
    if known:
        about = {**known, "measured_again": known.get("measured_again", {}) | dict.fromkeys(rows, when)}
    else:
        about = {**when, "machine": machine(site), "sizes": asdict(scale)}
    file.write_text(json.dumps({**about, **results}, indent=2) + "\n")


def machine(site: Site) -> dict[str, Any]:
    """What the figures depend on; `postgres_cpu_counted`: whether PostgreSQL runs here, so that cpu_ms has its part."""
    with psycopg.connect(site.database_url) as connection, redis.Redis.from_url(site.redis_url) as client:
        valkey = client.info("server")
        postgres = connection.info.parameter_status("server_version")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": round(site.load_before, 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgres": postgres,
        "postgres_cpu_counted": site.postmaster is not None,
        "valkey": valkey.get("valkey_version") or valkey["redis_version"],
    }


def _known(file: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    return known


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
