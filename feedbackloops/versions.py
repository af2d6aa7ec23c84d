"""Which script versions an engine calls: written down when it first meets one, so that attempts can name it."""

import json
from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b
from uuid import UUID

from django.conf import settings

from feedbackloops import queries
from feedbackloops.calls import Script
from feedbackloops.lane import Lane
from feedbackloops.protocol.signing import secret_mark
from tracking import arrays
from tracking.statements import run

Key = tuple[int, UUID]


def fingerprint_of(script: Script) -> UUID:
    """What is the same for scripts that are called, written to and signed for in the same way."""
    key = (script.rsa.key_id, script.rsa.mark) if script.rsa else ()
    parts = (script.url, script.body_format, settings.USER_AGENT, *map(secret_mark, script.secrets), *key)
    if script.narrowing:
        parts = (*parts, _narrowing(script))
    return UUID(bytes=blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest())


class Versions:
    """The numbers of the script versions that this engine has met. One thread only."""

    def __init__(self) -> None:
        self._known: dict[Key, int] = {}

    def number(self, lanes: Iterable[Lane]) -> None:
        """Have the scripts of these lanes know their version; those that are new here are written down first."""
        keys = {lane: (lane.lease.loop, fingerprint_of(lane.script)) for lane in lanes}
        new = {key: lane.script for lane, key in keys.items() if key not in self._known}
        if new:
            self._known |= _met(new)
        for lane, key in keys.items():
            lane.script = replace(lane.script, version=self._known[key])


def _narrowing(script: Script) -> str:
    return json.dumps(script.narrowing.to_json() if script.narrowing else {})


def _met(scripts: dict[Key, Script]) -> dict[Key, int]:
    rows = run(
        queries.MEET,
        loops=arrays.numbers(loop for loop, _ in scripts),
        fingerprints=arrays.ids(fingerprint for _, fingerprint in scripts),
        urls=arrays.texts(script.url for script in scripts.values()),
        formats=arrays.words(script.body_format for script in scripts.values()),
        agents=arrays.texts(settings.USER_AGENT for _ in scripts),
        secrets=arrays.texts(" ".join(map(secret_mark, script.secrets)) for script in scripts.values()),
        keys=arrays.texts(script.rsa.mark if script.rsa else "" for script in scripts.values()),
        narrowings=arrays.texts(map(_narrowing, scripts.values())),
        key_ids=arrays.texts(script.rsa.key_id if script.rsa else "" for script in scripts.values()),
    )
    return {(loop, fingerprint): id for loop, fingerprint, id in rows}
