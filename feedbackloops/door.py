"""The door out, as the settings have it: every call of this project passes here."""

from collections.abc import Collection
from functools import cache
from queue import SimpleQueue

from django.conf import settings

from feedbackloops.outbound import sender
from feedbackloops.outbound.addresses import problem
from feedbackloops.outbound.calls import Answer, Call
from feedbackloops.outbound.resolver import Resolution, Resolver, without_lookup
from feedbackloops.outbound.sender import OnDone, Sender
from feedbackloops.protocol.place import parse


def make_sender(on_done: OnDone) -> Sender:
    """A sender of its own, not started yet."""
    return Sender(
        on_done,
        allowed=settings.OUTBOUND_ALLOWED_NETWORKS,
        ca_file=settings.OUTBOUND_CA_FILE or None,
        resolver=_resolver(),
    )


def perform(call: Call) -> Answer:
    """Make one call and wait for it, up to its deadline."""
    return sender.perform(
        call,
        allowed=settings.OUTBOUND_ALLOWED_NETWORKS,
        ca_file=settings.OUTBOUND_CA_FILE or None,
        resolver=_resolver(),
    )


def resolve(hosts: Collection[str]) -> list[Resolution]:
    """Look names up as calls do, all at the same time, and wait for what that gives, in no order."""
    answers: SimpleQueue[Resolution] = SimpleQueue()
    for host in hosts:
        _resolver().resolve(host, answers.put)
    return [answers.get() for _ in hosts]


def address_problem(url: str) -> str | None:
    """Why a call to the address in this URL is never made, as a clause; None for a fine one, and for a name.

    Where a name leads is only known when it is called. Raises ValueError for a URL that can't be used at all.
    """
    known = without_lookup(parse(url).host)
    return next(filter(None, map(refusal_of, known.addresses if known else ())), None)


def refusal_of(address: str) -> str | None:
    """Why an address is never called, as a clause; None for one that may be."""
    return problem(address, settings.OUTBOUND_ALLOWED_NETWORKS)


@cache
def _resolver() -> Resolver:
    """One for the process, so that what one call has looked up serves the next."""
    return Resolver(settings.OUTBOUND_DNS_SERVERS, settings.OUTBOUND_DNS_PORT)
