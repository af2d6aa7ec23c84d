"""Each hostile place, at every door: the form, the call of a delivery, the test call, the look, and a redirect."""

from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import NamedTuple

import certifi
import pycurl
import pytest
from django.core.exceptions import ValidationError
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops import door, verification
from feedbackloops.admin.forms import LoopForm
from feedbackloops.outbound import Call
from feedbackloops.outbound.addresses import problem
from feedbackloops.outbound.transfer import Transfer
from feedbackloops.protocol.outcome import ErrorKind, Outcome, judge
from feedbackloops.protocol.place import parse
from tests.dns_server import DnsServer
from tests.factories import make_account, make_test_call, make_verified_loop
from tests.hostile.places import BLOCKED, CALLED, INNER, PLACES, REFUSED, UNREACHABLE, Place
from tests.http_server import HttpServer, ok, redirect

pytestmark = pytest.mark.django_db

by_url = pytest.mark.parametrize("place", PLACES, ids=[ascii(place.url) for place in PLACES])
SENDABLE = [place for place in PLACES if place.url.isprintable()]
LITERAL = [place.url for place in PLACES if place.outcome is INNER]
ADDRESSES = sorted(
    {str(ip_address(parse(url.replace("PORT", "80")).host.strip("[]"))) for url in LITERAL}
    | {address for place in PLACES if place.outcome is BLOCKED for address in place.dns}
)


class World(NamedTuple):
    """A script at an address that may be called, what stands beside it, and the name server."""

    script: HttpServer
    inside: list[HttpServer]
    dns: DnsServer

    def url_of(self, place: Place) -> str:
        """The URL; as if nobody had ever asked for its host."""
        url = place.url.replace("PORT", str(self.script.port))
        if place.dns:
            names = [parse(url).host, *place.aliases]
            self.dns.aliases = dict(pairwise(names))
            self.dns.table = {names[-1]: list(place.dns)}
            self.dns.afterwards = {names[-1]: list(place.then)} if place.then else {}
        door._resolver().close()
        door._resolver.cache_clear()
        return url

    def connections(self) -> list[int]:
        """How many calls each server has taken."""
        return [server.connections for server in (self.script, *self.inside)]


@pytest.fixture(scope="module")
def servers() -> Iterator[World]:
    with ExitStack() as stack:
        script = stack.enter_context(HttpServer(host="127.0.0.8"))
        inside = [stack.enter_context(HttpServer(host=host, port=script.port)) for host in ("127.0.0.1", "::1")]
        yield World(script, inside, stack.enter_context(DnsServer()))


@pytest.fixture
def world(servers: World, settings: Settings) -> Iterator[World]:
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.8/32"), ip_network("127.0.0.9/32")]
    settings.OUTBOUND_DNS_SERVERS, settings.OUTBOUND_DNS_PORT = ["127.0.0.1"], servers.dns.port
    door._resolver.cache_clear()
    for server in (servers.script, *servers.inside):
        server.connections = 0
    servers.script.behaviour = ok()
    yield servers
    door._resolver().close()
    door._resolver.cache_clear()


OUTCOMES = {
    REFUSED: Outcome.BLOCKED,
    INNER: Outcome.BLOCKED,
    BLOCKED: Outcome.BLOCKED,
    UNREACHABLE: Outcome.UNREACHABLE,
    CALLED: Outcome.ACCEPTED,
}


@by_url
def test_the_form_refuses_what_no_look_up_is_needed_for(place: Place, world: World) -> None:
    errors = " ".join(map(str, LoopForm({"url": world.url_of(place)}).errors.get("url", [])))

    assert bool(errors) == (place.outcome in (REFUSED, INNER))
    assert not errors or place.words in errors


@by_url
def test_a_call_goes_to_public_addresses_only(place: Place, world: World) -> None:
    answer = door.perform(Call(world.url_of(place), body=b"type=open"))

    judgement = judge(answer, now=now())
    assert judgement.outcome is OUTCOMES[place.outcome]
    assert place.words in (answer.address if place.outcome is CALLED else judgement.message)
    assert world.connections() == [place.outcome is CALLED, 0, 0]


@by_url
def test_test_calls_and_looks_come_to_the_same(place: Place, world: World) -> None:
    url = world.url_of(place)
    if place.outcome is REFUSED:
        with pytest.raises(ValidationError, match=place.words):
            make_verified_loop(make_account(), url=url)
        return
    loop = make_verified_loop(make_account(), url=url)
    world.script.behaviour = ok(loop.verification_content.encode())

    call = make_test_call(loop)
    world.url_of(place)
    found = verification.look(loop)

    look = loop.looks.first()
    assert look is not None
    assert call.outcome == OUTCOMES[place.outcome]
    assert found is look.found is (place.outcome is CALLED)
    shown = [call.address, look.address] if found else [call.message, look.message]
    assert all(place.words in each for each in shown)
    assert world.connections() == [2 * found, 0, 0]


@pytest.mark.parametrize("place", SENDABLE, ids=[ascii(place.url) for place in SENDABLE])
def test_no_redirect_leads_there(place: Place, world: World) -> None:
    world.script.behaviour = redirect(world.url_of(place))

    answer = door.perform(Call(world.script.url(), body=b"type=open"))

    judgement = judge(answer, now=now())
    assert (answer.status, judgement.outcome) == (302, Outcome.REJECTED)
    assert "Redirects are never followed" in judgement.message
    assert world.connections() == [1, 0, 0]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_slipped_through_the_look_up_is_refused_at_the_socket(address: str, world: World) -> None:
    call = Call(world.script.url(host="slipped.test"), body=b"")
    transfer = Transfer(problem, lambda fd: None, certifi.where())
    transfer.begin(call, parse(call.url), [address], 0.0)

    with pytest.raises(pycurl.error) as failed:
        transfer.curl.perform()

    _, answer = transfer.finish(int(failed.value.args[0]), "")
    assert answer.error is ErrorKind.BLOCKED
    assert answer.error_message.endswith(f": {problem(address)}")
    assert world.connections() == [0, 0, 0]
