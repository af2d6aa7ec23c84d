"""An attempt names the script that it was made to, so that its request can be shown however the loop changes."""

from dataclasses import replace

import pytest

from feedbackloops import lanes
from feedbackloops.calls import Script
from feedbackloops.lane import Lane
from feedbackloops.lanes import Lease
from feedbackloops.models import FeedbackLoop, ScriptVersion
from feedbackloops.protocol import signing
from feedbackloops.versions import Versions, fingerprint_of
from tests.factories import make_account, make_verified_loop

pytestmark = pytest.mark.django_db

SECRET, OTHER = b"s" * 32, b"t" * 32
SCRIPT = Script(1, 1, "https://example.com/a.php", "form", (SECRET,))


def lane_of(loop: FeedbackLoop) -> Lane:
    lane = Lane.leased(Lease(loop.pk, 1, 0, 0.0), 0.0, 0.0)
    lane.script = Script.from_loop(loop)
    return lane


def numbered(versions: Versions, loop: FeedbackLoop) -> ScriptVersion:
    lane = lane_of(loop)
    versions.number([lane])
    assert lane.script.version
    return ScriptVersion.objects.get(pk=lane.script.version)


def test_a_script_is_written_down_once_by_whoever_meets_it_and_again_when_it_changes() -> None:
    loop = make_verified_loop(make_account(), url="https://example.com/one.php")
    ours, theirs = Versions(), Versions()
    first = numbered(ours, loop)
    assert numbered(ours, loop) == numbered(theirs, loop) == first
    loop.url = "https://example.com/two.php"
    second = numbered(ours, loop)
    assert (first.url, second.url) == ("https://example.com/one.php", "https://example.com/two.php")
    loop.url = "https://example.com/one.php"
    assert numbered(ours, loop) == first
    assert ScriptVersion.objects.count() == 2


@pytest.mark.parametrize(
    "other",
    [
        replace(SCRIPT, url="https://example.com/b.php"),
        replace(SCRIPT, body_format="json"),
        replace(SCRIPT, secrets=(OTHER,)),
        replace(SCRIPT, secrets=(OTHER, SECRET)),
        replace(SCRIPT, rsa=signing.rsa_signer(signing.generate_rsa_key(), "key.example.com")),
    ],
)
def test_all_that_makes_calls_differ_makes_another_version(other: Script) -> None:
    assert fingerprint_of(other) != fingerprint_of(SCRIPT) == fingerprint_of(replace(SCRIPT, version=7))


def test_another_private_key_under_the_same_name_is_another_version() -> None:
    one, two = (signing.rsa_signer(signing.generate_rsa_key(), "key.example.com") for _ in range(2))
    assert fingerprint_of(replace(SCRIPT, rsa=one)) != fingerprint_of(replace(SCRIPT, rsa=two))


def test_no_secret_is_written_down() -> None:
    loop = make_verified_loop(make_account(), rsa_private_key=signing.generate_rsa_key(), rsa_key_id="key.example.com")
    version = numbered(Versions(), loop)
    key = signing.decode_secret(loop.secret)
    assert version.secrets == [signing.secret_mark(key)]
    written = str(ScriptVersion.objects.values().get())
    for secret in (loop.secret, key.hex(), loop.rsa_private_key):
        assert secret not in written


def test_what_was_written_down_goes_with_the_loop() -> None:
    loop = make_verified_loop(make_account())
    numbered(Versions(), loop)
    loop.delete()
    assert not ScriptVersion.objects.exists()


def test_of_a_loop_that_is_gone_a_version_can_be_met_without_an_error() -> None:
    loop = make_verified_loop(make_account())
    lane = lane_of(loop)
    loop.delete()
    Versions().number([lane])
    assert lane.script.version


def test_what_a_loop_leaves_out_makes_another_version_that_says_so() -> None:
    loop = make_verified_loop(make_account())
    whole = lane_of(loop)
    loop.only_fields, loop.left_out = ['a "b", ünï', "city"], ["mime"]
    loop.save()
    narrowed = lane_of(loop)
    Versions().number([whole, narrowed])
    kept = dict(ScriptVersion.objects.values_list("pk", "narrowing"))
    assert kept[whole.script.version or 0] == {}
    assert kept[narrowed.script.version or 0] == {"fields": ['a "b", ünï', "city"], "parts": ["mime"]}


def test_a_lane_that_has_its_facts_has_a_script_to_number() -> None:
    loop = make_verified_loop(make_account())
    [facts] = lanes.facts([loop.pk])
    assert fingerprint_of(Script.from_facts(facts)) == fingerprint_of(Script.from_loop(loop))
