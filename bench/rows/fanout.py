"""fanout: one event that many loops want."""

from bench.load import fire
from bench.receiver import Receiver, receiving
from bench.scale import Scale
from bench.site import Site
from rig.customers import customer

WARM_UP = 20


def measure(site: Site, scale: Scale) -> dict[str, float | int]:
    """Deliveries a second, from the first hit to the last POST, of an account whose every event many loops want."""
    names = [f"fanout{number}" for number in range(scale.fanout_loops)]
    with receiving() as receiver:
        site.start()
        urls = customer("fanout", [receiver.url(name) for name in names]).urls
        fire(urls, number=WARM_UP)
        _await_all(receiver, names, WARM_UP)
        receiver.forget()
        fired = fire(urls, number=scale.fanout_events)
        _await_all(receiver, names, scale.fanout_events)
        seconds = max(receiver.report(name).last for name in names) - fired.first_sent
        return {
            "loops": len(names),
            "deliveries_per_second": len(names) * scale.fanout_events / seconds,
        }


def _await_all(receiver: Receiver, names: list[str], number: int) -> None:
    for name in names:
        receiver.await_posts(name, number)
