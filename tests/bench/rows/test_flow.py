from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.load import Fired
from bench.receiver import Received, Receiver
from bench.rows import flow
from bench.site import PARTS, Site
from rig.customers import Customer

CUSTOMER = cast(Customer, SimpleNamespace(urls=[], events=lambda: 0, loop=SimpleNamespace(secret="")))
SITE = cast(Site, SimpleNamespace(cpu=lambda: dict.fromkeys(PARTS, 0.0)))


class Late(Received):
    """What a receiver got, with signatures that nobody checks."""

    def check_samples(self, secret: str) -> None:
        pass


class LateReceiver:
    """Gets one of its POSTs a second time while the books are closed."""

    def __init__(self) -> None:
        self.posts = 3

    def wait_for(self, name: str, number: int, seconds: float) -> bool:
        return True

    def report(self, name: str) -> Received:
        return Late(self.posts, 3, 1.0, 2.0, [], [])

    def forget(self) -> None:
        pass


def fired(failed: int) -> Any:
    def fire(urls: Sequence[str], *, number: int) -> Fired:
        return Fired(number - failed, failed, 1.0, 2.0, 0.0)

    return fire


def test_a_post_that_comes_again_after_the_last_one_is_a_duplicate(monkeypatch: pytest.MonkeyPatch) -> None:
    def agree(*arguments: object) -> bool:
        receiver.posts += 1
        return True

    receiver = LateReceiver()
    monkeypatch.setattr(flow, "fire", fired(failed=0))
    monkeypatch.setattr(flow, "_books_agree", agree)
    run = flow.run(SITE, CUSTOMER, cast(Receiver, receiver), 3)
    assert (run.lost, run.duplicates) == (0, 1)


def test_hits_without_a_good_answer_are_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "fire", fired(failed=1))
    with pytest.raises(ValueError, match="1 of 3 hits got no good answer"):
        flow.run(SITE, CUSTOMER, cast(Receiver, LateReceiver()), 3)
