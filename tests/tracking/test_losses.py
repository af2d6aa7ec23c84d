import asyncio

import pytest

from tests.tracking.samples import in_loop, make_hit
from tracking.losses import Losses

FULL = OSError(28, "No space left on device")


def test_a_burst_of_losses_is_told_of_at_once_and_then_with_its_number_and_no_more(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracking.losses.TELL_SECONDS", 0.1)
    hits = [make_hit() for _ in range(500)]

    async def burst() -> None:
        losses = Losses()
        for hit in hits:
            losses.add(hit, FULL)
        await asyncio.sleep(0.5)

    in_loop(burst())
    first, last = [record.getMessage() for record in caplog.records]
    assert f"Hit {hits[0].id} is lost, number 1 since the start" in first
    assert f"Hit {hits[-1].id} is lost, number 500 since the start" in last
    assert "No space left" in last


def test_a_loss_after_a_quiet_time_is_told_of_at_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracking.losses.TELL_SECONDS", 0.05)

    async def now_and_then() -> int:
        losses = Losses()
        losses.add(make_hit(), FULL)
        await asyncio.sleep(0.2)
        losses.add(make_hit(), FULL)
        return len(caplog.records)

    assert in_loop(now_and_then()) == 2
