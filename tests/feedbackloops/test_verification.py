import ssl
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from django.utils.timezone import now
from pytest_django import Settings

from feedbackloops import door, verification
from feedbackloops.models import FeedbackLoop, LaneState, VerificationLook
from feedbackloops.outbound.resolver import Resolver
from feedbackloops.protocol.certificates import TlsFault
from feedbackloops.protocol.challenge import Problem
from feedbackloops.protocol.sights import Known, NameFault, Station
from tests.dns_server import DnsServer
from tests.factories import make_account, make_loop, make_verified_loop
from tests.feedbackloops.outbound.conftest import dns  # noqa: F401  (a fixture)
from tests.http_server import Exchange, HttpServer, drip, ok, redirect, reset, status

pytestmark = pytest.mark.django_db
PAGE = b"<!doctype html><html><body>Welcome to our shop</body></html>"


@pytest.fixture
def loop(server: HttpServer) -> FeedbackLoop:
    server.behaviour = status(404)
    return make_loop(make_account(), url=server.url("/hooks/script.php"))


def content(loop: FeedbackLoop) -> bytes:
    return loop.verification_content.encode()


def is_verified(loop: FeedbackLoop) -> bool:
    loop.refresh_from_db()
    return loop.is_verified


@pytest.mark.parametrize("folder", ["/hooks/", "/"])
def test_the_file_is_found_beside_the_script_and_at_the_root(
    server: HttpServer, loop: FeedbackLoop, folder: str
) -> None:
    server.at[folder + loop.verification_file] = ok(content(loop))

    assert verification.look(loop)

    assert is_verified(loop)
    assert loop.verified
    assert VerificationLook.objects.filter(found=True).get().url == server.url(folder + loop.verification_file)


def test_both_places_are_looked_at_and_what_was_seen_is_kept(server: HttpServer, loop: FeedbackLoop) -> None:
    assert not verification.look(loop)

    looks = VerificationLook.objects.filter(loop=loop).order_by("pk")
    assert [look.url for look in looks] == [
        server.url(f"/hooks/{loop.verification_file}"),
        server.url(f"/{loop.verification_file}"),
    ]
    assert {(look.status, look.problem, look.address) for look in looks} == {(404, "not found", "127.0.0.1")}
    assert [request.method for request in server.requests] == ["GET", "GET"]
    assert not is_verified(loop)


@pytest.mark.parametrize(
    ("behaviour", "problem", "words"),
    [
        (ok(b"something else"), "wrong content", "another content"),
        (ok(PAGE), "html page", "A web page"),
        (redirect("https://elsewhere.example/"), "redirect", "https://elsewhere.example/"),
        (status(500), "server error", "500"),
        (status(403), "other status", "403"),
        (drip(5), "no answer", "in time"),
    ],
)
def test_anything_but_the_file_itself_is_refused_with_a_word_of_its_own(
    server: HttpServer, loop: FeedbackLoop, settings: Settings, behaviour: object, problem: str, words: str
) -> None:
    settings.ANSWER_SECONDS = 0.3
    server.behaviour = behaviour  # type: ignore[assignment]

    assert not verification.look(loop)

    look = VerificationLook.objects.filter(loop=loop).latest("pk")
    assert look.problem == problem
    assert words in look.message


def test_a_file_that_goes_on_behind_the_right_content_is_refused(server: HttpServer, loop: FeedbackLoop) -> None:
    server.behaviour = ok(content(loop) + b"\n" + b"x" * 100_000)

    assert not verification.look(loop)
    assert VerificationLook.objects.latest("pk").problem == "too long"


def test_a_place_that_is_not_public_is_not_looked_at(
    server: HttpServer, loop: FeedbackLoop, settings: Settings
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    server.behaviour = ok(content(loop))

    assert not verification.look(loop)

    assert server.requests == []
    assert "never called" in VerificationLook.objects.latest("pk").message


def test_a_look_that_ends_after_the_url_was_changed_verifies_nothing(server: HttpServer, loop: FeedbackLoop) -> None:
    def change_the_url_first(exchange: Exchange) -> bool:
        return ok(content(loop))(exchange)

    server.behaviour = change_the_url_first
    moved = FeedbackLoop.objects.get(pk=loop.pk)
    moved.url = server.url("/elsewhere/script.php")
    moved.save(update_fields=["url"])

    assert not verification.look(loop)

    assert not is_verified(loop)


def test_a_look_that_fails_leaves_a_verified_place_as_it_is(server: HttpServer) -> None:
    loop = make_verified_loop(make_account(), url=server.url("/script.php"))
    server.behaviour = status(404)

    verification.look(loop)

    assert is_verified(loop)


def test_both_looks_of_a_round_are_kept_together_with_what_they_answer(server: HttpServer, loop: FeedbackLoop) -> None:
    verification.look(loop)

    first, second = loop.looks.order_by("pk")
    assert first.looked == second.looked
    assert first.wanted == second.wanted == loop.looks_wanted_since


def test_a_look_keeps_the_addresses_and_the_first_bytes(server: HttpServer, loop: FeedbackLoop) -> None:
    server.behaviour = ok(b"x" * 50_000)

    verification.look(loop)

    sight = loop.looks.first().sight(loop.verification_content)  # type: ignore[union-attr]
    assert sight.known == (Known("127.0.0.1"),)
    assert (sight.connected, sight.secured, sight.error) == (True, False, None)
    assert (len(sight.body), sight.truncated) == (verification.BYTES_KEPT, True)
    assert sight.expected == content(loop)


def test_a_look_says_why_an_address_is_never_called(server: HttpServer, loop: FeedbackLoop, settings: Settings) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = []

    verification.look(loop)

    [look] = loop.looks.all()
    sight = look.sight(loop.verification_content)
    assert sight.known == (Known("127.0.0.1", "it is a loopback address (127.0.0.0/8)"),)
    assert sight.failed_at is Station.ADDRESS


@pytest.mark.parametrize(
    ("name", "fault"),
    [("gone.test", NameFault.UNKNOWN), ("failing.test", NameFault.FAILED), ("bare.test", NameFault.NO_ADDRESS)],
)
def test_a_look_says_why_a_name_gives_no_address(
    dns: DnsServer,  # noqa: F811
    loop: FeedbackLoop,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    fault: NameFault,
) -> None:
    dns.table["bare.test"] = []
    dns.failing.add("failing.test")
    resolver = Resolver(["127.0.0.1"], dns.port)
    monkeypatch.setattr(door, "_resolver", lambda: resolver)
    loop.url = f"http://{name}/script.php"

    verification.look(loop)
    resolver.close()

    [look] = loop.looks.all()
    assert look.sight("").name_fault is fault
    assert look.sight("").failed_at is Station.NAME


def test_a_server_that_hangs_up_is_asked_for_the_other_place_all_the_same(
    server: HttpServer, loop: FeedbackLoop
) -> None:
    server.behaviour = reset
    server.at["/" + loop.verification_file] = ok(content(loop))

    assert verification.look(loop)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(organization_name="An authority")


@pytest.mark.parametrize(
    ("name", "days", "is_trusted", "fault"),
    [
        ("127.0.0.1", 1, True, None),
        ("127.0.0.1", -1, True, TlsFault.EXPIRED),
        ("127.0.0.1", 30, True, TlsFault.NOT_YET_VALID),
        ("shop.test", 1, True, TlsFault.WRONG_NAME),
        ("127.0.0.1", 1, False, TlsFault.UNKNOWN_ISSUER),
    ],
)
def test_a_look_keeps_the_certificate_also_of_a_server_that_is_not_trusted(
    loop: FeedbackLoop,
    settings: Settings,
    authority: trustme.CA,
    tmp_path: Path,
    name: str,
    days: int,
    is_trusted: bool,
    fault: TlsFault | None,
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    settings.OUTBOUND_CA_FILE = str(tmp_path / "ca.pem") if is_trusted else ""
    end = now().replace(microsecond=0) + timedelta(days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_before=end - timedelta(days=5), not_after=end).configure_cert(context)
    with HttpServer(ok(content(loop)), tls=context) as secure:
        loop.url = secure.url("/hooks/script.php")
        verification.look(loop)

    sight = loop.looks.first().sight(loop.verification_content)  # type: ignore[union-attr]
    assert sight.certificate is not None
    assert (sight.certificate.names, sight.certificate.ends) == ((name,), end)
    assert sight.certificate.issuer == "An authority"
    assert sight.tls_fault is fault
    assert (sight.problem is Problem.OK) == (fault is None)
    assert sight.failed_at is (Station.CERTIFICATE if fault else None)


def test_only_the_last_looks_are_kept(loop: FeedbackLoop) -> None:
    for _ in range(15):
        verification.look(loop)

    assert VerificationLook.objects.filter(loop=loop).count() == verification.LOOKS_KEPT


def test_a_server_that_gives_no_answer_is_not_asked_for_the_other_place(
    server: HttpServer, loop: FeedbackLoop, settings: Settings
) -> None:
    settings.ANSWER_SECONDS = 0.3
    server.behaviour = drip(5)

    verification.look(loop)

    assert len(server.requests) == VerificationLook.objects.filter(loop=loop).count() == 1


def test_a_new_place_starts_without_the_failures_of_the_old_one(server: HttpServer, loop: FeedbackLoop) -> None:
    server.behaviour = ok(content(loop))
    LaneState.objects.update(failing_since=now(), failing_for=99.0)
    verification.look(loop)
    assert (LaneState.objects.get().failing_since, LaneState.objects.get().failing_for) == (None, 0.0)

    LaneState.objects.update(failing_since=now(), failing_for=99.0)
    verification.look(FeedbackLoop.objects.get())
    assert LaneState.objects.get().failing_for == 99.0
