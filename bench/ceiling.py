"""What the load generator and the receiver can do, so that the table shows that neither was what was measured."""

from bench.load import fire
from bench.receiver import receiving

NUMBER = 20_000
BODY_BYTES = 1500


def measure() -> dict[str, float | int]:
    """Requests that each handles in a second of its CPU: one asks the other directly, with bodies as long as ours."""
    with receiving() as receiver:
        asked = fire([receiver.url("ceiling")], number=NUMBER)
        between = receiver.cpu_seconds()
        posted = fire([receiver.url("ceiling")], number=NUMBER, body_bytes=BODY_BYTES)
        received = receiver.cpu_seconds() - between
    return {"load_per_second": asked.answered / asked.cpu_seconds, "receiver_per_second": posted.answered / received}
