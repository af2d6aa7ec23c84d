"""Python's cyclic garbage collector, set for processes that run for days."""

import gc


def settle() -> None:
    """Leave alone what was loaded by now, and look for cycles more seldom.

    The hot paths make many objects and no cycles; by default each thousand of them has the collector look again at
    those that are alive, and now and then at all of Django: a twentieth of the work, in pauses that requests wait for.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
