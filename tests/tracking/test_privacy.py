import logging
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

from feedbackloops.tasks import keep_partitions
from marketingsuite.devstack import Stack
from profiles.models import Account, Consent, Database, IPAddresses, Profile
from tests.factories import make_account, make_database, make_message, make_profile
from tests.promptness import within
from tests.tracking.samples import ACCOUNT, MESSAGE, click_url, make_hit, pixel_url, request, wait_until
from tests.tracking.site import site
from tests.tracking.test_outside import AT
from tests.uncommitted import uncommitted
from tracking.ids import new_id
from tracking.messages import link_url, register, tracked_html, unsubscribe_url
from tracking.messages import pixel_url as pixel_of
from tracking.models import Event, Message, Refusal
from tracking.outside import record_reports
from tracking.privacy import Privacy, Wishes, privacy
from tracking.refused import Refused
from tracking.refusing import refuse
from tracking.reports import Report

HTML = '<html><body><a href="https://example.com/">x</a></body></html>'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "var" / "privacy.bin"


@pytest.fixture
def database(transactional_db: None) -> Database:
    database = make_database(make_account())
    database.consent, database.consent_field = Consent.OPT_OUT, "tracking"
    database.save()
    return database


def message_to(profile: Profile) -> Message:
    return register(profile.account, "ann@example.org", profile=profile).message


def change_mind(profile: Profile, answer: str) -> None:
    profile.fields = profile.fields | {"tracking": answer}
    profile.save()


def refused() -> set[object]:
    return set(Refusal.objects.filter(refused=True).values_list("pk", flat=True))


def test_old_mails_are_no_longer_seen_once_consent_is_withdrawn_and_are_again_once_it_is_given(
    database: Database, spool_folder: Path
) -> None:
    profile = make_profile(database)
    message = message_to(profile)
    other = message_to(make_profile(database))
    change_mind(profile, "no")
    privacy().refresh()
    assert request(pixel_of(message)).status == 200
    answer = request(link_url(message, 1, "https://example.com/"))
    assert (answer.status, answer.headers["Location"]) == (302, "https://example.com/")
    request(pixel_of(other))
    wait_until(lambda: Event.objects.filter(type__in=["open", "click"]).exists())
    assert set(Event.objects.filter(type__in=["open", "click"]).values_list("message", flat=True)) == {other.pk}

    change_mind(profile, "yes")
    privacy().refresh()
    request(pixel_of(message))
    wait_until(lambda: Event.objects.filter(message=message).exists())


def test_to_unsubscribe_is_no_tracking(database: Database, spool_folder: Path) -> None:
    profile = make_profile(database)
    message = message_to(profile)
    change_mind(profile, "no")
    privacy().refresh()
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    assert request(unsubscribe_url(message), "POST", body=b"List-Unsubscribe=One-Click", headers=headers).status == 200
    wait_until(lambda: Event.objects.filter(type="unsubscribe").exists())


def test_mails_that_are_sent_without_consent_are_not_tracked_at_all(database: Database) -> None:
    profile = make_profile(database)
    change_mind(profile, "no")
    message = message_to(profile)
    assert not message.tracked
    assert tracked_html(HTML, message) == HTML
    assert not refused()


def test_a_database_that_begins_to_ask_refuses_the_mails_of_all_who_have_not_consented(database: Database) -> None:
    silent, willing = make_profile(database), make_profile(database)
    change_mind(willing, "yes")
    sent = [message_to(silent), message_to(willing)]
    database.consent = Consent.OPT_IN
    database.save()
    assert refused() == {sent[0].pk}
    database.consent = Consent.NOT_ASKED
    database.save()
    assert not refused()


def test_a_profile_that_goes_leaves_its_mails_refused(database: Database) -> None:
    profile = make_profile(database)
    message = message_to(profile)
    change_mind(profile, "no")
    profile.delete()
    assert refused() == {message.pk}


def test_consent_that_is_withdrawn_while_a_mail_is_registered_holds_for_that_mail(database: Database) -> None:
    profile = make_profile(database)
    with psycopg.connect(**connection.get_connection_params()) as elsewhere, transaction.atomic():
        message = message_to(profile)
        elsewhere.execute("UPDATE profiles_profile SET tracked = false WHERE id = %s", [profile.pk])
        elsewhere.commit()
    assert refused() == {message.pk}


def test_a_mail_that_is_registered_while_consent_is_being_withdrawn_is_refused_too(database: Database) -> None:
    profile = make_profile(database)
    with uncommitted(lambda: change_mind(profile, "no")):
        message = message_to(profile)
        assert not refused()
    assert refused() == {message.pk}


def test_the_hourly_upkeep_finds_what_a_crash_left_out(database: Database) -> None:
    profile = make_profile(database)
    message = message_to(profile)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE profiles_profile SET tracked = false WHERE id = %s", [profile.pk])
    assert not refused()
    keep_partitions()
    assert refused() == {message.pk}


@pytest.mark.django_db
def test_the_file_is_written_at_once_and_then_not_with_each_change(file: Path) -> None:
    current = Privacy(file)
    for _ in range(2):
        refuse([new_id()])
        current.refresh()
    assert len(current.current.refused.in_order().keys) == 2
    assert len(Privacy(file).current.refused.keys) == 1


def test_a_change_that_is_committed_late_is_not_missed(transactional_db: None, file: Path) -> None:
    current, first, second = Privacy(file), new_id(), new_id()
    current.refresh()
    statement = "INSERT INTO tracking_refusal VALUES (%s, true, pg_current_xact_id()::text::bigint)"
    with psycopg.connect(**connection.get_connection_params()) as slow:
        slow.execute(statement, [first])
        refuse([second])
        current.refresh()
        assert second in current.current.refused
        assert first not in current.current.refused
        slow.commit()
    current.refresh()
    assert first in current.current.refused


@pytest.mark.django_db
def test_a_database_that_was_put_back_to_an_earlier_day_is_read_anew(file: Path) -> None:
    current, message = Privacy(file), new_id()
    current.current = Wishes({}, Refused().changed([(new_id(), True)]), 2**62)
    refuse([message])
    Refusal.objects.update(version=2**61)
    current.refresh()
    assert message in current.current.refused
    assert len(current.current.refused.in_order().keys) == 1


@pytest.mark.parametrize(
    ("keeping", "kept"), [("whole", "198.51.100.7"), ("shortened", "198.51.100.0"), ("none", None)]
)
def test_as_much_of_an_address_is_kept_as_the_account_wants(keeping: str, kept: str | None, spool_folder: Path) -> None:
    Account.objects.create(pk=ACCOUNT, name="Ann", ip_addresses=keeping)
    privacy().refresh()
    request(click_url())
    wait_until(Event.objects.exists)
    assert Event.objects.get().data.get("ip") == kept


@pytest.mark.django_db
def test_what_is_told_from_outside_is_held_to_the_same_wishes() -> None:
    message = make_message()
    account = message.account
    Account.objects.filter(pk=account.pk).update(ip_addresses=IPAddresses.SHORTENED)
    refuse([message.pk])
    told = {"ip": "203.0.113.9", "original": "https://example.com/"}
    seen = make_message(account=account)
    record_reports(
        [
            Report("click", account.pk, message.pk, AT, "1", told),
            Report("click", account.pk, seen.pk, AT, "2", told),
            Report("failure", account.pk, message.pk, AT, "3", {"code": 550}),
        ]
    )
    events = dict(Event.objects.values_list("type", "message"))
    assert events == {"click": seen.pk, "failure": message.pk}
    assert Event.objects.get(type="click").data["ip"] == "203.0.113.0"


@pytest.mark.django_db
def test_what_is_known_is_kept_for_a_start_without_postgres(file: Path) -> None:
    account = make_account()
    Account.objects.filter(pk=account.pk).update(ip_addresses=IPAddresses.NONE)
    message = new_id()
    refuse([message])
    Privacy(file).refresh()
    known = Privacy(file).current
    assert known.refuse(message, "open")
    assert "ip" not in known.kept_of(make_hit(account.pk)).data


@pytest.mark.parametrize(
    "content", [b"{", b"\xff", b'{"addresses": {}, "version": 1, "messages": 2}\n12345678', b"[]\n", b"{}\n123"]
)
def test_a_damaged_file_is_told_of_and_all_is_tracked(
    file: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with caplog.at_level(logging.ERROR):
        assert Privacy(file).current == Wishes()
    assert str(file) in caplog.text


def test_it_takes_effect_within_seconds_and_outlives_a_start_without_postgres(stack: Stack, tmp_path: Path) -> None:
    with site(stack, tmp_path) as place:
        place.start_web()
        assert place.status(pixel_url()) == 200
        wait_until(lambda: place.events() == 1)
        place.run(f"INSERT INTO tracking_refusal VALUES ('{MESSAGE}', true, pg_current_xact_id()::text::bigint)")
        with within(5):
            wait_until(lambda: MESSAGE in Privacy(tmp_path / "privacy.bin").current.refused, 60)
        assert place.status(click_url()) == 302
        place.processes.kill("web")
        with place.frozen():
            place.start_web()
            assert place.status(click_url()) == 302
            assert not place.spooled()
        assert place.events() == 1
