import certifi
import pycurl
import pytest

from feedbackloops.outbound import Answer, Call
from feedbackloops.outbound.transfer import Transfer, Vet
from feedbackloops.protocol.outcome import ErrorKind
from feedbackloops.protocol.place import parse
from tests.http_server import HttpServer


def transfer_with(vet: Vet) -> Transfer:
    return Transfer(vet, lambda fd: None, certifi.where())


def call_to(server: HttpServer, transfer: Transfer) -> Answer:
    call = Call(server.url(), body=b"")
    transfer.begin(call, parse(call.url), [server.host], 0.0)
    try:
        transfer.curl.perform()
    except pycurl.error as error:
        return transfer.finish(int(error.args[0]), "")[1]
    return transfer.finish(pycurl.E_OK, "")[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_is_vetted_again_where_it_is_connected_to(host: str) -> None:
    vetted: list[str] = []

    def refuse(address: str) -> str:
        vetted.append(address)
        return "it is a loopback address"

    with HttpServer(host=host) as server:
        answer = call_to(server, transfer_with(refuse))
    assert (answer.error, answer.error_message) == (ErrorKind.BLOCKED, f"{host}: it is a loopback address")
    assert vetted == [host]
    assert server.connections == 0


def test_an_address_that_cannot_be_vetted_is_not_called(caplog: pytest.LogCaptureFixture) -> None:
    def break_down(address: str) -> None:
        raise RuntimeError(address)

    with HttpServer() as server:
        answer = call_to(server, transfer_with(break_down))
    assert answer.error is ErrorKind.BLOCKED
    assert server.connections == 0
    assert "could not be vetted" in caplog.text


def test_a_refusal_does_not_stick_to_the_next_call() -> None:
    reasons = iter(["it is asleep", None])
    transfer = transfer_with(lambda address: next(reasons))
    with HttpServer() as server:
        assert call_to(server, transfer).error is ErrorKind.BLOCKED
        assert call_to(server, transfer).status == 200


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "dict://127.0.0.1/"]
)
def test_libcurl_itself_refuses_other_protocols(url: str) -> None:
    transfer = transfer_with(lambda address: None)
    transfer.curl.setopt(pycurl.URL, url)
    with pytest.raises(pycurl.error) as refused:
        transfer.curl.perform()
    assert refused.value.args[0] == pycurl.E_UNSUPPORTED_PROTOCOL
