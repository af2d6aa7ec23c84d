from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from requests import Session

from bench.receiver import Receiver, receiving
from bench.rows import isolation
from bench.scale import QUICK, Scale
from rig.customers import Customer


@pytest.fixture
def scale() -> Scale:
    return replace(QUICK, hung_loops=3, nameless_loops=2, failing_loops=4)


def troubles(receiver: Receiver, scale: Scale) -> dict[str, list[str]]:
    return isolation._troubles(receiver, scale)


def test_each_loop_in_trouble_has_a_script_of_its_own(scale: Scale) -> None:
    with receiving() as receiver:
        scripts = troubles(receiver, scale)

    assert {trouble: len(set(urls)) for trouble, urls in scripts.items()} == {"hung": 3, "dns": 2, "errors": 4}


def test_scripts_are_in_the_trouble_that_their_figure_names(scale: Scale) -> None:
    with receiving() as receiver, Session() as session:
        session.trust_env = False
        scripts = troubles(receiver, scale)

        assert {session.post(url, timeout=5).status_code for url in scripts["errors"]} == {500}
        for url in scripts["hung"]:
            with pytest.raises(IOError, match="Read timed out"):
                session.post(url, timeout=0.2)


@pytest.mark.parametrize(("under_way", "figure"), [(True, 7.0), (False, None)])
def test_a_figure_beside_others_counts_only_while_they_are_there(
    under_way: bool, figure: float | None, scale: Scale, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = SimpleNamespace(is_under_way=lambda: under_way, stop=lambda: None)
    for name, result in {"customers": [], "launch": load, "_p95": 7.0, "leave": None}.items():
        monkeypatch.setattr(isolation, name, lambda *arguments, result=result, **named: result)
    quick = replace(scale, isolation_lead_seconds=0.0)
    with nullcontext() if figure else pytest.raises(RuntimeError, match="ended before"):
        beside = isolation._p95_beside("hung", [], cast(Receiver, None), cast(Customer, None), quick)
        assert beside == figure
