"""The demo's day on its stage: scripts answer, loops are verified as all are, the day is written, life goes on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from django.utils.timezone import now

from feedbackloops import signals
from feedbackloops.models import FeedbackLoop, LoopStatus
from marketingsuite.demo.day.cast import UNVERIFIED, Cast, Scripts, gather
from marketingsuite.demo.day.filling import fill
from marketingsuite.demo.day.living import Living
from marketingsuite.demo.stage import DemoError, Stage


@contextmanager
def a_living_day(stage: Stage, chance: Random) -> Iterator[Living]:
    """Have a day's traffic in the dashboard, as chance has it, and more come in within the block. Raises DemoError."""
    scripts = Scripts()
    threading.Thread(target=scripts.serve_forever, args=(0.1,), name="scripts", daemon=True).start()
    try:
        with stage.printer.step("a day") as step:
            cast = gather(f"http://localhost:{scripts.server_port}")
            scripts.files = cast.files
            _verify(stage, cast)
            events = fill(cast, now(), chance)
            _let_go(cast)
            step.say(f"{events:,} events for {cast.account}, whose loops fare in four ways; more come in slowly")
        yield Living(cast, stage.session, stage.ports.web_url)
    finally:
        scripts.shutdown()
        scripts.server_close()


def _verify(stage: Stage, cast: Cast) -> None:
    """As for every loop, by looks at the files; the one whose owner has moved it stays as it is."""
    signals.looks_due.send(None, loops=[loop.pk for loop in cast.loops.values()])
    wanted = [loop.pk for name, loop in cast.loops.items() if name != UNVERIFIED]

    def verified() -> bool:
        return all(loop.is_verified for loop in FeedbackLoop.objects.filter(pk__in=wanted))

    if not stage.wait_for(verified):
        raise DemoError(f"The loops of {cast.account} were not verified.{stage.log_ends('looks')}")


def _let_go(cast: Cast) -> None:
    loops = [loop.pk for loop in cast.loops.values()]
    FeedbackLoop.objects.filter(pk__in=loops).update(status=LoopStatus.ACTIVE, modified=now())
    signals.lanes_due.send(None, loops=loops)
