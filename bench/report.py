"""results.json: the figures with the date, the machine and the sizes that they go with."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Results
from bench.scale import Scale
from bench.site import Site
from rig.machine import machine

FILE = Path(__file__).with_name("results.json")


def write(results: Results, site: Site, scale: Scale, rows: Sequence[str] = (), file: Path = FILE) -> None:
    """Write the file anew; or, where only some rows were measured, replace their figures and say when that was."""
    known = _known(file) if rows else {}
    when = {"date": datetime.now(UTC).isoformat(" ", "seconds"), "quick": scale.quick}
    if known:
        about = {**known, "measured_again": known.get("measured_again", {}) | dict.fromkeys(rows, when)}
    else:
        about = {**when, "machine": _machine(site), "sizes": asdict(scale)}
    file.write_text(json.dumps({**about, **results}, indent=2) + "\n")


def _machine(site: Site) -> dict[str, Any]:
    """`postgres_cpu_counted`: whether PostgreSQL runs here, so that cpu_ms has its part."""
    about = machine(site.database_url, site.redis_url, site.load_before)
    return about | {"postgres_cpu_counted": site.postmaster is not None}


def _known(file: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    return known
