import os
import time
from pathlib import Path

import pytest

from chaos.disk_probes import probing


def test_a_slow_disk_is_seen_to_be_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    monkeypatch.setattr(os, "fsync", lambda file: time.sleep(0.1))
    with probing(tmp_path) as probes:
        while len(probes) < 3:
            assert time.monotonic() - began < 60
            time.sleep(0.01)
    assert all(probe.seconds >= 0.1 and probe.sent >= began for probe in probes)
    number = len(probes)
    time.sleep(0.1)
    assert len(probes) == number
