"""Customers' scripts, certificates and names that are out of order. Only their own loops may notice."""

from chaos.faults.fault import Fault
from chaos.ledgers import Missing
from chaos.scripts import NAME
from chaos.site import Site
from tests.http_server import Behaviour, drip, hang, raw, reset, status

PLAIN, NAMED, SECURE = (frozenset({part}) for part in ("plain script", "name", "certificate"))
DROP_SECONDS = 0.3
GARBAGE = b"\x00\xff\x16\x03 this is not HTTP\r\n\r\n" * 40


def _behaving(title: str, behaviour: Behaviour) -> Fault:
    return Fault(
        f"script-{title}",
        lambda site: site.scripts.behave(site.scripts.plain, behaviour),
        lambda site: site.scripts.behave(site.scripts.plain, None),
        PLAIN,
    )


def _want_again(site: Site) -> None:
    """The script is well again, and staff press Resume."""
    # It needs Django, which is set up when the site runs.
    from chaos.crowd import resume

    site.scripts.behave(site.scripts.plain, None)
    resume(site.scripts.plain)


FAULTS = (
    _behaving("hangs", hang),
    _behaving("drips", drip(DROP_SECONDS)),
    _behaving("resets", reset),
    _behaving("answers-500", status(500)),
    _behaving("answers-429", status(429, headers=[("Retry-After", "1")])),
    _behaving("answers-garbage", raw(GARBAGE)),
    Fault(
        "script-answers-410",
        lambda site: site.scripts.behave(site.scripts.plain, status(410)),
        _want_again,
        PLAIN,
        may_lose=frozenset({Missing.DELIVERY, Missing.GIVEN_UP}),
        by_chance=False,
    ),
    Fault(
        "bad-certificate",
        lambda site: site.scripts.certificates.bad.set(),
        lambda site: site.scripts.certificates.bad.clear(),
        SECURE,
    ),
    Fault(
        "name-hangs",
        lambda site: site.scripts.dns.silent.add(NAME),
        lambda site: site.scripts.dns.silent.discard(NAME),
        NAMED,
    ),
)
