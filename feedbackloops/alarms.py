"""The moments at which lanes are to be looked into by themselves."""

import heapq


class Alarms:
    """Loops with a moment (monotonic seconds) each, which may come more than once."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []

    def set(self, moment: float, loop: int) -> None:
        """Have it gone off from this moment on."""
        heapq.heappush(self._heap, (moment, loop))

    def gone_off(self, moment: float) -> list[int]:
        """The loops whose moment has come by this one, each as often as it was set; they are forgotten."""
        loops = []
        while self._heap and self._heap[0][0] <= moment:
            loops.append(heapq.heappop(self._heap)[1])
        return loops

    def next_at(self) -> float:
        """When the next one goes off; infinity when none is set."""
        return self._heap[0][0] if self._heap else float("inf")
